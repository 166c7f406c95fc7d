#include "bmc-agent/blobs/flash_ids.hpp"

#include "bmc-agent/blobs/messages.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::agent::blobs;

TEST_CASE("ids that can be served")
{
    const auto ids = FlashIds::make({"/flash/image", "/flash/a/b", "/flash/hash2", "/flash/" + std::string(121, 'x')});
    REQUIRE(ids.has_value());
    CHECK(ids->all().size() == 4);
    CHECK(ids->contains("/flash/a/b"));
    CHECK_FALSE(ids->contains("/flash/A/b"));
    CHECK_FALSE(ids->contains("/flash/hash"));
}

TEST_CASE("ids that cannot, each with a sentence that names it")
{
    for (const std::string& id :
         {std::string{}, std::string{"/flash/"}, std::string{"flash/image"}, std::string{"/Flash/image"},
          std::string{"/flash/a\nb"}, std::string{"/flash/a\0b", 10}, std::string{"/flash/hash"},
          std::string{"/flash/verify"}, std::string{"/flash/update"}, std::string{"/flash/cleanup"},
          std::string{"/flash/active/image"}, std::string{"/flash/active/hash"}, "/flash/" + std::string(122, 'x')})
    {
        CAPTURE(id);
        const auto ids = FlashIds::make({"/flash/image", id});
        REQUIRE_FALSE(ids.has_value());
        CHECK(ids.error().kind == ErrorKind::invalid_field);
        CHECK(ids.error().text.starts_with("blob " + id + ": "));
    }
    CHECK(FlashIds::make({"/flash/image", "/flash/image"}).error().text == "blob /flash/image: it is there twice");
    CHECK_FALSE(FlashIds::make({}).has_value());
}
