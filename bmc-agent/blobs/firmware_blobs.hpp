// The flash blobs: an update as phosphor-ipmi-flash's host tool drives it. One update and one session at a time. Pure:
// the table of flash_states.hpp says what may happen, FlashUpdate does it.
#pragma once

#include "bmc-agent/blobs/blob_handler.hpp"
#include "bmc-agent/blobs/flash_ids.hpp"
#include "bmc-agent/blobs/flash_states.hpp"
#include "bmc-agent/blobs/flash_update.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fwupdate::agent::blobs
{

/// How the bytes come: open flags of a data blob. The BMC has no bridge to the host's memory, so it is always ipmi.
inline constexpr std::uint16_t data_by_ipmi = 0x0100;

/// What a stat of an id says: every way, as the original does for the sake of old host tools.
inline constexpr std::uint16_t data_by_any = 0xFF00;

class FirmwareBlobs final : public BlobHandler
{
  public:
    static constexpr std::size_t largest_hash = 16'384; ///< bytes: of a signature, which is kept in memory

    /// The update outlives the blobs.
    FirmwareBlobs(FlashIds configured, FlashUpdate& update);

    [[nodiscard]] FlashState state() const
    {
        return state_;
    }

    void refresh() override;
    [[nodiscard]] std::vector<std::string> ids() const override;
    [[nodiscard]] bool knows(SessionId session) const override
    {
        return session_ && session_->id == session;
    }
    [[nodiscard]] Result<void> open(const OpenOrder& order, const Caller& caller, TimePoint now) override;

    /// At the end of what was written, or exactly what was written last once more.
    [[nodiscard]] Result<void> write(SessionId session, std::uint32_t offset, ConstBytes data, const Caller& caller,
                                     TimePoint now) override;
    [[nodiscard]] Result<void> write_meta(SessionId session, std::uint32_t offset, ConstBytes data) override;
    [[nodiscard]] Result<void> commit(SessionId session, ConstBytes data, const Caller& caller, TimePoint now) override;
    [[nodiscard]] Result<void> close(SessionId session, const Caller& caller, TimePoint now) override;

    /// Nothing can be read back: always empty.
    [[nodiscard]] Result<Bytes> read(SessionId session, std::uint32_t offset, std::uint32_t size) override;
    [[nodiscard]] Result<void> remove(std::string_view id, const Caller& caller, TimePoint now) override;
    [[nodiscard]] Result<StatResponse> stat(std::string_view id) const override;
    [[nodiscard]] Result<StatResponse> stat(SessionId session) override;
    void expire(SessionId session, TimePoint now) override;

  private:
    enum class Part : std::uint8_t
    {
        image,
        hash,
        verify,
        update,
    };

    struct Session
    {
        SessionId id{};
        Part part{};
        std::uint16_t state{};     ///< as a stat tells it
        std::uint64_t size{};      ///< bytes written
        std::uint32_t last_from{}; ///< where the last write began
        Bytes last;                ///< and its bytes
    };

    /// Who lets something happen, on what.
    struct Cause
    {
        const Caller* caller{}; ///< nullptr: nobody; only where the action asks for nobody
        TimePoint now;
        std::string_view id; ///< of the blob to be opened
        ConstBytes data;     ///< to be written
    };

    [[nodiscard]] std::optional<Part> part_of(std::string_view id) const;
    [[nodiscard]] static FlashEvent event_of_open(Part part);
    [[nodiscard]] Result<void> check_data_open(const OpenOrder& order, Part part) const;
    [[nodiscard]] bool lists_verify() const;
    [[nodiscard]] bool lists_update() const;
    [[nodiscard]] Result<void> fire(FlashEvent event, const Cause& cause);
    [[nodiscard]] Result<void> act(FlashAction action, const Cause& cause);
    [[nodiscard]] Result<void> begin_image(const Cause& cause);
    [[nodiscard]] Result<void> begin_hash(const Cause& cause);
    [[nodiscard]] Result<void> accept_data(const Cause& cause);
    [[nodiscard]] Result<void> end_data(const Cause& cause);
    [[nodiscard]] FlashStatus learn_status();
    void start_over();

    FlashIds configured_;
    FlashUpdate& update_;
    FlashState state_{FlashState::not_yet_started};
    std::optional<Session> session_;
    std::string image_id_; ///< of the image begun in this update; empty: none
    bool hash_begun_{false};
    Bytes hash_;
    FlashStatus result_{FlashStatus::unknown}; ///< of verification or update, once a client knows it
};

} // namespace fwupdate::agent::blobs
