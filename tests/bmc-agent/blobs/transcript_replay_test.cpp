// What OpenBMC's own implementation and its host tool said to each other, byte for byte. The sessions' numbers begin
// where they began then.
#include "blobs_bench.hpp"

#include "tests/protocol-spec/markdown.hpp"

#include <map>
#include <sstream>

using namespace fwupdate;
using namespace fwupdate::agent::blobs;
using namespace fwupdate::agent::blobs::test;

namespace
{

struct Exchange
{
    std::string name;
    std::string request;  ///< hexadecimal
    std::string response; ///< completion code first
    FlashState state{};
};

FlashState state_named(const std::string& name)
{
    static const std::map<std::string, FlashState> states{
        {"state=NYS", FlashState::not_yet_started},       {"state=UIP", FlashState::upload_in_progress},
        {"state=VP", FlashState::verification_pending},   {"state=VS", FlashState::verification_started},
        {"state=VC", FlashState::verification_completed}, {"state=UP", FlashState::update_pending},
        {"state=US", FlashState::update_started},         {"state=UC", FlashState::update_completed}};
    return states.at(name);
}

std::string recorded(const std::string& name)
{
    return fwupdate::test::read_text(SOURCE_DIR "/tests/bmc-agent/blobs/" + name);
}

std::vector<Exchange> load(const std::string& name)
{
    std::istringstream words{recorded(name)};
    std::vector<Exchange> exchanges;
    Exchange next;
    std::string request_mark;
    std::string response_mark;
    std::string state;
    while (words >> next.name >> request_mark >> next.request >> response_mark >> next.response >> state)
    {
        REQUIRE(request_mark == "req");
        REQUIRE(response_mark == "rsp");
        next.state = state_named(state);
        exchanges.push_back(next);
    }
    return exchanges;
}

void replay(BlobsBench& bench, const std::string& name)
{
    std::size_t at = 0;
    for (const Exchange& exchange : load(name))
    {
        CAPTURE(at);
        CAPTURE(exchange.name);
        CHECK(to_hex(bench.ask_raw(*from_hex(exchange.request))) == exchange.response);
        CHECK(bench.blobs.state() == exchange.state);
        ++at;
    }
}

const std::vector<std::string> upload_calls{"image /flash/image", "append", "append", "append", "append",
                                            "signature",          "signed", "verify"};

} // namespace

TEST_CASE("a successful update of the stock host tool")
{
    BlobsBench bench;
    using S = FlashStatus;
    bench.update.coming = {S::running, S::running, S::success, S::running, S::running, S::success};
    CHECK(load("transcript-ok.txt").size() == 31);
    replay(bench, "transcript-ok.txt");
    CHECK(as_text(bench.update.image) == recorded("img.bin").substr(0, bench.update.image.size()));
    CHECK(bench.update.image.size() == recorded("img.bin").size());
    CHECK(as_text(bench.update.signature) == recorded("sig.bin"));
    std::vector<std::string> calls = upload_calls;
    calls.insert(calls.end(), {"update", "finish"});
    CHECK(bench.update.calls == calls);
}

TEST_CASE("a failed verification, and what the stock host tool does then")
{
    BlobsBench bench;
    bench.update.coming = {FlashStatus::running, FlashStatus::running, FlashStatus::failed};
    CHECK(load("transcript-fail.txt").size() == 29);
    replay(bench, "transcript-fail.txt");
    std::vector<std::string> calls = upload_calls;
    calls.insert(calls.end(), {"abort", "clean up"});
    CHECK(bench.update.calls == calls);
}
