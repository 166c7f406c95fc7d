#include "ipmitool-plugin/client/invocation.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace fwupdate;
using namespace fwupdate::client;

namespace
{

std::optional<Invocation> parse(const std::vector<std::string>& arguments)
{
    UsageError error;
    return parse_invocation(arguments, error);
}

UsageError mistake(const std::vector<std::string>& arguments)
{
    UsageError error;
    CHECK_FALSE(parse_invocation(arguments, error));
    CHECK_FALSE(error.text.empty());
    return error;
}

} // namespace

TEST_CASE("install takes the image and every keyword, in any order")
{
    const auto invocation = parse({"install", "bmc.bin", "yes", "target", "bios", "no-downgrade", "sha256",
                                   std::string(64, 'a'), "defer-reboot", "debug", "force", "json", "wait-reboot"});
    REQUIRE(invocation);
    CHECK(invocation->verb == Verb::install);
    CHECK(invocation->argument == "bmc.bin");
    const Keywords& words = invocation->keywords;
    CHECK(words.target == "bios");
    CHECK(words.sha256->front() == 0xAA);
    CHECK((words.no_downgrade && words.defer_reboot && words.debug && words.force && words.yes && words.json));
    CHECK(words.wait_reboot);
    CHECK_FALSE(words.no_wait);
}

TEST_CASE("an image may have a keyword's name where an image is due")
{
    CHECK(parse({"install", "force"})->argument == "force");
    CHECK_FALSE(parse({"install", "force"})->keywords.force);
}

TEST_CASE("resume works with and without an image")
{
    CHECK(parse({"resume"})->argument.empty());
    CHECK(parse({"resume", "yes"})->argument.empty());
    CHECK(parse({"resume", "yes"})->keywords.yes);
    CHECK(parse({"resume", "a.bin", "yes"})->argument == "a.bin");
}

TEST_CASE("help at the end of a command asks for that command's usage")
{
    CHECK(*parse({"install", "help"}) == Invocation{Verb::help, "install", {}});
    CHECK(*parse({"help", "log"}) == Invocation{Verb::help, "log", {}});
    CHECK(*parse({"help"}) == Invocation{Verb::help, "", {}});
}

TEST_CASE("every mistake names what is wrong, and whose usage helps")
{
    CHECK_FALSE(mistake({}).verb);
    CHECK_FALSE(mistake({"instal"}).verb);
    CHECK(mistake({"install"}).verb == Verb::install);
    CHECK(mistake({"install", "a", "forse"}).text.find("'forse'") != std::string::npos);
    CHECK(mistake({"info", "force"}).text.find("does not go with 'info'") != std::string::npos);
    CHECK(mistake({"install", "a", "target"}).text.find("needs NAME") != std::string::npos);
    CHECK(mistake({"install", "a", "sha256", "12"}).text.find("64 hexadecimal digits") != std::string::npos);
    CHECK(mistake({"install", "a", "sha256", std::string(64, 'g')}).text.find("SHA-256") != std::string::npos);
    CHECK(mistake({"install", "a", "no-wait", "wait-reboot"}).text.find("contradict") != std::string::npos);
    CHECK(mistake({"help", "instal"}).text.find("no command") != std::string::npos);
    CHECK(mistake({"install", "a", "b"}).text.find("'b'") != std::string::npos);
    CHECK(mistake({"x\x1B[2J"}).text.find('\x1B') == std::string::npos);
}

TEST_CASE("the overview names every command, keyword and exit code")
{
    const std::string text = overview();
    for (const char* word :
         {"info",      "targets", "status",  "log",         "plan",     "install",      "resume",       "abort",
          "exit",      "enter",   "options", "write",       "complete", "no-downgrade", "defer-reboot", "debug",
          "uri",       "serve",   "usb",     "size",        "image",    "pin",          "user",         "password-file",
          "transport", "port",    "address", "from",        "http",     "step",         "sha256",       "force",
          "yes",       "json",    "no-wait", "wait-reboot", "target",   "signature"})
    {
        CHECK_MESSAGE(text.find(word) != std::string::npos, word);
    }
    for (const char* code : {"  0 ", "  2 ", "  10 ", "  11 ", "  12 ", "  13 ", "  14 ", "  15 ", "  16 ", "  17 "})
    {
        CHECK_MESSAGE(text.find(code) != std::string::npos, code);
    }
    CHECK(usage_of(Verb::install).find("fwupdate install <image> [target NAME]") != std::string::npos);
}

TEST_CASE("every keyword is given by itself, and by the commands that take it")
{
    for (const KeywordRow& row : keyword_table())
    {
        CHECK_MESSAGE(keyword_named(row.name) == &row, row.name);
        CHECK_MESSAGE((row.flag == nullptr) == (row.take != nullptr), row.name);
        CHECK_MESSAGE(row.value.empty() == (row.flag != nullptr), row.name);
        Keywords words;
        if (row.flag != nullptr)
        {
            words.*row.flag = true;
        }
        else
        {
            const bool digest = row.value == "HEX";
            const std::string value = digest ? std::string(64, 'a') : row.bit == transport_bit ? "usb" : "7";
            CHECK_MESSAGE(row.take(value, words).empty(), row.name);
            CHECK_MESSAGE(!row.take("", words).empty(), row.name);
            CHECK(row.take(value, words).empty());
        }
        CHECK_MESSAGE(given(words) == row.bit, row.name);
    }
}

TEST_CASE("keywords come back as they would be typed, without those of one run")
{
    const auto invocation = parse({"install", "a", "force", "yes", "target", "my bios", "defer-reboot"});
    CHECK(to_text(invocation->keywords) == "defer-reboot target 'my bios'");
    const auto served =
        parse({"install", "a", "transport", "serve", "http", "port", "8443", "address", "::1", "from", "any"});
    CHECK(to_text(served->keywords) == "http transport serve port 8443 address ::1 from any");
    const auto fetched = parse({"uri", "https://h/a", "user", "bob", "password-file", "/my p", "pin",
                                std::string(64, 'a'), "sha256", std::string(64, 'b'), "size", "5"});
    CHECK(to_text(fetched->keywords) == "pin " + std::string(64, 'a') + " user bob password-file '/my p'");
    CHECK(shell_quoted("it's") == "'it'\\''s'");
    CHECK(shell_quoted("/a/b-1.bin") == "/a/b-1.bin");
    CHECK(shell_quoted("") == "''");
}
