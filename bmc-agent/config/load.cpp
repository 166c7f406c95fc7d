// The configuration's shell: files in, one object or all mistakes out.
#include "bmc-agent/config/config.hpp"
#include "bmc-agent/config/sections.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace fwupdate::config
{
namespace
{

constexpr std::size_t largest_file = 1 << 20; ///< bytes; a configuration has some kilobytes

/// An open file that closes itself.
class Descriptor
{
  public:
    explicit Descriptor(int number) : number_{number} {}
    ~Descriptor()
    {
        if (number_ >= 0)
        {
            ::close(number_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int get() const
    {
        return number_;
    }

  private:
    int number_;
};

struct FileText
{
    std::string text;
    mode_t mode{};
};

std::string reason_of(int error)
{
    return std::system_category().message(error);
}

/// The whole of a regular file. O_NONBLOCK: opening a FIFO must not hang the start.
Result<FileText> read_whole(const std::filesystem::path& file)
{
    const Descriptor descriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat status
    {
    };
    if (descriptor.get() < 0 || ::fstat(descriptor.get(), &status) != 0)
    {
        return fail(ErrorKind::input_output, "can't be read: " + reason_of(errno));
    }
    if (!S_ISREG(status.st_mode))
    {
        return fail(ErrorKind::invalid_field, "is not a regular file");
    }
    FileText result{{}, status.st_mode};
    std::array<char, 4096> buffer{};
    for (;;)
    {
        const ssize_t count = ::read(descriptor.get(), buffer.data(), buffer.size());
        if (count == 0)
        {
            return result;
        }
        if (count < 0)
        {
            return fail(ErrorKind::input_output, "can't be read: " + reason_of(errno));
        }
        result.text.append(buffer.data(), static_cast<std::size_t>(count));
        if (result.text.size() > largest_file)
        {
            return fail(ErrorKind::no_space, "is larger than 1 MiB: not a file of this kind");
        }
    }
}

Result<Config> parse_with_mode(std::string_view text, std::string_view name, const SecretReader& read_secret,
                               Surroundings surroundings, mode_t mode)
{
    Findings findings;
    Secrets secrets{read_secret};
    const auto document = parse_document(text, findings);
    Config config = document ? read_config(*document, findings, secrets) : Config{};
    check_target_paths(config, surroundings, findings);
    if ((mode & S_IWOTH) != 0)
    {
        findings.mistake({}, "everybody may write this file", "chmod o-w " + std::string{name});
    }
    if (secrets.inline_secret && (mode & (S_IROTH | S_IWOTH)) != 0)
    {
        findings.mistake({}, "holds a password and everybody may read it", "chmod o= " + std::string{name});
    }
    if (!findings.clean())
    {
        return fail(ErrorKind::invalid_field, findings.report(name));
    }
    config.warnings = findings.warnings(name);
    return config;
}

} // namespace

Result<std::string> read_secret_file(const std::filesystem::path& file)
{
    auto whole = read_whole(file);
    if (!whole)
    {
        return fail(whole.error().kind, "file " + file.string() + " " + whole.error().text);
    }
    if ((whole->mode & S_IRWXO) != 0)
    {
        return fail(ErrorKind::denied, "file " + file.string() + " may be read by everybody");
    }
    std::string secret = whole->text.substr(0, whole->text.find('\n'));
    if (secret.ends_with('\r'))
    {
        secret.pop_back();
    }
    return secret;
}

Result<Config> parse(std::string_view text, std::string_view name, const SecretReader& read_secret)
{
    return parse_with_mode(text, name, read_secret, Surroundings::none, 0);
}

Result<Config> load(const std::filesystem::path& file)
{
    const auto whole = read_whole(file);
    if (!whole)
    {
        return fail(whole.error().kind,
                    file.string() + ": " + whole.error().text + "; name the configuration with --config FILE");
    }
    return parse_with_mode(whole->text, file.string(), read_secret_file, Surroundings::disk, whole->mode);
}

} // namespace fwupdate::config
