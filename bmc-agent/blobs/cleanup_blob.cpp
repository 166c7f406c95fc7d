#include "bmc-agent/blobs/cleanup_blob.hpp"

#include "bmc-agent/blobs/flash_ids.hpp"

namespace fwupdate::agent::blobs
{
namespace
{

Error only_commit()
{
    return fail(ErrorKind::unsupported, "/flash/cleanup can be opened, committed and closed, and nothing else");
}

} // namespace

std::vector<std::string> CleanupBlob::ids() const
{
    return {std::string{cleanup_id}};
}

Result<void> CleanupBlob::open(const OpenOrder& order, const Caller& /*caller*/, TimePoint /*now*/)
{
    sessions_.insert(order.session);
    return {};
}

Result<void> CleanupBlob::commit(SessionId /*session*/, ConstBytes /*data*/, const Caller& /*caller*/, TimePoint now)
{
    update_.clean_up(now);
    return {};
}

Result<void> CleanupBlob::close(SessionId session, const Caller& /*caller*/, TimePoint /*now*/)
{
    sessions_.erase(session);
    return {};
}

void CleanupBlob::expire(SessionId session, TimePoint /*now*/)
{
    sessions_.erase(session);
}

Result<Bytes> CleanupBlob::read(SessionId /*session*/, std::uint32_t /*offset*/, std::uint32_t /*size*/)
{
    return Bytes{};
}

Result<void> CleanupBlob::write(SessionId /*session*/, std::uint32_t /*offset*/, ConstBytes /*data*/,
                                const Caller& /*caller*/, TimePoint /*now*/)
{
    return only_commit();
}

Result<void> CleanupBlob::write_meta(SessionId /*session*/, std::uint32_t /*offset*/, ConstBytes /*data*/)
{
    return only_commit();
}

Result<void> CleanupBlob::remove(std::string_view /*id*/, const Caller& /*caller*/, TimePoint /*now*/)
{
    return only_commit();
}

Result<StatResponse> CleanupBlob::stat(std::string_view /*id*/) const
{
    return only_commit();
}

Result<StatResponse> CleanupBlob::stat(SessionId /*session*/)
{
    return only_commit();
}

} // namespace fwupdate::agent::blobs
