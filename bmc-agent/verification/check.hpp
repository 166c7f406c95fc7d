// The chain of checks between download and programming. `plan` asks what can be known before a byte is sent; `verify`
// looks at the staged image. Both give findings of the same kind, and both ways run the same checks.
#pragma once

#include "bmc-agent/staging/staging.hpp"
#include "bmc-agent/targets/target.hpp"
#include "protocol-spec/messages.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::agent
{

/// What the client asked for and announced.
struct UpdateRequest
{
    Target* target{};             ///< where the image goes
    std::uint16_t parameters{};   ///< protocol::parameter_*
    std::uint64_t size{};         ///< bytes; 0: not announced
    std::optional<Sha256> sha256; ///< announced by 2Bh, 44h or 4Ah
    bool base_profile{};          ///< nothing but the base commands was used
};

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

    /// One slice of work on the staged image. None: more slices are needed.
    [[nodiscard]] virtual std::optional<Finding> verify(const UpdateRequest& request, const Staging& image) = 0;
};

using CheckChain = std::vector<std::unique_ptr<Check>>;

/// The checks of this agent in their order.
[[nodiscard]] CheckChain make_checks(std::uint64_t max_image_size);

/// Runs a chain over a staged image, a slice at a time, and keeps the report.
class Verification
{
  public:
    explicit Verification(CheckChain& checks) : checks_{&checks} {}

    void begin();

    /// One slice. True: every check has spoken, or one refused.
    [[nodiscard]] bool step(const UpdateRequest& request, const Staging& image);

    /// What was found so far, in order; the last one refuses if any does.
    [[nodiscard]] const std::vector<Finding>& report() const
    {
        return report_;
    }

  private:
    CheckChain* checks_;
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
