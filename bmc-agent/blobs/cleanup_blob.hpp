// /flash/cleanup: its commit removes what former updates have left.
#pragma once

#include "bmc-agent/blobs/blob_handler.hpp"
#include "bmc-agent/blobs/flash_update.hpp"

#include <set>
#include <string>
#include <vector>

namespace fwupdate::agent::blobs
{

/// Any number of sessions; nothing to be written, read, deleted or asked for.
class CleanupBlob final : public BlobHandler
{
  public:
    /// The update outlives the blob.
    explicit CleanupBlob(FlashUpdate& update) : update_{update} {}

    [[nodiscard]] std::vector<std::string> ids() const override;
    [[nodiscard]] bool knows(SessionId session) const override
    {
        return sessions_.contains(session);
    }
    [[nodiscard]] Result<void> open(const OpenOrder& order, const Caller& caller, TimePoint now) override;
    [[nodiscard]] Result<void> write(SessionId session, std::uint32_t offset, ConstBytes data, const Caller& caller,
                                     TimePoint now) override;
    [[nodiscard]] Result<void> write_meta(SessionId session, std::uint32_t offset, ConstBytes data) override;
    [[nodiscard]] Result<void> commit(SessionId session, ConstBytes data, const Caller& caller, TimePoint now) override;
    [[nodiscard]] Result<void> close(SessionId session, const Caller& caller, TimePoint now) override;
    [[nodiscard]] Result<Bytes> read(SessionId session, std::uint32_t offset, std::uint32_t size) override;
    [[nodiscard]] Result<void> remove(std::string_view id, const Caller& caller, TimePoint now) override;
    [[nodiscard]] Result<StatResponse> stat(std::string_view id) const override;
    [[nodiscard]] Result<StatResponse> stat(SessionId session) override;
    void expire(SessionId session, TimePoint now) override;

  private:
    FlashUpdate& update_;
    std::set<SessionId> sessions_;
};

} // namespace fwupdate::agent::blobs
