// The commands about sessions, the channel and its users (IPMI 2.0 chapter 22). Read only, but for the caller's own
// session.
#include "bmc-agent/channels/lan/channel_data.hpp"
#include "bmc-agent/channels/lan/lan_server.hpp"

#include <algorithm>

namespace fwupdate::agent::lan
{
namespace
{

using ipmi::CompletionCode;
using ipmi::NetFn;
using ipmi::Privilege;

constexpr std::uint8_t present_channel = 0x0E; // "the channel this request came in on"
constexpr std::uint8_t number_mask = 0x0F;
constexpr CompletionCode level_exceeds_limit{0x81};    // Set Session Privilege Level
constexpr CompletionCode level_not_available{0x80};    // the same
constexpr CompletionCode invalid_session_id{0x87};     // Close Session
constexpr CompletionCode invalid_session_handle{0x88}; // Close Session
constexpr CompletionCode payload_not_supported{0x80};  // Get Channel Cipher Suites
constexpr CompletionCode access_not_supported{0x82};   // Get Channel Access

/// The commands as methods; the table's rows hold a shared one.
class SessionCommands
{
  public:
    explicit SessionCommands(LanServer& server) : server_{server} {}

    Outcome authentication_capabilities(ConstBytes data, const Caller& caller) const;
    Outcome cipher_suites(ConstBytes data, const Caller& caller) const;
    Outcome set_privilege(ConstBytes data, const Caller& caller) const;
    Outcome close_session(ConstBytes data, const Caller& caller, TimePoint now) const;
    Outcome session_info(ConstBytes data, const Caller& caller) const;
    Outcome channel_access(ConstBytes data, const Caller& caller) const;
    Outcome channel_info(ConstBytes data, const Caller& caller) const;
    Outcome user_access(ConstBytes data, const Caller& caller) const;
    Outcome user_name(ConstBytes data) const;

  private:
    /// Whether a channel number means the LAN channel.
    [[nodiscard]] bool is_lan(std::uint8_t channel, const Caller& caller) const
    {
        const std::uint8_t number = channel == present_channel ? caller.channel : channel;
        return number == server_.lan().channel;
    }

    /// Session ids of other servers, whose sessions are bridged to us, mean nothing here.
    [[nodiscard]] Session* own_session(const Caller& caller) const
    {
        return caller.kind == ChannelKind::lan ? server_.sessions().find(caller.session) : nullptr;
    }

    LanServer& server_;
};

Outcome SessionCommands::authentication_capabilities(ConstBytes data, const Caller& caller) const
{
    if (data.size() != 2)
    {
        return refuse(CompletionCode::data_length_invalid);
    }
    const std::uint8_t level = data[1] & number_mask;
    if (!is_lan(data[0] & number_mask, caller) || level == 0 || level > 5)
    {
        return refuse(CompletionCode::invalid_data_field);
    }
    const bool wants_2_0 = (data[0] & 0x80) != 0;
    return answer(authentication_capabilities_data(server_.lan(), wants_2_0));
}

Outcome SessionCommands::cipher_suites(ConstBytes data, const Caller& caller) const
{
    if (data.size() != 3)
    {
        return refuse(CompletionCode::data_length_invalid);
    }
    if (!is_lan(data[0] & number_mask, caller))
    {
        return refuse(CompletionCode::invalid_data_field);
    }
    if ((data[1] & 0x3F) != 0) // payload types other than IPMI messages
    {
        return refuse(payload_not_supported);
    }
    const bool by_suite = (data[2] & 0x80) != 0;
    const Bytes records = cipher_suite_records(server_.lan(), by_suite);
    Bytes reply{server_.lan().channel};
    const std::size_t from = std::min(std::size_t{16} * (data[2] & 0x3FU), records.size());
    const std::size_t count = std::min<std::size_t>(16, records.size() - from);
    const auto part = ConstBytes{records}.subspan(from, count);
    reply.insert(reply.end(), part.begin(), part.end());
    return answer(std::move(reply));
}

Outcome SessionCommands::set_privilege(ConstBytes data, const Caller& caller) const
{
    Session* const session = own_session(caller);
    if (data.size() != 1)
    {
        return refuse(CompletionCode::data_length_invalid);
    }
    if (session == nullptr) // a system interface has no session
    {
        return refuse(CompletionCode::not_supported_in_present_state);
    }
    const std::uint8_t asked = data[0];
    if (asked > 5 || asked == 1) // callback cannot be asked for
    {
        return refuse(CompletionCode::invalid_data_field);
    }
    if (asked == 5) // OEM
    {
        return refuse(level_not_available);
    }
    if (asked > static_cast<std::uint8_t>(session->limit))
    {
        return refuse(level_exceeds_limit);
    }
    if (asked != 0)
    {
        session->caller.privilege = static_cast<Privilege>(asked);
    }
    return answer({static_cast<std::uint8_t>(session->caller.privilege)});
}

Outcome SessionCommands::close_session(ConstBytes data, const Caller& caller, TimePoint now) const
{
    if (data.size() != 4 && data.size() != 5)
    {
        return refuse(CompletionCode::data_length_invalid);
    }
    const std::uint32_t id = rmcpplus::load_u32(data);
    if (data.size() == 5 && id != 0) // the handle goes with id 0 only
    {
        return refuse(CompletionCode::data_length_invalid);
    }
    SessionTable& sessions = server_.sessions();
    const Session* const by_handle = data.size() == 5 ? sessions.find_handle(data[4]) : nullptr;
    Session* const session = sessions.find(by_handle != nullptr ? by_handle->id : id);
    if (session == nullptr || session->closed)
    {
        return refuse(data.size() == 5 ? invalid_session_handle : invalid_session_id);
    }
    const bool own = session == own_session(caller);
    if (!own && caller.privilege < Privilege::administrator)
    {
        return refuse(CompletionCode::insufficient_privilege);
    }
    sessions.close(*session, own ? CloseReason::by_request : CloseReason::by_administrator, now);
    return answer({});
}

Outcome SessionCommands::session_info(ConstBytes data, const Caller& caller) const
{
    if (data.empty() || data.size() != (data[0] == 0xFF ? 5U : data[0] == 0xFE ? 2U : 1U))
    {
        return refuse(CompletionCode::data_length_invalid);
    }
    const SessionTable& sessions = server_.sessions();
    const Session* session = nullptr;
    switch (data[0])
    {
    case 0x00:
        session = own_session(caller);
        break;
    case 0xFE:
        session = sessions.find_handle(data[1]);
        break;
    case 0xFF:
        session = sessions.find(rmcpplus::load_u32(data.subspan(1)));
        break;
    default:
        session = sessions.nth_active(data[0]);
        break;
    }
    return answer(session_info_data(sessions, session != nullptr && !session->closed ? session : nullptr));
}

Outcome SessionCommands::channel_access(ConstBytes data, const Caller& caller) const
{
    if (data.size() != 2)
    {
        return refuse(CompletionCode::data_length_invalid);
    }
    if (!is_lan(data[0] & number_mask, caller))
    {
        return refuse(access_not_supported); // sessionless channels have none
    }
    const unsigned which = data[1] >> 6; // 1 non-volatile, 2 present: the configuration is both
    if (which != 1 && which != 2)
    {
        return refuse(CompletionCode::invalid_data_field);
    }
    return answer(channel_access_data());
}

Outcome SessionCommands::channel_info(ConstBytes data, const Caller& caller) const
{
    if (data.size() != 1)
    {
        return refuse(CompletionCode::data_length_invalid);
    }
    const std::uint8_t asked = data[0] & number_mask;
    const std::uint8_t number = asked == present_channel ? caller.channel : asked;
    if (number == server_.lan().channel)
    {
        return answer(lan_channel_info_data(number, server_.sessions().active()));
    }
    if (caller.kind == ChannelKind::bridged && caller.session != 0 && number == caller.channel)
    {
        return answer(lan_channel_info_data(number, 1)); // of the others its own server knows
    }
    const bool own = caller.kind == ChannelKind::system_interface && number == caller.channel;
    if (own || number == system_interface_channel)
    {
        return answer(system_interface_info_data(number, own ? caller.host_interface : HostInterface::unknown));
    }
    return refuse(CompletionCode::invalid_data_field);
}

Outcome SessionCommands::user_access(ConstBytes data, const Caller& caller) const
{
    if (data.size() != 2)
    {
        return refuse(CompletionCode::data_length_invalid);
    }
    const config::User* const user = server_.users().by_id(data[1] & 0x3F);
    if (user == nullptr || !is_lan(data[0] & number_mask, caller))
    {
        return refuse(CompletionCode::invalid_data_field);
    }
    return answer(user_access_data(server_.users().size(), *user));
}

Outcome SessionCommands::user_name(ConstBytes data) const
{
    if (data.size() != 1)
    {
        return refuse(CompletionCode::data_length_invalid);
    }
    const config::User* const user = server_.users().by_id(data[0] & 0x3F);
    if (user == nullptr)
    {
        return refuse(CompletionCode::invalid_data_field);
    }
    Bytes name(user->name.begin(), user->name.end());
    name.resize(rmcpplus::largest_user_name);
    return answer(std::move(name));
}

} // namespace

void add_session_commands(CommandTable& table, LanServer& server)
{
    const auto commands = std::make_shared<const SessionCommands>(server);
    const auto add = [&](std::uint8_t command, Privilege least, auto handler, bool idempotent) {
        table.add({NetFn::app, command, least, std::move(handler), idempotent});
    };
    using Data = ConstBytes;
    using From = const Caller&;

    add(
        0x38, Privilege::none,
        [commands](Data data, From from, TimePoint) { return commands->authentication_capabilities(data, from); },
        true);
    add(
        0x54, Privilege::none,
        [commands](Data data, From from, TimePoint) { return commands->cipher_suites(data, from); }, true);
    add(
        0x3B, Privilege::callback,
        [commands](Data data, From from, TimePoint) { return commands->set_privilege(data, from); }, false);
    add(
        0x3C, Privilege::callback,
        [commands](Data data, From from, TimePoint now) { return commands->close_session(data, from, now); }, false);
    add(
        0x3D, Privilege::user,
        [commands](Data data, From from, TimePoint) { return commands->session_info(data, from); }, true);
    add(
        0x41, Privilege::user,
        [commands](Data data, From from, TimePoint) { return commands->channel_access(data, from); }, true);
    add(
        0x42, Privilege::user,
        [commands](Data data, From from, TimePoint) { return commands->channel_info(data, from); }, true);
    add(
        0x44, Privilege::operator_,
        [commands](Data data, From from, TimePoint) { return commands->user_access(data, from); }, true);
    add(
        0x46, Privilege::operator_, [commands](Data data, From, TimePoint) { return commands->user_name(data); }, true);
}

} // namespace fwupdate::agent::lan
