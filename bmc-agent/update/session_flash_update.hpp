// The flash blobs' update is the agent's own: the same session, checks, targets and log. What differs is that a client
// of the blobs says when a verified image is to be programmed.
#pragma once

#include "bmc-agent/blobs/flash_update.hpp"
#include "bmc-agent/update/session.hpp"

namespace fwupdate::agent
{

class SessionFlashUpdate final : public blobs::FlashUpdate
{
  public:
    /// The session outlives it.
    explicit SessionFlashUpdate(UpdateSession& session) : session_{session} {}

    [[nodiscard]] bool is_held() const override;
    [[nodiscard]] bool admits(const Caller& caller, TimePoint now) const override;
    [[nodiscard]] Result<void> begin_image(std::string_view id, const Caller& caller, TimePoint now) override;
    [[nodiscard]] Result<void> append(ConstBytes bytes, const Caller& caller, TimePoint now) override;
    [[nodiscard]] Result<void> begin_signature(const Caller& caller, TimePoint now) override;

    /// Where images need no signature: a SHA-256 of the image too, 32 bytes or as sha256sum(1) writes it.
    [[nodiscard]] Result<void> set_signature(ConstBytes signature, const Caller& caller, TimePoint now) override;
    [[nodiscard]] Result<void> start_verification(const Caller& caller, TimePoint now) override;
    [[nodiscard]] Result<void> start_update(const Caller& caller, TimePoint now) override;
    [[nodiscard]] blobs::FlashStatus status() const override;
    void abort(TimePoint now) override;
    void detach(TimePoint now) override;
    void finish(TimePoint now) override;
    void clean_up(TimePoint now) override;

  private:
    [[nodiscard]] bool has_mode() const;
    [[nodiscard]] Result<bool> take(const Caller& caller, TimePoint now);
    [[nodiscard]] Result<void> outcome_of(ipmi::CompletionCode code, const Caller& caller);
    void leave(TimePoint now);

    UpdateSession& session_;
    Caller owner_;            ///< who asked last: what ends without a caller ends in this name
    std::uint64_t tenure_{0}; ///< of the update mode that the blobs have entered; 0: none
    bool begun_{false};       ///< an image, in it
};

} // namespace fwupdate::agent
