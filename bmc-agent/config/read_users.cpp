#include "bmc-agent/config/sections.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace fwupdate::config
{
namespace
{

constexpr std::size_t most_users = 15;       ///< what Get User Access can count, with room to spare
constexpr std::size_t longest_name = 16;     ///< bytes (IPMI 2.0 section 22.28)
constexpr std::size_t longest_password = 20; ///< bytes (IPMI 2.0 section 22.30)
constexpr std::size_t advised_password = 16; ///< bytes; what RAKP message 2 gives away can be tried off line
constexpr std::size_t fewest_characters = 6; ///< different ones in a password that is not a pattern

constexpr std::array privilege_words{
    Word<ipmi::Privilege>{"administrator", ipmi::Privilege::administrator},
    Word<ipmi::Privilege>{"operator", ipmi::Privilege::operator_},
    Word<ipmi::Privilege>{"user", ipmi::Privilege::user},
};

void check_password(const User& user, const std::string& place, Findings& findings)
{
    if (user.password.size() > longest_password)
    {
        findings.mistake(place, std::to_string(user.password.size()) + " bytes long",
                         "IPMI 2.0 passwords have at most 20 bytes");
        return;
    }
    const std::set<char> characters{user.password.begin(), user.password.end()};
    if (user.password.size() < advised_password || characters.size() < fewest_characters || user.password == user.name)
    {
        findings.warn(place, "weak password: whoever asks on the LAN gets a hash to try passwords on",
                      "use 16 to 20 random characters");
    }
}

void read_user(ObjectReader reader, Secrets& secrets, User& out)
{
    reader.require("name", "write who may log in");
    reader.text("name", out.name, longest_name);
    reader.require("privilege", R"(write "administrator", "operator" or "user")");
    reader.word("privilege", out.limit, privilege_words);
    if (read_secret(reader, "password", "password_file", secrets, out.password))
    {
        check_password(out, reader.pointer(reader.has("password") ? "password" : "password_file"), reader.findings());
    }
    else if (!reader.has("password_file"))
    {
        reader.require("password", R"(write "password_file" (better) or "password"; nobody logs in without one)");
    }
    reader.finish();
}

} // namespace

bool read_secret(ObjectReader& reader, std::string_view key, std::string_view file_key, Secrets& secrets,
                 std::string& out, std::size_t longest)
{
    std::string direct;
    std::filesystem::path file;
    reader.text(key, direct, longest);
    reader.path(file_key, file);
    secrets.inline_secret = secrets.inline_secret || reader.has(key);
    if (reader.has(key) && reader.has(file_key))
    {
        reader.findings().mistake(reader.pointer(file_key), "stands beside \"" + std::string{key} + "\"",
                                  "keep one of them");
        return false;
    }
    if (file.empty())
    {
        out = direct;
        return !direct.empty();
    }
    auto secret = secrets.read(file);
    if (!secret)
    {
        reader.findings().mistake(reader.pointer(file_key), secret.error().text,
                                  "write the secret on the file's first line and chmod 600 it");
        return false;
    }
    const Json value = std::move(*secret); // the same rules for both places
    return read_text({&value, reader.pointer(file_key)}, out, longest, reader.findings());
}

void read_users(ObjectReader& parent, Secrets& secrets, std::vector<User>& out)
{
    parent.require("users", "write at least one user: without one nobody can log in");
    Findings& findings = parent.findings();
    for (const Place& item : parent.items("users", most_users, "users"))
    {
        User user;
        read_user(ObjectReader{item, findings}, secrets, user);
        if (!user.name.empty() && std::ranges::any_of(out, [&](const User& other) { return other.name == user.name; }))
        {
            findings.mistake(pointer_to(item.pointer, "name"), "another user is called \"" + user.name + "\"",
                             "give each user a name of its own");
        }
        out.push_back(std::move(user));
    }
}

} // namespace fwupdate::config
