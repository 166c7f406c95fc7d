#include "tests/bmc-agent/config/flash/sample.hpp"

#include "bmc-agent/config/findings.hpp"

#include <doctest/doctest.h>

#include <array>
#include <utility>

using namespace fwupdate::config;
using namespace fwupdate::config::flash;
using flash::test::good;
using flash::test::with;

namespace
{

FlashConfig parsed(std::string_view text)
{
    return parse(text, "f.json");
}

/// A piece of the good text, what stands there instead, and how the one line begins that tells it.
struct Change
{
    std::string_view piece;
    std::string_view replacement;
    std::string_view line;
};

void check_mistakes(const std::vector<Change>& changes)
{
    for (const Change& change : changes)
    {
        CAPTURE(change.replacement);
        const FlashConfig config = parsed(with(change.piece, change.replacement));
        CHECK(config.blobs.empty());
        CHECK(config.set_aside.empty());
        REQUIRE(config.mistakes.size() == 1);
        CAPTURE(config.mistakes[0]);
        CHECK(config.mistakes[0].starts_with("f.json: " + std::string{change.line}));
        CHECK(config.mistakes[0].find("; ") != std::string::npos);
    }
}

void check_warnings(const std::vector<Change>& changes)
{
    for (const Change& change : changes)
    {
        CAPTURE(change.replacement);
        const FlashConfig config = parsed(with(change.piece, change.replacement));
        CHECK(config.blobs.size() == 1);
        CHECK(config.mistakes.empty());
        REQUIRE(config.warnings.size() == 1);
        CAPTURE(config.warnings[0]);
        CHECK(config.warnings[0].starts_with("f.json: " + std::string{change.line}));
        CHECK(config.warnings[0].find("; ") != std::string::npos);
    }
}

constexpr std::string_view id = R"("/flash/bios")";
constexpr std::string_view handler = R"("handler": {"type": "file", "path": "/tmp/b"},)";
constexpr std::string_view preparation = R"({"type": "skip"})";
constexpr std::string_view verification =
    R"({"type": "fileSystemdVerify", "path": "/tmp/v", "unit": "verify.service"})";
constexpr std::string_view update = R"({"type": "systemd", "unit": "update.target", "mode": "replace"})";

} // namespace

TEST_CASE("a good entry: every part, and where it stands")
{
    const FlashConfig config = parsed(good);
    CHECK(config.mistakes.empty());
    CHECK(config.warnings.empty());
    CHECK(config.set_aside.empty());
    REQUIRE(config.blobs.size() == 1);
    const FlashBlob& blob = config.blobs[0];
    CHECK(blob.blob == "/flash/bios");
    CHECK(blob.handler.path == "/tmp/b");
    CHECK(blob.preparation == Preparation{Skip{}});
    CHECK(blob.verification == Verification{FileSystemd{"/tmp/v", {"verify.service", "replace"}}});
    CHECK(blob.update == Update{Systemd{"update.target", "replace"}});
    CHECK(blob.origin.file == "f.json");
    CHECK(blob.origin.pointer == "/0");
}

TEST_CASE("mistakes of the id")
{
    const std::string too_long = "\"/flash/" + std::string(249, 'a') + "\"";
    check_mistakes({
        {R"("blob": "/flash/bios",)", "", R"(/0/blob: missing; write "/flash/" and a name)"},
        {id, "5", "/0/blob: is a number; write text in quotes"},
        {id, R"("")", "/0/blob: is empty"},
        {id, R"("flash/x")", R"(/0/blob: "flash/x" is not the id of a firmware blob; write "/flash/")"},
        {id, R"("/flash/")", R"(/0/blob: "/flash/" is not the id of a firmware blob)"},
        {id, R"("/Flash/x")", R"(/0/blob: "/Flash/x" is not the id of a firmware blob)"},
        {id, R"("/flash/a\nb")", "/0/blob: holds a control character"},
        {id, R"("/flash/a\u0000b")", "/0/blob: holds a control character"},
        {id, too_long, "/0/blob: 256 bytes long"},
    });
}

TEST_CASE("mistakes of the handler")
{
    check_mistakes({
        {handler, "", "/0/handler: missing; write {\"type\": \"file\""},
        {handler, R"("handler": "/tmp/b",)", "/0/handler: is a string; write an object"},
        {R"("type": "file", )", "", R"(/0/handler/type: missing; write "file")"},
        {R"("type": "file")", R"("type": "spi")",
         R"(/0/handler/type: "spi" is none of the possible words; write "file")"},
        {R"("type": "file")", R"("type": null)", R"(/0/handler/type: is null; write "file")"},
        {R"(, "path": "/tmp/b")", "", "/0/handler/path: missing"},
        {R"("path": "/tmp/b")", R"("path": 1)", "/0/handler/path: is a number"},
        {R"("path": "/tmp/b")", R"("path": "/tmp/\u0007")", "/0/handler/path: holds a control character"},
    });
}

TEST_CASE("mistakes of the actions")
{
    check_mistakes({
        {R"("actions")", R"("acts")", R"(/0/actions: missing; write "preparation", "verification" and "update")"},
        {R"("preparation": {"type": "skip"},)", "", R"(/0/actions/preparation: missing; write {"type": "skip"})"},
        {R"("verification")", R"("verify")", "/0/actions/verification: missing"},
        {R"("update": )", R"("install": )", "/0/actions/update: missing"},
        {preparation, "[]", "/0/actions/preparation: is an array; write an object"},
        {preparation, "{}", "/0/actions/preparation/type: missing"},
        {preparation, R"({"type": 1})", R"(/0/actions/preparation/type: is a number; write "systemd" or "skip")"},
        {preparation, R"({"type": "reboot"})",
         R"(/0/actions/preparation/type: "reboot" is none of the possible words)"},
        {preparation, R"({"type": "fileSystemdVerify"})",
         R"(/0/actions/preparation/type: "fileSystemdVerify" is none)"},
        {verification, R"({"type": "reboot"})", R"(/0/actions/verification/type: "reboot" is none)"},
        {verification, R"({"type": "fileSystemdUpdate"})",
         R"(/0/actions/verification/type: "fileSystemdUpdate" is none of the possible words; write "systemd",)"},
        {update, R"({"type": "fileSystemdVerify"})", R"(/0/actions/update/type: "fileSystemdVerify" is none)"},
        {update, R"({"type": "Systemd"})",
         R"(/0/actions/update/type: "Systemd" is none of the possible words; did you mean "systemd"?)"},
    });
}

TEST_CASE("mistakes of units, modes and status files")
{
    check_mistakes({
        {R"("unit": "update.target", )", "", "/0/actions/update/unit: missing; write the unit to start"},
        {R"("unit": "update.target")", R"("unit": 1)", "/0/actions/update/unit: is a number"},
        {R"("mode": "replace")", R"("mode": null)", "/0/actions/update/mode: is null"},
        {R"("mode": "replace")", R"("mode": 1)", "/0/actions/update/mode: is a number"},
        {R"("path": "/tmp/v", )", "", "/0/actions/verification/path: missing; write the file into which"},
        {R"("path": "/tmp/v")", R"("path": {})", "/0/actions/verification/path: is an object"},
        {R"(, "unit": "verify.service")", "", "/0/actions/verification/unit: missing"},
    });
}

TEST_CASE("what is taken with a warning")
{
    const std::string long_id = "\"/flash/" + std::string(55, 'a') + "\"";
    check_warnings({
        {id, long_id, "/0/blob: 62 bytes long: many channels can't list it; write at most 61 bytes"},
        {R"("path": "/tmp/b")", R"("path": "")", "/0/handler/path: is empty: no file can be opened"},
        {R"("path": "/tmp/b")", R"("path": "bios-staged-name")",
         R"(/0/handler/path: "bios-staged-name" is a relative path)"},
        {R"("path": "/tmp/v")", R"("path": "v")", R"(/0/actions/verification/path: "v" is a relative path)"},
        {R"("unit": "update.target")", R"("unit": "")", R"(/0/actions/update/unit: "" is no unit's name)"},
        {R"("unit": "update.target")", R"("unit": "u")", R"(/0/actions/update/unit: "u" is no unit's name)"},
        {R"("mode": "replace")", R"("mode": "replaced")",
         R"(/0/actions/update/mode: "replaced" is no mode of systemd; did you mean "replace"?)"},
        {R"("mode": "replace")", R"("mode": "")", R"(/0/actions/update/mode: "" is no mode of systemd)"},
        {R"("mode": "replace")", R"("mode": "isolate")", "/0/actions/update/mode: stops every unit"},
        {verification, preparation, "/0/actions/verification: whatever a client writes counts as verified"},
        {update, preparation, "/0/actions/update: an update succeeds although nothing is done"},
        {R"("blob")", R"("foo": 1, "blob")", "/0/foo: unknown key; known here: \"blob\", \"handler\", \"actions\""},
        {R"("type": "file")", R"("type": "file", "size": 1)", "/0/handler/size: unknown key"},
        {preparation, R"({"type": "skip", "unit": 5})",
         R"(/0/actions/preparation/unit: unknown key; known here: "type")"},
        {update, R"({"type": "reboot", "mode": 5})", R"(/0/actions/update/mode: unknown key; known here: "type")"},
        {R"("actions": {)", R"("actions": {"open": {"type": "skip"}, )", "/0/actions/open: unknown key"},
        {R"("blob")", R"("version": {}, "blob")", "/0/version: is for the version handler and left out here"},
        {R"("blob")", R"("blob": 5, "blob")", "/0/blob: the key stands here twice, and the last one counts"},
        {R"("type": "skip")", R"("type": {"a": 1}, "type": "skip")",
         "/0/actions/preparation/type: the key stands here"},
    });
}

TEST_CASE("all mistakes of all entries in one go, and the good ones beside them")
{
    std::string text{good};
    text.insert(1, R"(1, {"blob": "/flash/bad", "handler": {"type": "spi"}},)");
    const FlashConfig config = parsed(text);
    REQUIRE(config.mistakes.size() == 4);
    CHECK(config.mistakes[0] == "f.json: /0: is a number; write an object, { ... }");
    CHECK(config.mistakes[1].starts_with("f.json: /1/handler/path: missing"));
    CHECK(config.mistakes[2].starts_with("f.json: /1/handler/type: \"spi\""));
    CHECK(config.mistakes[3].starts_with("f.json: /1/actions: missing"));
    REQUIRE(config.blobs.size() == 1);
    CHECK(config.blobs[0].origin.pointer == "/2");
}

TEST_CASE("entries of other handlers are left out with a warning")
{
    const FlashConfig config = parsed(R"([{"blob": "/version/bios", "version": {}}, {"blob": "/log/x"}])");
    CHECK(config.blobs.empty());
    CHECK(config.mistakes.empty());
    REQUIRE(config.warnings.size() == 2);
    CHECK(config.warnings[0].starts_with("f.json: /0: is for the version or log handler"));
    CHECK(config.warnings[1].starts_with("f.json: /1: is for the version or log handler"));
}

TEST_CASE("files that are no list")
{
    const auto only = [](std::string_view text)
    {
        const FlashConfig config = parsed(text);
        CHECK(config.blobs.empty());
        return config.mistakes.size() == 1 ? config.mistakes[0] : "not one mistake";
    };
    const std::string entry{good.substr(1, good.size() - 2)};
    CHECK(only(entry) == "f.json: is one entry without its list; write a list of entries, [ { ... } ]");
    CHECK(only("\"x\"") == "f.json: is no list; write a list of entries, [ { ... } ]");
    CHECK(only("17") == "f.json: is no list; write a list of entries, [ { ... } ]");
    CHECK(only("").starts_with("f.json: line 1, column 1: syntax error"));
    CHECK(only("[\n // c\n]").starts_with("f.json: line 2, column 2: syntax error"));
    CHECK(only("[1,\n]").starts_with("f.json: line 2, column 1: syntax error"));
    CHECK(only("[] []").starts_with("f.json: line 1, column 4: syntax error"));
    CHECK(only("[\"\xFF\"]").starts_with("f.json: line 1, column 3: syntax error"));
    CHECK(only(std::string{"[]\0 nothing reads this", 22}) == "f.json: holds a NUL byte; write the file anew");
    CHECK(only(std::string(100, '[')).find("nested too deeply") != std::string::npos);
    CHECK(parsed("[]").mistakes.empty());
    CHECK(parsed("[]").warnings.empty());
}

TEST_CASE("the members of an object are entries, whatever they are called")
{
    const std::string entry{good.substr(1, good.size() - 2)};
    const FlashConfig config = parsed(R"({"a/b": )" + entry + "}");
    REQUIRE(config.blobs.size() == 1);
    CHECK(config.blobs[0].origin.pointer == "/a~1b");
    REQUIRE(config.warnings.size() == 1);
    CHECK(config.warnings[0].starts_with("f.json: is an object; what its entries are called has no meaning"));
}

TEST_CASE("the protocol's own ids are set aside")
{
    for (const std::string_view own :
         {"/flash/hash", "/flash/verify", "/flash/update", "/flash/cleanup", "/flash/active/image", "/flash/active/x"})
    {
        CAPTURE(own);
        CHECK(is_reserved(own));
        const FlashConfig config = parsed(with("/flash/bios", own));
        CHECK(config.blobs.empty());
        CHECK(config.mistakes.empty());
        REQUIRE(config.set_aside.size() == 1);
        CHECK(config.set_aside[0].blob == own);
        REQUIRE(config.warnings.size() == 1);
        CHECK(config.warnings[0] ==
              "f.json: /0/blob: \"" + std::string{own} + "\" is the protocol's own and set aside; choose another name");
    }
    CHECK_FALSE(is_reserved("/flash/image"));
    CHECK_FALSE(is_reserved("/flash/hash2"));
    CHECK_FALSE(is_reserved("/flash/active"));
}

TEST_CASE("an id that stands twice: served when both mean the same, set aside when not")
{
    const std::string entry{good.substr(1, good.size() - 2)};
    const FlashConfig alike = parsed("[" + entry + "," + entry + "]");
    REQUIRE(alike.blobs.size() == 1);
    CHECK(alike.blobs[0].origin.pointer == "/0");
    REQUIRE(alike.set_aside.size() == 1);
    CHECK(alike.set_aside[0].origin.pointer == "/1");
    CHECK(alike.warnings ==
          std::vector<std::string>{"f.json: /1/blob: \"/flash/bios\" stands at f.json: /0/blob too, with the same "
                                   "meaning; keep one of them"});

    const std::array<std::pair<std::string_view, std::string_view>, 3> changes{
        {{"/tmp/b", "/tmp/c"}, {"update.target", "other.target"}, {"/tmp/v", "/tmp/w"}}};
    for (const auto& change : changes)
    {
        CAPTURE(change.first);
        const FlashConfig unlike = parsed("[" + entry + "," + with(change.first, change.second, entry) + "]");
        CHECK(unlike.blobs.empty());
        CHECK(unlike.set_aside.size() == 2);
        REQUIRE(unlike.warnings.size() == 1);
        CHECK(unlike.warnings[0].find("with another meaning: both are set aside") != std::string::npos);
    }
}

TEST_CASE("bounds: entries, and what is told of a file that is wrong all over")
{
    const auto list_of = [](std::string_view item, std::size_t count)
    {
        std::string text = "[";
        for (std::size_t at = 0; at < count; ++at)
        {
            text += (at == 0 ? "" : ",") + std::string{item};
        }
        return text + "]";
    };
    CHECK(parsed(list_of("1", 64)).mistakes.size() == 64);
    CHECK(parsed(list_of("1", 65)).mistakes == std::vector<std::string>{"f.json: 65 entries; write at most 64"});

    std::string keys;
    for (std::size_t at = 0; at < Findings::most_kept + 7; ++at)
    {
        keys += "\"k" + std::to_string(at) + "\": 1, ";
    }
    const FlashConfig config = parsed(with(R"("blob")", keys + R"("blob")"));
    CHECK(config.blobs.size() == 1);
    REQUIRE(config.warnings.size() == Findings::most_kept + 1);
    CHECK(config.warnings.back() == "f.json: 7 more are not told; correct these first");
}

TEST_CASE("the summary: a line for each blob, printable")
{
    CHECK(summary(parsed(good)) ==
          "blob /flash/bios: file /tmp/b; preparation skipped; verification starts verify.service, status in /tmp/v; "
          "update starts update.target\n");
    CHECK(summary(parsed(with(update, R"({"type": "reboot"})"))).ends_with("; update restarts the BMC\n"));
    CHECK(
        summary(parsed(with(R"("mode": "replace")", R"("mode": "fail")"))).ends_with("starts update.target (fail)\n"));
    CHECK(summary(parsed(with("/flash/bios", "/flash/hash"))).starts_with("set aside: blob /flash/hash: file /tmp/b;"));
    CHECK(summary(parsed(with("/tmp/b", "/tmp/\xE2\x80\xAE"
                                        "b")))
              .find("\xE2\x80\xAE") == std::string::npos);
}
