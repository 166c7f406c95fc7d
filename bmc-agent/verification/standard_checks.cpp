// The checks every agent runs: size, downgrade policy, digest. Adding one: a class here or in a file beside, and a row
// in make_checks.
#include "bmc-agent/verification/check.hpp"

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

    [[nodiscard]] std::optional<Finding> verify(const UpdateRequest& request, const Staging& image) override
    {
        return judge(request, image.length());
    }

  private:
    [[nodiscard]] Finding judge(const UpdateRequest& request, std::uint64_t size) const
    {
        if (size == 0)
        {
            return {name(), ReasonCode::image_empty, "the image is empty"};
        }
        const std::uint64_t target_limit = request.target->configuration().max_size;
        const std::uint64_t limit = target_limit == 0 ? max_image_size_ : std::min(target_limit, max_image_size_);
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

/// No-downgrade is enforced or refused, never ignored: plain images carry no version to compare.
class DowngradeCheck final : public Check
{
  public:
    [[nodiscard]] std::string_view name() const override
    {
        return "downgrade";
    }

    [[nodiscard]] std::optional<Finding> plan(const UpdateRequest& request, ConstBytes /*header*/) override
    {
        return judge(request);
    }

    [[nodiscard]] std::optional<Finding> verify(const UpdateRequest& request, const Staging& /*image*/) override
    {
        return judge(request);
    }

  private:
    [[nodiscard]] Finding judge(const UpdateRequest& request) const
    {
        if ((request.parameters & protocol::parameter_no_downgrade) == 0)
        {
            return {name(), ReasonCode::none, "not asked for"};
        }
        if (same_as_installed(request))
        {
            return {name(), ReasonCode::none, "the image is the one that is installed"};
        }
        return {name(), ReasonCode::version_unknown,
                "no-downgrade was asked for, but a plain image carries no version to compare; send a package with a "
                "version, or leave no-downgrade out"};
    }

    [[nodiscard]] static bool same_as_installed(const UpdateRequest& request)
    {
        const auto& installed = request.target->installed().get();
        return installed && request.sha256 == installed->sha256;
    }
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

    [[nodiscard]] std::optional<Finding> verify(const UpdateRequest& request, const Staging& image) override
    {
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

CheckChain make_checks(std::uint64_t max_image_size)
{
    CheckChain checks;
    checks.push_back(std::make_unique<SizeCheck>(max_image_size));
    checks.push_back(std::make_unique<DowngradeCheck>());
    checks.push_back(std::make_unique<DigestCheck>());
    return checks;
}

} // namespace fwupdate::agent
