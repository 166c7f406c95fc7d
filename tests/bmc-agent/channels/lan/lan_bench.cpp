#include "tests/bmc-agent/channels/lan/lan_bench.hpp"

#include "common/rmcpplus/keys.hpp"

namespace lan_bench
{

using rmcpplus::PayloadType;

void CountingRandom::fill(MutableBytes out)
{
    for (std::uint8_t& byte : out)
    {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL; // Knuth's MMIX generator
        byte = static_cast<std::uint8_t>(state_ >> 56);
    }
}

bool RecordingLog::has(std::string_view part) const
{
    return std::ranges::any_of(lines, [&](const LogLine& line) { return line.text.find(part) != std::string::npos; });
}

void RecordingLog::write(Level level, std::string_view sentence, std::span<const Pair> pairs)
{
    lines.push_back({level, format_event(sentence, pairs)});
}

void RecordingObserver::session_closed(std::uint8_t channel, std::uint32_t session, CloseReason why, TimePoint)
{
    events.push_back({channel, session, why, outbox->packets().size()});
}

Endpoint endpoint(std::uint8_t last_byte, std::uint16_t port)
{
    Endpoint from;
    from.peer.address = {192, 0, 2, last_byte};
    from.peer.port = port;
    return from;
}

Endpoint endpoint_ipv6()
{
    Endpoint from;
    from.peer.address = {0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    from.peer.port = 50'000;
    from.peer.ipv6 = true;
    return from;
}

Bench::Bench(const config::Lan& settings)
    : lan{settings},
      users{{"admin", "a good long password", ipmi::Privilege::administrator},
            {"operator", "another one", ipmi::Privilege::operator_},
            {"sixteen-bytes-16", "x", ipmi::Privilege::user}},
      server{{lan, users, guid, table, random, log}}
{
    observer.outbox = &outbox;
    server.observe(&observer);
    add_session_commands(table, server);
    add_commands();
}

void Bench::add_commands()
{
    using ipmi::NetFn;
    using ipmi::Privilege;
    const auto note = [this](const Caller& caller) { callers.push_back(caller); };
    table.add({NetFn::app, 0x01, Privilege::user,
               [note](ConstBytes, const Caller& caller, TimePoint)
               {
                   note(caller);
                   return answer({0x20, 0x01});
               },
               true});
    table.add({NetFn::firmware, 0x2C, Privilege::administrator,
               [this, note](ConstBytes data, const Caller& caller, TimePoint)
               {
                   note(caller);
                   ++writes;
                   return answer({static_cast<std::uint8_t>(data.size()), static_cast<std::uint8_t>(writes)});
               }});
    table.add({NetFn::firmware, 0x28, Privilege::administrator,
               [this](ConstBytes, const Caller&, TimePoint)
               {
                   ++writes;
                   return answer({static_cast<std::uint8_t>(writes)});
               }});
    table.add({NetFn::firmware, 0x45, Privilege::administrator,
               [this](ConstBytes data, const Caller&, TimePoint)
               {
                   ++fragments;
                   Outcome outcome = answer({});
                   outcome.answer = !data.empty() && data[0] == 1;
                   return outcome;
               },
               true});
    table.add({NetFn::firmware, 0x46, Privilege::user,
               [](ConstBytes, const Caller&, TimePoint) { return answer(Bytes(901)); }, true});
    table.add({NetFn::firmware, 0x47, Privilege::none,
               [](ConstBytes data, const Caller&, TimePoint) { return answer(Bytes(data.empty() ? 0 : data[0])); },
               true});
}

std::vector<Outgoing> Bench::send(Bytes datagram, const Endpoint& from)
{
    outbox.clear();
    server.receive(datagram, from, now, outbox);
    return {outbox.packets().begin(), outbox.packets().end()};
}

std::optional<Bytes> Bench::exchange(Bytes datagram, const Endpoint& from)
{
    const auto out = send(std::move(datagram), from);
    REQUIRE(out.size() <= 1);
    if (out.empty())
    {
        return std::nullopt;
    }
    CHECK(out[0].to.peer == from.peer);
    return out[0].bytes;
}

// ------------------------------------------------------------------------------------------------ remote console

namespace
{

/// The payload of a sessionless answer of this type.
std::optional<Bytes> payload_of(const std::optional<Bytes>& datagram, PayloadType type)
{
    if (!datagram)
    {
        return std::nullopt;
    }
    const auto packet = rmcpplus::parse_rmcp_plus(*datagram);
    REQUIRE(packet.has_value());
    REQUIRE(packet->payload_type == type);
    return Bytes(datagram->begin() + rmcpplus::payload_offset, datagram->end());
}

rmcpplus::AlgorithmPayload proposal(std::uint8_t type, std::uint8_t algorithm)
{
    rmcpplus::AlgorithmPayload payload{};
    payload.type = type;
    payload.algorithm = algorithm;
    return payload;
}

} // namespace

Bytes Console::open_request() const
{
    rmcpplus::OpenSessionRequest request{};
    request.message_tag = tag;
    request.privilege = asked_privilege;
    request.console_session_id = console_id;
    request.authentication = proposal(0, static_cast<std::uint8_t>(suite.algorithms.authentication));
    request.integrity = proposal(1, static_cast<std::uint8_t>(suite.algorithms.integrity));
    request.confidentiality = proposal(2, static_cast<std::uint8_t>(suite.algorithms.confidentiality));
    return rmcpplus::build_sessionless(PayloadType::open_session_request, codec::encode(request));
}

bool Console::take_open_response(const std::optional<Bytes>& datagram)
{
    const auto payload = payload_of(datagram, PayloadType::open_session_response);
    if (!payload)
    {
        return false;
    }
    const auto refusal = codec::decode_response<rmcpplus::HandshakeRefusal>(*payload);
    status_ = refusal.value().status;
    if (status_ != rmcpplus::RakpStatus::no_errors)
    {
        CHECK(payload->size() == 8);
        CHECK(refusal->console_session_id == console_id);
        return false;
    }
    const auto response = codec::decode_request<rmcpplus::OpenSessionResponse>(*payload);
    REQUIRE(response.has_value());
    CHECK(response->message_tag == tag);
    CHECK(response->console_session_id == console_id);
    CHECK(response->bmc_session_id != 0);
    bmc_id = response->bmc_session_id;
    granted_privilege = response->privilege;
    return true;
}

Bytes Console::rakp1() const
{
    rmcpplus::RakpMessage1 message{};
    message.message_tag = tag;
    message.bmc_session_id = bmc_id;
    message.console_random = console_random;
    message.role = role;
    message.user_name.value = user_name;
    return rmcpplus::build_sessionless(PayloadType::rakp_message_1, codec::encode(message));
}

rmcpplus::Exchange Console::exchange() const
{
    return {suite.algorithms.authentication, console_id, bmc_id, console_random, bmc_random, guid, role, user_name};
}

bool Console::take_rakp2(const std::optional<Bytes>& datagram)
{
    const auto payload = payload_of(datagram, PayloadType::rakp_message_2);
    if (!payload)
    {
        return false;
    }
    status_ = codec::decode_response<rmcpplus::HandshakeRefusal>(*payload).value().status;
    if (status_ != rmcpplus::RakpStatus::no_errors)
    {
        CHECK(payload->size() == 8);
        return false;
    }
    const auto message = codec::decode_request<rmcpplus::RakpMessage2>(*payload);
    REQUIRE(message.has_value());
    CHECK(message->bmc_guid == guid);
    bmc_random = message->bmc_random;
    const auto expected = rmcpplus::rakp2_code(exchange(), as_bytes(password));
    CHECK(message->authentication_code.view.size() == expected.view().size());
    return rmcpplus::equal_in_constant_time(expected.view(), message->authentication_code.view);
}

Bytes Console::rakp3() const
{
    const auto code = rmcpplus::rakp3_code(exchange(), as_bytes(password));
    rmcpplus::RakpMessage3 message{};
    message.message_tag = tag;
    message.bmc_session_id = bmc_id;
    message.authentication_code.view = code.view();
    return rmcpplus::build_sessionless(PayloadType::rakp_message_3, codec::encode(message));
}

bool Console::take_rakp4(const std::optional<Bytes>& datagram)
{
    const auto payload = payload_of(datagram, PayloadType::rakp_message_4);
    if (!payload)
    {
        return false;
    }
    status_ = codec::decode_response<rmcpplus::HandshakeRefusal>(*payload).value().status;
    if (status_ != rmcpplus::RakpStatus::no_errors)
    {
        CHECK(payload->size() == 8);
        return false;
    }
    const auto message = codec::decode_request<rmcpplus::RakpMessage4>(*payload);
    const auto authentication = suite.algorithms.authentication;
    const auto sik = rmcpplus::session_integrity_key(exchange(), bmc_key ? ConstBytes{*bmc_key} : as_bytes(password));
    const auto value = rmcpplus::rakp4_value(exchange(), sik.view());
    if (!rmcpplus::equal_in_constant_time(value.view(), message.value().integrity_check_value.view))
    {
        return false;
    }
    auto cipher =
        rmcpplus::SessionCipher::create(suite.algorithms.integrity, suite.algorithms.confidentiality,
                                        rmcpplus::derive_k1(authentication, sik.view()).view(),
                                        rmcpplus::derive_k2(authentication, sik.view()).view(), bench_.random);
    cipher_.emplace(std::move(cipher.value()));
    return true;
}

bool Console::open(std::string_view user, std::string_view with_password)
{
    user_name = user;
    password = with_password;
    return take_open_response(bench_.exchange(open_request(), from_)) && take_rakp2(bench_.exchange(rakp1(), from_)) &&
           take_rakp4(bench_.exchange(rakp3(), from_));
}

bool Console::open_as_administrator()
{
    const auto raised = open() ? ask(ipmi::NetFn::app, 0x3B, {4}) : std::nullopt;
    return raised && raised->code == ipmi::CompletionCode::ok;
}

Bytes Console::request(ipmi::NetFn net_fn, std::uint8_t command, const Bytes& data)
{
    requester_sequence = static_cast<std::uint8_t>((requester_sequence + 1) % 64);
    return request_again(net_fn, command, data);
}

Bytes Console::request_again(ipmi::NetFn net_fn, std::uint8_t command, const Bytes& data)
{
    rmcpplus::LanRequest message{};
    message.net_fn = net_fn;
    message.requester_sequence = requester_sequence;
    message.command = command;
    message.data = data;
    Bytes packet(rmcpplus::request_packet_size(*cipher_, data.size()));
    REQUIRE(rmcpplus::build_request(*cipher_, {bmc_id, ++sequence}, message, packet).has_value());
    return packet;
}

std::optional<Console::Answer> Console::ask(ipmi::NetFn net_fn, std::uint8_t command, const Bytes& data)
{
    return read(bench_.exchange(request(net_fn, command, data), from_));
}

std::optional<Console::Answer> Console::ask_again(ipmi::NetFn net_fn, std::uint8_t command, const Bytes& data)
{
    return read(bench_.exchange(request_again(net_fn, command, data), from_));
}

std::optional<Console::Answer> Console::read(std::optional<Bytes> datagram) const
{
    if (!datagram)
    {
        return std::nullopt;
    }
    const auto response = rmcpplus::parse_response(*cipher_, console_id, *datagram);
    if (!response)
    {
        return std::nullopt;
    }
    const auto& data = response->message.data;
    return Answer{response->message.completion_code, Bytes(data.begin(), data.end()), response->session_sequence,
                  response->message.requester_sequence};
}

Bytes capabilities_request()
{
    rmcpplus::LanRequest request{};
    request.net_fn = ipmi::NetFn::app;
    request.command = 0x38;
    const Bytes data{0x8E, 0x04};
    request.data = data;
    return rmcpplus::build_sessionless_1_5(rmcpplus::build_lan_request(request));
}

Bytes sessionless_request(ipmi::NetFn net_fn, std::uint8_t command, const Bytes& data)
{
    rmcpplus::LanRequest request{};
    request.net_fn = net_fn;
    request.command = command;
    request.data = data;
    return rmcpplus::build_sessionless(PayloadType::ipmi_message, rmcpplus::build_lan_request(request));
}

} // namespace lan_bench
