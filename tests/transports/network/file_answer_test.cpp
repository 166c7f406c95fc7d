// What the file server answers, by the rules of RFC 9110.
#include "transports/network/host/file_answer.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::network;

namespace
{

const Resource resource{"/0123", 1000, "\"tag\""};

FileAnswer get(std::optional<std::string_view> range = std::nullopt,
               std::optional<std::string_view> if_range = std::nullopt)
{
    return answer({"GET", "/0123", range, if_range}, resource);
}

/// Status, first byte and count in one.
std::string served(std::string_view range, std::optional<std::string_view> if_range = std::nullopt)
{
    const FileAnswer answer = get(range, if_range);
    return std::to_string(answer.status) + " " + std::to_string(answer.first) + "+" + std::to_string(answer.count) +
           (answer.content_range.empty() ? "" : " ") + answer.content_range;
}

} // namespace

TEST_CASE("the file itself, whole; HEAD has its length and no body")
{
    CHECK(get().status == 200);
    CHECK(get().body);
    CHECK(get().count == 1000);
    const FileAnswer head = answer({"HEAD", "/0123", "bytes=5-9", {}}, resource);
    CHECK(head.status == 200); // a range is of GET alone
    CHECK(head.count == 1000);
    CHECK_FALSE(head.body);
}

TEST_CASE("every other path is not found, whatever the method; other methods on the path are not allowed")
{
    for (const std::string_view path :
         {"/", "", "/0123/", "/012", "/0124", "/0123?x", "*", "http://host/0123", "/../0123"})
    {
        CHECK_MESSAGE(answer({"GET", path, {}, {}}, resource).status == 404, path);
        CHECK_MESSAGE(answer({"DELETE", path, {}, {}}, resource).status == 404, path);
    }
    for (const std::string_view method : {"POST", "PUT", "DELETE", "OPTIONS", "get", "TRACE", ""})
    {
        CHECK_MESSAGE(answer({method, "/0123", {}, {}}, resource).status == 405, method);
    }
}

TEST_CASE("single ranges")
{
    CHECK(served("bytes=0-0") == "206 0+1 bytes 0-0/1000");
    CHECK(served("bytes=5-9") == "206 5+5 bytes 5-9/1000");
    CHECK(served("bytes=5-") == "206 5+995 bytes 5-999/1000");
    CHECK(served("bytes=-5") == "206 995+5 bytes 995-999/1000");
    CHECK(served("bytes=-5000") == "206 0+1000 bytes 0-999/1000");
    CHECK(served("bytes=999-5000") == "206 999+1 bytes 999-999/1000");
    CHECK(served("BYTES=1-18446744073709551615") == "206 1+999 bytes 1-999/1000");
}

TEST_CASE("ranges beyond the end can't be served")
{
    CHECK(served("bytes=1000-") == "416 0+0 bytes */1000");
    CHECK(served("bytes=1000-2000") == "416 0+0 bytes */1000");
    CHECK(served("bytes=-0") == "416 0+0 bytes */1000");
    CHECK_FALSE(get("bytes=1000-").body);
}

TEST_CASE("lists, other units and what is malformed count as no range")
{
    for (const std::string_view range :
         {"bytes=0-1,5-6", "lines=0-1", "bytes", "bytes=", "bytes=-", "bytes=9-5", "bytes=a-b", "bytes=1-2x",
          "bytes= 1-2", "bytes=+1-2", "bytes=1--2", "bytes=18446744073709551616-", "bytes=--5", "0-1", "-", "=", ""})
    {
        CHECK_MESSAGE(served(range) == "200 0+1000", range);
    }
}

TEST_CASE("If-Range: the same strong tag lets the range be served, anything else gives the whole file")
{
    CHECK(served("bytes=5-9", "\"tag\"") == "206 5+5 bytes 5-9/1000");
    for (const std::string_view tag : {"\"other\"", "W/\"tag\"", "tag", "Wed, 21 Oct 2015 07:28:00 GMT", ""})
    {
        CHECK_MESSAGE(served("bytes=5-9", tag) == "200 0+1000", tag);
    }
    CHECK(get({}, "\"tag\"").status == 200);
    CHECK(etag_of(Sha256{}) == "\"" + std::string(64, '0') + "\"");
}
