#include "bmc-agent/channels/lan/duplicate_cache.hpp"

#include "common/sha256.hpp"
#include "protocol-spec/messages.hpp"

namespace fwupdate::agent::lan
{
namespace
{

bool is_image_write(const RequestKey& key)
{
    return key.net_fn == ipmi::NetFn::firmware &&
           key.command == static_cast<std::uint8_t>(protocol::Command::write_image_data);
}

} // namespace

RequestKey key_of(const rmcpplus::LanRequest& request)
{
    return {request.requester_address, request.requester_lun,      request.net_fn,
            request.command,           request.requester_sequence, sha256(request.data)};
}

const ipmi::Response* DuplicateCache::find(const RequestKey& key, TimePoint now) const
{
    if (last_write_ && last_write_->key == key)
    {
        return &last_write_->response;
    }
    for (const Entry& entry : entries_)
    {
        if (entry.key == key && now - entry.at < life && requests_ - entry.number < reach)
        {
            return &entry.response;
        }
    }
    return nullptr;
}

void DuplicateCache::remember(const RequestKey& key, const ipmi::Response& response, TimePoint now)
{
    pass();
    while (entries_.size() >= capacity || (!entries_.empty() && now - entries_.front().at >= life))
    {
        entries_.pop_front();
    }
    entries_.push_back({key, response, now, requests_});
    if (is_image_write(key))
    {
        last_write_ = entries_.back();
    }
}

void DuplicateCache::pass()
{
    ++requests_;
    last_write_.reset();
}

void DuplicateCache::clear()
{
    last_write_.reset();
    entries_.clear();
}

} // namespace fwupdate::agent::lan
