#include "bmc-agent/verification/signature_check.hpp"

#include "bmc-agent/staging/file.hpp"
#include "common/package/signature/self_contained.hpp"
#include "common/package/tarball/tarball.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace fwupdate::agent
{
namespace
{

using protocol::ReasonCode;

constexpr std::size_t slice_size = 256UL * 1024; ///< bytes of one step
constexpr std::size_t largest_pem = 1UL << 20;   ///< bytes of a file with certificates or lists
constexpr std::string_view check_name = "signature";

/// The first bytes of the content, as many as tell a tarball.
Result<bool> is_tarball(const package::ByteSource& content)
{
    std::array<std::uint8_t, 512> start{};
    const MutableBytes head = MutableBytes{start}.first(std::min<std::uint64_t>(start.size(), content.size));
    const auto read = content.read(0, head);
    return read ? Result<bool>{package::looks_like_tarball(head)} : Result<bool>{read.error()};
}

ReasonCode code_of(ErrorKind kind)
{
    switch (kind)
    {
    case ErrorKind::not_found:
        return ReasonCode::signature_required;
    case ErrorKind::input_output:
        return ReasonCode::input_output;
    default:
        return ReasonCode::signature_bad;
    }
}

class SignatureCheck final : public Check
{
  public:
    SignatureCheck(const config::Verification& settings, const Trust& trust, WallClock clock)
        : settings_{settings}, trust_{trust}, clock_{std::move(clock)}
    {
    }

    [[nodiscard]] std::string_view name() const override
    {
        return check_name;
    }

    [[nodiscard]] std::optional<Finding> plan(const UpdateRequest& request, ConstBytes /*header*/) override
    {
        if (!request.signature.empty())
        {
            return std::nullopt; // it is over bytes that are not here
        }
        return Finding{name(), ReasonCode::none,
                       settings_.signature_required ? "must be in the file or sent beside it; not looked at yet"
                                                    : "not required by this BMC's configuration"};
    }

    void begin() override
    {
        stage_ = Stage::first;
        verifier_.reset();
    }

    [[nodiscard]] std::optional<Finding> verify(Subject& subject) override
    {
        auto gone_on = go_on(subject);
        if (!gone_on)
        {
            return Finding{name(), code_of(gone_on.error().kind), std::move(gone_on.error().text)};
        }
        return std::move(*gone_on);
    }

  private:
    enum class Stage : std::uint8_t
    {
        first,
        beside, ///< the signature of 4Eh, over the whole file
        behind, ///< the trailer's, over what stands before it
        end,
    };

    /// One slice; a finding at the end. Error not_found: there is no signature, and one is required.
    [[nodiscard]] Result<std::optional<Finding>> go_on(Subject& subject)
    {
        switch (stage_)
        {
        case Stage::first:
            return look(subject);
        case Stage::beside:
        case Stage::behind:
            return read_slice(subject);
        case Stage::end:
            break;
        }
        return conclude(subject);
    }

    [[nodiscard]] Result<std::optional<Finding>> look(Subject& subject)
    {
        auto trailer = package::find_trailer(subject.content);
        if (!trailer)
        {
            return trailer.error();
        }
        whole_ = subject.content;
        trailer_.reset();
        if (*trailer)
        {
            trailer_ = std::move((*trailer)->signature);
            subject.content = package::first_bytes(subject.content, (*trailer)->content_size);
        }
        subject.readings += subject.request->signature.empty() ? 0 : 1;
        subject.readings += trailer_ ? 1 : 0;
        return next(subject, Stage::beside);
    }

    /// The next signature that is there.
    [[nodiscard]] Result<std::optional<Finding>> next(Subject& subject, Stage stage)
    {
        if (stage == Stage::beside && !subject.request->signature.empty())
        {
            return open(subject.request->signature, whole_, stage);
        }
        if (stage != Stage::end && trailer_ && (trust_.roots || settings_.signature_required))
        {
            return open(*trailer_, subject.content, Stage::behind);
        }
        stage_ = Stage::end;
        return std::optional<Finding>{};
    }

    [[nodiscard]] Result<std::optional<Finding>> open(ConstBytes der, package::ByteSource content, Stage stage)
    {
        if (!trust_.roots)
        {
            return fail(ErrorKind::denied, "this BMC's configuration trusts no certificate (verification: roots)");
        }
        const package::TimePolicy time{
            settings_.by_signing_time ? package::TimeSource::signing_time : package::TimeSource::clock, clock_()};
        auto verifier = package::CmsVerifier::begin(der, *trust_.roots, time);
        if (!verifier)
        {
            return verifier.error();
        }
        verifier_.emplace(std::move(*verifier));
        signed_ = std::move(content);
        offset_ = 0;
        stage_ = stage;
        return std::optional<Finding>{};
    }

    [[nodiscard]] Result<std::optional<Finding>> read_slice(Subject& subject)
    {
        slice_.resize(std::min<std::uint64_t>(slice_size, signed_.size - offset_));
        if (const auto read = signed_.read(offset_, slice_); !read)
        {
            return read.error();
        }
        verifier_->update(slice_);
        offset_ += slice_.size();
        if (offset_ < signed_.size)
        {
            return std::optional<Finding>{};
        }
        slice_ = {};
        auto signer = verifier_->finish();
        verifier_.reset();
        if (!signer)
        {
            return signer.error();
        }
        subject.signer = signer->certificate;
        return next(subject, stage_ == Stage::beside ? Stage::behind : Stage::end);
    }

    [[nodiscard]] Result<std::optional<Finding>> conclude(const Subject& subject) const
    {
        if (!subject.signer.empty())
        {
            return std::optional{Finding{name(), ReasonCode::none, "by " + subject.signer}};
        }
        const auto tarball = is_tarball(subject.content);
        if (!tarball)
        {
            return tarball.error();
        }
        const bool may_follow = *tarball && !trust_.system_keys.empty();
        if (settings_.signature_required && !may_follow)
        {
            return fail(
                ErrorKind::not_found,
                "this BMC wants a signature, and the image has none: sign it (fwsign sign), and send it in one file" +
                    std::string{subject.request->base_profile ? "; the base profile carries no other"
                                                              : " or with the signature beside it"});
        }
        return std::optional{Finding{name(), ReasonCode::none, "none around the image"}};
    }

    const config::Verification& settings_;
    const Trust& trust_;
    WallClock clock_;
    Stage stage_{};
    package::ByteSource whole_;
    std::optional<Bytes> trailer_;
    std::optional<package::CmsVerifier> verifier_;
    package::ByteSource signed_; ///< what the present signature is over
    std::uint64_t offset_{};
    Bytes slice_;
};

class VouchingCheck final : public Check
{
  public:
    VouchingCheck(const config::Verification& settings, Log& log) : settings_{settings}, log_{log} {}

    [[nodiscard]] std::string_view name() const override
    {
        return "vouching";
    }

    [[nodiscard]] std::optional<Finding> plan(const UpdateRequest& /*request*/, ConstBytes /*header*/) override
    {
        return std::nullopt;
    }

    [[nodiscard]] std::optional<Finding> verify(Subject& subject) override
    {
        if (!subject.signer.empty())
        {
            return Finding{name(), ReasonCode::none, subject.signer};
        }
        if (settings_.signature_required)
        {
            return Finding{name(), ReasonCode::signature_required,
                           "this BMC wants a signature, and nobody vouches for the image: sign it (fwsign sign)"};
        }
        log_.event(Level::warning, "Nobody vouches for this image; the configuration allows it",
                   {{"sha256", to_hex(subject.staging->digest().value_or(Sha256{}))}});
        return Finding{name(), ReasonCode::none, "nobody; allowed by this BMC's configuration"};
    }

  private:
    const config::Verification& settings_;
    Log& log_;
};

} // namespace

Result<Trust> Trust::load(const config::Verification& settings)
{
    Trust trust;
    if (!settings.roots.empty())
    {
        const auto roots = read_file(settings.roots, largest_pem);
        const auto lists = settings.revocation_lists.empty() ? Result<std::string>{std::string{}}
                                                             : read_file(settings.revocation_lists, largest_pem);
        if (!roots || !lists)
        {
            return !roots ? roots.error() : lists.error();
        }
        auto store = package::TrustStore::from_pem(*roots, *lists);
        if (!store)
        {
            return fail(store.error().kind, settings.roots.string() + ": " + store.error().text);
        }
        trust.roots.emplace(std::move(*store));
    }
    if (!settings.system_keys.empty())
    {
        auto keys = package::load_system_keys(settings.system_keys);
        if (!keys)
        {
            return keys.error();
        }
        trust.system_keys = std::move(*keys);
    }
    return trust;
}

std::unique_ptr<Check> make_signature_check(const config::Verification& settings, const Trust& trust, WallClock clock)
{
    return std::make_unique<SignatureCheck>(settings, trust, std::move(clock));
}

std::unique_ptr<Check> make_vouching_check(const config::Verification& settings, Log& log)
{
    return std::make_unique<VouchingCheck>(settings, log);
}

} // namespace fwupdate::agent
