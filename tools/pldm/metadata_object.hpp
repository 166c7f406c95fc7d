// Reads the members of one JSON object of a package's metadata. The first mistake ends the reading, as in OpenBMC's
// script; its words come first, then the place and what to do.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::tools
{

using Json = nlohmann::json;

/// What is wrong with a metadata file, and what its author should know.
class MetadataFindings
{
  public:
    explicit MetadataFindings(bool extended) : extended_{extended} {}

    /// Fields that the script does not know are written.
    [[nodiscard]] bool extended() const
    {
        return extended_;
    }
    [[nodiscard]] const std::optional<Error>& failure() const
    {
        return failure_;
    }

    /// `words`: the script's for this mistake, or empty.
    void refuse(std::string_view words, std::string_view place, std::string_view reason);
    void note(std::string_view place, std::string_view reason);

    /// At most 100, and one that tells how many more there are.
    [[nodiscard]] std::vector<std::string> notes() const;

  private:
    bool extended_;
    std::optional<Error> failure_;
    std::vector<std::string> notes_;
    std::size_t left_out_{};
};

/// Every reader marks its key as known. After a failure they give nothing, and the failure stays the first one.
class MetadataObject
{
  public:
    /// `value` must outlive this; nullptr: absent, which has been told already. `place`:
    /// "FirmwareDeviceIdentificationArea[0]", or empty for the whole file.
    MetadataObject(const Json* value, std::string place, MetadataFindings& findings);

    [[nodiscard]] MetadataFindings& findings() const
    {
        return *findings_;
    }
    [[nodiscard]] std::string place(std::string_view key) const;

    [[nodiscard]] bool has(std::string_view key);

    /// A whole number of 0..most.
    [[nodiscard]] std::uint64_t number(std::string_view key, std::uint64_t most, std::string_view words = {});

    /// A list of bit numbers, as a word with these bits set; bits outside of `known` are refused.
    [[nodiscard]] std::uint32_t bits(std::string_view key, std::uint32_t known, std::string_view words);

    /// A list of numbers, ascending and each once; those from `limit` on are refused.
    [[nodiscard]] std::vector<std::uint16_t> indexes(std::string_view key, std::size_t limit, std::string_view words);

    [[nodiscard]] std::string text(std::string_view key);

    /// Hexadecimal digits, blanks between bytes allowed.
    [[nodiscard]] Bytes hex(std::string_view key);

    [[nodiscard]] MetadataObject object(std::string_view key);
    [[nodiscard]] std::vector<MetadataObject> objects(std::string_view key);

    /// The member as it is; nullptr: absent, which is a mistake.
    [[nodiscard]] const Json* value(std::string_view key);

    /// True: the key is there and to be written. What the script ignores is written only when fields beyond it are
    /// asked for; otherwise that is noted.
    [[nodiscard]] bool extension(std::string_view key);

    /// Notes that a key is there but has no place in this package.
    void unused(std::string_view key, std::string_view reason);

    /// Keys that follow from others: known, and of no account.
    void derived(std::initializer_list<std::string_view> keys);

    /// Notes every unknown key. Call it last.
    void finish();

  private:
    [[nodiscard]] const Json* list(std::string_view key);
    [[nodiscard]] std::optional<std::int64_t> whole(const Json& value, std::string_view place);

    const Json* value_; ///< nullptr: absent, or no object
    std::string place_;
    MetadataFindings* findings_;
    std::set<std::string, std::less<>> known_;
};

} // namespace fwupdate::tools
