// The chain of checks between download and programming. `plan` asks what can be known before a byte is sent; `verify`
// looks at the staged image. Both give findings of the same kind, and both ways run the same checks.
#pragma once

#include "bmc-agent/log/log.hpp"
#include "bmc-agent/verification/subject.hpp"
#include "protocol-spec/messages.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::agent
{

/// What one check found.
struct Finding
{
    std::string_view check;      ///< the check's name
    protocol::ReasonCode code{}; ///< none: passed
    std::string text;            ///< a sentence; on refusal it says what to do

    [[nodiscard]] bool passed() const
    {
        return code == protocol::ReasonCode::none;
    }
};

class Check
{
  public:
    virtual ~Check() = default;
    [[nodiscard]] virtual std::string_view name() const = 0;

    /// From the announcement and the image's first bytes alone. None: cannot be told before the image is here.
    [[nodiscard]] virtual std::optional<Finding> plan(const UpdateRequest& request, ConstBytes header) = 0;

    /// Starts anew on a staged image that is complete and hashed to its end.
    virtual void begin() {}

    /// One slice of work on the staged image; what it finds in it goes into the subject. None: more slices are needed.
    [[nodiscard]] virtual std::optional<Finding> verify(Subject& subject) = 0;
};

using CheckChain = std::vector<std::unique_ptr<Check>>;

/// What every agent looks at first: sizes, and that the staged bytes have the announced digest.
[[nodiscard]] std::unique_ptr<Check> make_size_check(std::uint64_t max_image_size);
[[nodiscard]] std::unique_ptr<Check> make_digest_check();

/// Runs a chain over a staged image, a slice at a time, and keeps the report.
class Verification
{
  public:
    explicit Verification(CheckChain& checks) : checks_{&checks} {}

    /// Request and staging must outlive the verification, or the next begin().
    void begin(const UpdateRequest& request, const Staging& staging);

    /// One slice. True: every check has spoken, or one refused.
    [[nodiscard]] bool step();

    /// Bytes of the image that have been looked at, of its length: each as often as it must be.
    [[nodiscard]] std::uint64_t done() const;

    /// Lets go of everything that checks hold of an image.
    void abandon();

    /// What is to be programmed, when every check has passed. Whatever else the checks hold of the image goes.
    [[nodiscard]] std::vector<Component> take_components();

    /// What was found so far, in order; the last one refuses if any does.
    [[nodiscard]] const std::vector<Finding>& report() const
    {
        return report_;
    }

  private:
    CheckChain* checks_;
    Subject subject_;
    std::shared_ptr<std::uint64_t> read_ = std::make_shared<std::uint64_t>(0); ///< bytes, by all checks
    std::size_t next_{};
    std::vector<Finding> report_;
};

/// The dry run: every check's finding that can be known now.
[[nodiscard]] std::vector<Finding> plan(CheckChain& checks, const UpdateRequest& request, ConstBytes header);

/// The first refusal; nullptr: none.
[[nodiscard]] const Finding* first_refusal(const std::vector<Finding>& report);

/// One line per finding: "digest: ok: ..." or "digest: REFUSED: ...".
[[nodiscard]] std::string describe(const std::vector<Finding>& report);

} // namespace fwupdate::agent
