// The checks of what every image has: a size and a digest.
#include "bmc-agent/verification/check.hpp"
#include "bmc-agent/verification/image_limit.hpp"

namespace fwupdate::agent
{
namespace
{

using protocol::ReasonCode;

/// The image is neither empty nor larger than the agent and the target take.
class SizeCheck final : public Check
{
  public:
    explicit SizeCheck(std::uint64_t max_image_size) : max_image_size_{max_image_size} {}

    [[nodiscard]] std::string_view name() const override
    {
        return "size";
    }

    [[nodiscard]] std::optional<Finding> plan(const UpdateRequest& request, ConstBytes /*header*/) override
    {
        return judge(request, request.size);
    }

    [[nodiscard]] std::optional<Finding> verify(Subject& subject) override
    {
        return judge(*subject.request, subject.staging->length());
    }

  private:
    [[nodiscard]] Finding judge(const UpdateRequest& request, std::uint64_t size) const
    {
        if (size == 0)
        {
            return {name(), ReasonCode::image_empty, "the image is empty"};
        }
        const std::uint64_t limit = image_limit(request.target->configuration(), max_image_size_);
        if (size > limit)
        {
            return {name(), ReasonCode::image_too_large,
                    "the image has " + std::to_string(size) + " bytes, target " + request.target->configuration().name +
                        " takes at most " + std::to_string(limit)};
        }
        return {name(), ReasonCode::none, std::to_string(size) + " bytes"};
    }

    std::uint64_t max_image_size_;
};

/// The staged bytes have the announced digest.
class DigestCheck final : public Check
{
  public:
    [[nodiscard]] std::string_view name() const override
    {
        return "digest";
    }

    [[nodiscard]] std::optional<Finding> plan(const UpdateRequest& /*request*/, ConstBytes /*header*/) override
    {
        return std::nullopt;
    }

    [[nodiscard]] std::optional<Finding> verify(Subject& subject) override
    {
        const UpdateRequest& request = *subject.request;
        const Staging& image = *subject.staging;
        const auto digest = image.digest();
        if (!digest)
        {
            return Finding{name(), ReasonCode::image_incomplete, "the image is not complete"};
        }
        const Sha256* const named = image.map() ? &image.map()->name().sha256 : nullptr;
        if (named != nullptr && *named != *digest)
        {
            return mismatch(*digest, *named);
        }
        if (!request.sha256)
        {
            return Finding{name(), ReasonCode::none, "not announced; SHA-256 is " + to_hex(*digest)};
        }
        if (*request.sha256 != *digest)
        {
            return mismatch(*digest, *request.sha256);
        }
        return Finding{name(), ReasonCode::none, "SHA-256 " + to_hex(*digest)};
    }

  private:
    [[nodiscard]] Finding mismatch(const Sha256& digest, const Sha256& announced) const
    {
        return {name(), ReasonCode::digest_mismatch,
                "the received image has SHA-256 " + to_hex(digest) + ", announced was " + to_hex(announced) +
                    "; send it again"};
    }
};

} // namespace

std::unique_ptr<Check> make_size_check(std::uint64_t max_image_size)
{
    return std::make_unique<SizeCheck>(max_image_size);
}

std::unique_ptr<Check> make_digest_check()
{
    return std::make_unique<DigestCheck>();
}

} // namespace fwupdate::agent
