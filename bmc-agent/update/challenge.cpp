#include "bmc-agent/update/challenge.hpp"

#include <openssl/crypto.h>

#include <algorithm>

namespace fwupdate::agent
{
namespace
{

constexpr std::size_t most_entries = 32; ///< users x channels of a BMC

} // namespace

protocol::Challenge ChallengeBook::issue(const Caller& caller, TimePoint now)
{
    std::erase_if(entries_, [&](const Entry& entry)
                  { return entry.expires <= now || (entry.channel == caller.channel && entry.user == caller.user); });
    if (entries_.size() == most_entries)
    {
        entries_.pop_front();
    }
    Entry entry{caller.channel, caller.user, {}, now + lifetime};
    random_->fill(entry.challenge);
    entries_.push_back(entry);
    return entry.challenge;
}

bool ChallengeBook::redeem(const protocol::Challenge& challenge, const Caller& caller, TimePoint now)
{
    const auto place = std::ranges::find_if(entries_, [&](const Entry& entry)
                                            { return entry.channel == caller.channel && entry.user == caller.user; });
    if (place == entries_.end())
    {
        return false;
    }
    const bool good =
        now < place->expires && CRYPTO_memcmp(place->challenge.data(), challenge.data(), challenge.size()) == 0;
    entries_.erase(place);
    return good;
}

} // namespace fwupdate::agent
