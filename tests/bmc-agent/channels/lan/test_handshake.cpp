#include "tests/bmc-agent/channels/lan/lan_bench.hpp"

using namespace lan_bench;
using rmcpplus::PayloadType;
using rmcpplus::RakpStatus;

namespace
{

/// An Open Session Request with these three algorithm numbers; a negative one is left to the BMC.
Bytes proposal_of(int authentication, int integrity, int confidentiality)
{
    rmcpplus::OpenSessionRequest request{};
    request.console_session_id = 0x01020304;
    const auto payload = [](std::uint8_t type, int algorithm)
    {
        rmcpplus::AlgorithmPayload part{};
        part.type = type;
        part.length = algorithm < 0 ? 0 : 8;
        part.algorithm = algorithm < 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(algorithm);
        return part;
    };
    request.authentication = payload(0, authentication);
    request.integrity = payload(1, integrity);
    request.confidentiality = payload(2, confidentiality);
    return rmcpplus::build_sessionless(PayloadType::open_session_request, codec::encode(request));
}

RakpStatus status_of(const std::optional<Bytes>& datagram)
{
    REQUIRE(datagram.has_value());
    return static_cast<RakpStatus>((*datagram)[rmcpplus::payload_offset + 1]);
}

/// The three algorithm numbers of an Open Session Response.
std::array<int, 3> chosen_in(const Bytes& datagram)
{
    const std::size_t at = rmcpplus::payload_offset;
    return {datagram[at + 16], datagram[at + 24], datagram[at + 32]};
}

} // namespace

TEST_CASE("a session opens with either suite and serves commands")
{
    for (const std::uint8_t suite : suites)
    {
        CAPTURE(suite);
        Bench bench;
        Console console{bench, suite};
        REQUIRE(console.open());
        CHECK(console.granted_privilege == 4); // asked 0: the answer holds the real maximum
        CHECK(bench.server.session_alive(console.bmc_id));
        const auto answer = console.ask(ipmi::NetFn::app, 0x01);
        REQUIRE(answer.has_value());
        CHECK(answer->data == Bytes{0x20, 0x01});
        CHECK(bench.callers.back().user == "admin");
        CHECK(bench.callers.back().user_id == 1);
        CHECK(bench.callers.back().session == console.bmc_id);
        CHECK(bench.callers.back().privilege == ipmi::Privilege::user);
    }
}

TEST_CASE("of all algorithm triples only the two suites are taken")
{
    Bench bench;
    for (int authentication = 0; authentication < 4; ++authentication)
    {
        for (int integrity = 0; integrity < 5; ++integrity)
        {
            for (int confidentiality = 0; confidentiality < 4; ++confidentiality)
            {
                CAPTURE(authentication);
                CAPTURE(integrity);
                CAPTURE(confidentiality);
                bench.now += 4s; // past the half-open ones
                const bool suite_3 = authentication == 1 && integrity == 1 && confidentiality == 1;
                const bool suite_17 = authentication == 3 && integrity == 4 && confidentiality == 1;
                const auto reply = bench.exchange(proposal_of(authentication, integrity, confidentiality));
                CHECK(status_of(reply) ==
                      (suite_3 || suite_17 ? RakpStatus::no_errors : RakpStatus::no_cipher_suite_match));
            }
        }
    }
}

TEST_CASE("suite 3 can be switched off")
{
    config::Lan lan;
    lan.cipher_suites = {17};
    Bench bench{lan};
    CHECK(status_of(bench.exchange(proposal_of(1, 1, 1))) == RakpStatus::no_cipher_suite_match);
    CHECK(status_of(bench.exchange(proposal_of(3, 4, 1))) == RakpStatus::no_errors);
}

TEST_CASE("a choice that is left to the BMC falls on the oldest suite that fits")
{
    Bench bench;
    CHECK(chosen_in(*bench.exchange(proposal_of(-1, -1, -1))) == std::array{1, 1, 1});
    CHECK(chosen_in(*bench.exchange(proposal_of(3, -1, -1))) == std::array{3, 4, 1});
    CHECK(status_of(bench.exchange(proposal_of(3, 1, -1))) == RakpStatus::no_cipher_suite_match);
    CHECK(status_of(bench.exchange(proposal_of(0, -1, -1))) == RakpStatus::no_cipher_suite_match);
}

TEST_CASE("algorithm payloads of the wrong kind or length are illegal")
{
    Bench bench;
    Bytes wrong_type = proposal_of(3, 4, 1);
    wrong_type[rmcpplus::payload_offset + 8] = 1;
    CHECK(status_of(bench.exchange(wrong_type)) == RakpStatus::illegal_parameter);
    Bytes wrong_length = proposal_of(3, 4, 1);
    wrong_length[rmcpplus::payload_offset + 19] = 9;
    CHECK(status_of(bench.exchange(wrong_length)) == RakpStatus::illegal_parameter);
}

TEST_CASE("privilege levels of Open Session: beyond administrator is no role, beyond every user's limit is refused")
{
    Bench bench;
    Console console{bench};
    console.asked_privilege = 5;
    CHECK_FALSE(console.take_open_response(bench.exchange(console.open_request())));
    CHECK(console.last_status() == RakpStatus::invalid_role);
    bench.users[0].limit = ipmi::Privilege::operator_; // nobody is administrator any more
    console.asked_privilege = 4;
    CHECK_FALSE(console.take_open_response(bench.exchange(console.open_request())));
    CHECK(console.last_status() == RakpStatus::unauthorized_role);
    console.asked_privilege = 0;
    CHECK(console.take_open_response(bench.exchange(console.open_request())));
    CHECK(console.granted_privilege == 3);
}

TEST_CASE("K_g, where it is set, is needed beside the password")
{
    config::Lan lan;
    lan.k_g = Bytes(20, 'k');
    Bench bench{lan};
    Console without{bench};
    CHECK_FALSE(without.open());
    Console with{bench};
    with.bmc_key = Bytes(20, 'k');
    CHECK(with.open());
    CHECK(with.ask(ipmi::NetFn::app, 0x01).has_value());
}

TEST_CASE("the anonymous user does not exist, whatever the look-up bit")
{
    for (const std::uint8_t role : {std::uint8_t{0x14}, std::uint8_t{0x04}})
    {
        Bench bench;
        Console console{bench};
        console.role = role;
        CHECK_FALSE(console.open("", ""));
        CHECK(console.last_status() == RakpStatus::unauthorized_name);
    }
}

TEST_CASE("roles: none, OEM, reserved bits, and more than Open Session asked for")
{
    Bench bench;
    Console console{bench};
    console.asked_privilege = 3;
    const auto status = [&](std::uint8_t role)
    {
        REQUIRE(console.take_open_response(bench.exchange(console.open_request())));
        console.role = role;
        CHECK_FALSE(console.take_rakp2(bench.exchange(console.rakp1())));
        return console.last_status();
    };
    CHECK(status(0x10) == RakpStatus::invalid_role);
    CHECK(status(0x15) == RakpStatus::invalid_role);
    CHECK(status(0x33) == RakpStatus::invalid_role);
    CHECK(status(0x14) == RakpStatus::unauthorized_role);
}

TEST_CASE("an unknown user is answered like a known one, and fails like a wrong password")
{
    Bench bench;
    Console known{bench};
    REQUIRE(known.take_open_response(bench.exchange(known.open_request())));
    known.user_name = "admin";
    known.password = "wrong";
    const auto reply_known = bench.exchange(known.rakp1());
    Console unknown{bench, 17, endpoint(2)};
    REQUIRE(unknown.take_open_response(bench.exchange(unknown.open_request(), endpoint(2))));
    unknown.user_name = "nobod";
    const auto reply_unknown = bench.exchange(unknown.rakp1(), endpoint(2));
    CHECK(reply_known->size() == reply_unknown->size());
    CHECK(status_of(reply_known) == RakpStatus::no_errors);
    CHECK(status_of(reply_unknown) == RakpStatus::no_errors);
    CHECK_FALSE(known.take_rakp2(reply_known));
    CHECK_FALSE(unknown.take_rakp2(reply_unknown));
    CHECK(status_of(bench.exchange(known.rakp3())) == RakpStatus::invalid_integrity_check_value);
    CHECK(status_of(bench.exchange(unknown.rakp3(), endpoint(2))) == RakpStatus::invalid_integrity_check_value);
}

TEST_CASE("the false key of an unknown user stays the same: asking twice tells nothing")
{
    Bench bench;
    const UserDirectory& users = bench.server.users();
    CHECK(to_hex(users.find("nobody").key.view()) == to_hex(users.find("nobody").key.view()));
    CHECK(to_hex(users.find("nobody").key.view()) != to_hex(users.find("someone").key.view()));
    CHECK(users.find("nobody").key.view().size() == 20);
    CHECK(users.find("nobody").id == 0);
    CHECK(users.find("operator").id == 2);
    CHECK(users.find("operato").id == 0);
    CHECK(users.find("sixteen-bytes-16").id == 3);
}

TEST_CASE("a role beyond the user's limit is refused only after the password was proved")
{
    Bench bench;
    Console console{bench};
    CHECK_FALSE(console.open("operator", "another one"));
    CHECK(console.last_status() == RakpStatus::unauthorized_role); // RAKP 4: RAKP 2 was a normal one
    Console modest{bench};
    modest.role = 0x13;
    CHECK(modest.open("operator", "another one"));
}

TEST_CASE("RAKP 3 before RAKP 1, or for a session id never given out, is dropped")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.take_open_response(bench.exchange(console.open_request())));
    CHECK_FALSE(bench.exchange(console.rakp3()).has_value());
    REQUIRE(console.take_rakp2(bench.exchange(console.rakp1()))); // and the opening goes on
    const std::uint32_t good = std::exchange(console.bmc_id, 0x01020304);
    CHECK_FALSE(bench.exchange(console.rakp3()).has_value());
    CHECK_FALSE(bench.exchange(console.rakp1()).has_value());
    console.bmc_id = good;
    CHECK(console.take_rakp4(bench.exchange(console.rakp3())));
}

TEST_CASE("a lost answer: each message of the handshake may come twice")
{
    Bench bench;
    Console console{bench};
    const auto first_open = bench.exchange(console.open_request());
    CHECK(bench.exchange(console.open_request()) == first_open); // the same session id
    REQUIRE(console.take_open_response(first_open));
    const auto first_rakp2 = bench.exchange(console.rakp1());
    CHECK(bench.exchange(console.rakp1()) == first_rakp2); // the same random number
    REQUIRE(console.take_rakp2(first_rakp2));
    const auto first_rakp4 = bench.exchange(console.rakp3());
    console.tag = 8;
    const auto second_rakp4 = bench.exchange(console.rakp3());
    REQUIRE(second_rakp4.has_value());
    CHECK(console.take_rakp4(second_rakp4));
    CHECK(bench.server.sessions().active() == 1);
    CHECK(console.ask(ipmi::NetFn::app, 0x01).has_value());
    CHECK_FALSE(bench.exchange(console.rakp3()).has_value()); // the session is in use: no third time
}

TEST_CASE("a wrong RAKP 3 ends the opening: one try each")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.take_open_response(bench.exchange(console.open_request())));
    REQUIRE(console.take_rakp2(bench.exchange(console.rakp1())));
    console.password = "wrong";
    CHECK(status_of(bench.exchange(console.rakp3())) == RakpStatus::invalid_integrity_check_value);
    console.password = "a good long password";
    CHECK_FALSE(bench.exchange(console.rakp3()).has_value());
    CHECK(bench.log.has("wrong password"));
    CHECK_FALSE(bench.log.has("a good long"));
}

TEST_CASE("a RAKP 3 without a code, or with one of another length, is a wrong one")
{
    for (const std::size_t size : {0, 20, 31, 33})
    {
        Bench bench;
        Console console{bench};
        REQUIRE(console.take_open_response(bench.exchange(console.open_request())));
        REQUIRE(console.take_rakp2(bench.exchange(console.rakp1())));
        const Bytes code(size);
        rmcpplus::RakpMessage3 message{};
        message.bmc_session_id = console.bmc_id;
        message.authentication_code.view = code;
        const auto reply =
            bench.exchange(rmcpplus::build_sessionless(PayloadType::rakp_message_3, codec::encode(message)));
        CHECK(status_of(reply) == RakpStatus::invalid_integrity_check_value);
    }
}

TEST_CASE("a remote console that gives up gets no answer; a wrong password on its side counts")
{
    config::Lan lan;
    lan.lockout_failures = 2;
    Bench bench{lan};
    for (int round = 0; round < 2; ++round)
    {
        Console console{bench};
        REQUIRE(console.take_open_response(bench.exchange(console.open_request())));
        REQUIRE(console.take_rakp2(bench.exchange(console.rakp1())));
        rmcpplus::RakpMessage3 message{};
        message.status = RakpStatus::invalid_integrity_check_value;
        message.bmc_session_id = console.bmc_id;
        CHECK_FALSE(bench.exchange(rmcpplus::build_sessionless(PayloadType::rakp_message_3, codec::encode(message))));
        CHECK_FALSE(bench.exchange(console.rakp3()).has_value()); // the opening is over
    }
    Console console{bench};
    CHECK_FALSE(console.open());
    CHECK(console.last_status() == RakpStatus::unauthorized_name);
}

TEST_CASE("a name is locked after so many wrong passwords, known or not, and free again after the time")
{
    for (const std::string name : {"admin", "nobody"})
    {
        CAPTURE(name);
        Bench bench;
        for (int round = 0; round < 5; ++round)
        {
            Console console{bench};
            CHECK_FALSE(console.open(name, "wrong"));
            CHECK(console.last_status() == RakpStatus::no_errors); // RAKP 2 did not match; now the attacker goes on
            CHECK(status_of(bench.exchange(console.rakp3())) == RakpStatus::invalid_integrity_check_value);
        }
        Console console{bench};
        CHECK_FALSE(console.open(name, "a good long password"));
        CHECK(console.last_status() == RakpStatus::unauthorized_name);
        CHECK(bench.log.has("locked"));
        Console other{bench};
        other.role = 0x13;
        CHECK(other.open("operator", "another one")); // only this name
        bench.now += 61s;
        Console later{bench};
        CHECK(later.open(name, "a good long password") == (name == "admin"));
    }
}

TEST_CASE("a good password forgets the wrong ones before it")
{
    Bench bench;
    for (int round = 0; round < 12; ++round)
    {
        Console wrong{bench};
        CHECK_FALSE(wrong.open("admin", "wrong"));
        static_cast<void>(bench.exchange(wrong.rakp3()));
        if (round % 4 == 3)
        {
            Console right{bench};
            REQUIRE(right.open());
            REQUIRE(right.ask(ipmi::NetFn::app, 0x3C,
                              {static_cast<std::uint8_t>(right.bmc_id), static_cast<std::uint8_t>(right.bmc_id >> 8),
                               static_cast<std::uint8_t>(right.bmc_id >> 16),
                               static_cast<std::uint8_t>(right.bmc_id >> 24)}));
        }
    }
}

TEST_CASE("the last places are kept for administrators")
{
    config::Lan lan;
    lan.max_sessions = 4;
    Bench bench{lan};
    Console first{bench};
    Console second{bench};
    Console third{bench};
    first.role = second.role = third.role = 0x13;
    REQUIRE(first.open("operator", "another one"));
    REQUIRE(second.open("operator", "another one"));
    CHECK_FALSE(third.open("operator", "another one"));
    CHECK(third.last_status() == RakpStatus::insufficient_resources);
    Console administrator{bench};
    Console another{bench};
    CHECK(administrator.open());
    CHECK(another.open());
}

TEST_CASE("when all places are taken the next one is told so, and the open sessions stay")
{
    config::Lan lan;
    lan.max_sessions = 2;
    Bench bench{lan};
    Console first{bench};
    Console second{bench};
    Console late{bench};
    REQUIRE(first.open());
    REQUIRE(late.take_open_response(bench.exchange(late.open_request(), endpoint(9))));
    REQUIRE(late.take_rakp2(bench.exchange(late.rakp1(), endpoint(9))));
    REQUIRE(second.open());
    Console third{bench};
    CHECK_FALSE(third.open());
    CHECK(third.last_status() == RakpStatus::insufficient_resources);
    CHECK(status_of(bench.exchange(late.rakp3(), endpoint(9))) == RakpStatus::insufficient_resources);
    CHECK(first.ask(ipmi::NetFn::app, 0x01).has_value());
    CHECK(second.ask(ipmi::NetFn::app, 0x01).has_value());
}

TEST_CASE("every truncation and every longer form of the handshake's messages is dropped")
{
    Bench bench;
    Console console{bench};
    const auto dropped_when_cut = [&](const Bytes& good)
    {
        for (std::size_t size = 1; size <= good.size() - rmcpplus::payload_offset; ++size)
        {
            // Once as the network cuts it, once with a length field that fits.
            Bytes cut(good.begin(), good.end() - static_cast<std::ptrdiff_t>(size));
            CHECK_FALSE(bench.exchange(cut).has_value());
            cut[14] = static_cast<std::uint8_t>(cut.size() - rmcpplus::payload_offset);
            const bool whole_rakp3 = cut[5] == 0x14 && cut.size() >= rmcpplus::payload_offset + 8;
            if (!whole_rakp3) // that one would be a wrong code, not a cut message
            {
                CHECK_FALSE(bench.exchange(cut).has_value());
            }
            bench.now += 50ms; // out of the way of the rate limits
        }
        Bytes longer = good;
        longer.push_back(0);
        ++longer[14];
        if (longer[5] != 0x14)
        {
            CHECK_FALSE(bench.exchange(longer).has_value());
        }
    };
    dropped_when_cut(console.open_request());
    REQUIRE(console.take_open_response(bench.exchange(console.open_request())));
    dropped_when_cut(console.rakp1());
    REQUIRE(console.take_open_response(bench.exchange(console.open_request())));
    REQUIRE(console.take_rakp2(bench.exchange(console.rakp1())));
    dropped_when_cut(console.rakp3());
}

TEST_CASE("an opening that is not finished in three seconds is forgotten")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.take_open_response(bench.exchange(console.open_request())));
    REQUIRE(console.take_rakp2(bench.exchange(console.rakp1())));
    CHECK(bench.server.next_deadline() == bench.now + 3s);
    bench.now += 3s;
    bench.server.on_timer(bench.now);
    CHECK_FALSE(bench.exchange(console.rakp3()).has_value());
    CHECK(bench.log.has("given up half-way"));
}
