#include "common/package/signature/openbmc_keys.hpp"

#include "common/package/signature/certificate.hpp"
#include "common/package/signature/openssl.hpp"

#include <openssl/pem.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace fwupdate::package
{
namespace
{

constexpr std::size_t largest_file = 16384; ///< bytes of publickey or hashfunc

Result<std::string> read_small(const std::filesystem::path& path)
{
    std::ifstream file{path, std::ios::binary};
    std::string text(largest_file + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad() || (!file.eof() && file.fail()))
    {
        return fail(ErrorKind::input_output, "cannot read " + path.string());
    }
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > largest_file)
    {
        return fail(ErrorKind::length, path.string() + " is longer than " + std::to_string(largest_file) + " bytes");
    }
    return text;
}

Result<SystemKey> load_system_key(const std::filesystem::path& directory)
{
    const auto key = read_small(directory / "publickey");
    if (!key)
    {
        return key.error();
    }
    const auto hash_function = read_small(directory / "hashfunc");
    if (!hash_function)
    {
        return hash_function.error();
    }
    return make_system_key(directory.filename().string(), as_bytes(*key), *hash_function);
}

Result<std::vector<std::filesystem::path>> directories_in(const std::filesystem::path& directory)
{
    std::error_code problem;
    std::vector<std::filesystem::path> found;
    for (auto entry = std::filesystem::directory_iterator{directory, problem};
         !problem && entry != std::filesystem::directory_iterator{}; entry.increment(problem))
    {
        if (entry->is_directory(problem))
        {
            found.push_back(entry->path());
        }
    }
    if (problem)
    {
        return fail(problem == std::errc::no_such_file_or_directory ? ErrorKind::not_found : ErrorKind::input_output,
                    "cannot read the keys in " + directory.string() + ": " + problem.message());
    }
    std::ranges::sort(found);
    return found;
}

} // namespace

void PublicKey::Free::operator()(evp_pkey_st* key) const
{
    EVP_PKEY_free(key);
}

Result<PublicKey> PublicKey::from_pem(ConstBytes pem, const std::string& owner)
{
    const openssl::Bio in = openssl::view(pem);
    PublicKey key{in ? PEM_read_bio_PUBKEY(in.get(), nullptr, nullptr, nullptr) : nullptr};
    if (!key.key_)
    {
        return fail(ErrorKind::invalid_field, owner + " is not a public key in PEM (" + openssl::reason() + ")");
    }
    if (const auto strong = check_key_strength(key.key_.get(), owner); !strong)
    {
        return strong.error();
    }
    return key;
}

bool PublicKey::verifies(ConstBytes signature, DigestKind kind, ConstBytes digest) const
{
    const openssl::KeyContext context{EVP_PKEY_CTX_new(key_.get(), nullptr)};
    const bool good =
        context && EVP_PKEY_verify_init(context.get()) == 1 &&
        EVP_PKEY_CTX_set_signature_md(context.get(), openssl_digest(kind)) == 1 &&
        EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.data(), digest.size()) == 1;
    ERR_clear_error();
    return good;
}

Bytes digest_of(DigestKind kind, ConstBytes bytes)
{
    Digests digests;
    digests.begin({kind});
    digests.update(bytes);
    return std::move(digests.finish().at(kind));
}

Result<SystemKey> make_system_key(const std::string& name, ConstBytes public_key, std::string_view hash_function)
{
    constexpr std::string_view prefix = "HashType=";
    auto key = PublicKey::from_pem(public_key, "the system key " + printable(name));
    if (!key)
    {
        return key.error();
    }
    const std::string_view line = hash_function.substr(0, hash_function.find_first_of("\r\n"));
    const auto digest = line.starts_with(prefix) ? digest_kind_from(line.substr(prefix.size())) : std::nullopt;
    if (!digest)
    {
        return fail(ErrorKind::invalid_field, "the system key " + printable(name) +
                                                  ": hashfunc is not HashType=RSA-SHA256, RSA-SHA384 or RSA-SHA512");
    }
    return SystemKey{name, std::move(*key), *digest};
}

Result<std::vector<SystemKey>> load_system_keys(const std::filesystem::path& directory)
{
    const auto found = directories_in(directory);
    if (!found)
    {
        return found.error();
    }
    std::vector<SystemKey> keys;
    for (const auto& each : *found)
    {
        auto key = load_system_key(each);
        if (!key)
        {
            return key.error();
        }
        keys.push_back(std::move(*key));
    }
    if (keys.empty())
    {
        return fail(ErrorKind::not_found, "there is no key in " + directory.string() +
                                              "; it wants a directory per key, with publickey and hashfunc");
    }
    return keys;
}

} // namespace fwupdate::package
