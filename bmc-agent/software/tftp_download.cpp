#include "bmc-agent/software/tftp_download.hpp"

#include "common/bytes.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

namespace fwupdate::agent::software
{
namespace
{

/// A name or an address as it stands in a URI.
std::string in_brackets_if_v6(const std::string& server)
{
    return server.find(':') == std::string::npos ? server : "[" + server + "]";
}

/// A file's name as a part of a URI (RFC 3986, 2.1): what is not unreserved is written in hexadecimal.
std::string escaped(std::string_view name)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string text;
    for (const char letter : name)
    {
        if (unreserved.find(letter) != std::string_view::npos)
        {
            text += letter;
            continue;
        }
        const auto byte = static_cast<std::uint8_t>(letter);
        text += {'%', digits[byte >> 4U], digits[byte & 0x0FU]};
    }
    return text;
}

Refusal internal(std::string text)
{
    return {ErrorCode::internal_failure, std::move(text)};
}

} // namespace

TftpDownload::TftpDownload(TftpRules rules, std::unique_ptr<transports::Fetcher> fetcher, Arrived arrived, Log& log)
    : rules_{std::move(rules)}, fetcher_{std::move(fetcher)}, arrived_{std::move(arrived)}, log_{log}
{
}

TftpDownload::~TftpDownload()
{
    if (fetcher_ != nullptr)
    {
        fetcher_->cancel();
    }
}

/// A directory of its own: what lies in the upload directory itself is taken for an upload.
std::filesystem::path TftpDownload::aside() const
{
    return rules_.directory / ".image-tftp";
}

Outcome<void> TftpDownload::start(const TftpRequest& request)
{
    if (fetcher_ == nullptr)
    {
        return internal(R"(TFTP is not configured: write "network": {"schemes": ["tftp"]})");
    }
    if (!name_.empty())
    {
        return internal("the download of " + printable(name_) + " is not complete yet; wait for its end");
    }
    const transports::FetchOrder order{
        "tftp://" + in_brackets_if_v6(request.server) + "/" + escaped(request.file), {}, {}};
    const auto shown = fetcher_->check(order);
    if (!shown)
    {
        return internal(shown.error().text);
    }
    if (fetcher_->needs_digest(order) && !rules_.vouched_for)
    {
        return internal("nothing vouches for what comes by TFTP: require signatures, or write "
                        "\"require_digest\": false in network");
    }
    std::error_code error;
    std::filesystem::create_directories(aside(), error);
    auto opened = File::open(aside() / request.file, O_RDWR | O_CREAT | O_TRUNC);
    if (!opened)
    {
        return internal(opened.error().text);
    }
    file_ = std::move(*opened);
    name_ = request.file;
    size_ = 0;
    log_.event(Level::info, "A download begins", {{"uri", *shown}});
    fetcher_->begin(order, *this);
    return {};
}

Result<void> TftpDownload::check_size(std::uint64_t size)
{
    if (size <= rules_.max_size)
    {
        return {};
    }
    const std::string why = "it is larger than " + std::to_string(rules_.max_size) + " bytes";
    drop(why);
    return fail(ErrorKind::no_space, why);
}

Result<void> TftpDownload::expect(std::uint64_t size, TimePoint /*now*/)
{
    return check_size(size);
}

Result<void> TftpDownload::go_on_at(std::uint64_t offset, TimePoint /*now*/)
{
    size_ = std::min(size_, offset);
    return {};
}

Result<void> TftpDownload::accept(ConstBytes bytes, TimePoint /*now*/)
{
    if (auto fits = check_size(size_ + bytes.size()); !fits)
    {
        return fits;
    }
    if (auto written = file_.write_at(size_, bytes); !written)
    {
        drop(written.error().text);
        return written;
    }
    size_ += bytes.size();
    return {};
}

/// The file appears under its name in one step.
void TftpDownload::finished(transports::FetchResult result, TimePoint /*now*/)
{
    if (!result)
    {
        drop(result.error().text);
        return;
    }
    const auto cut = file_.truncate(size_);
    std::error_code error;
    std::filesystem::rename(aside() / name_, rules_.directory / name_, error);
    if (!cut || error)
    {
        drop(error ? error.message() : cut.error().text);
        return;
    }
    file_.close();
    log_.event(Level::info, "A download has come", {{"file", name_}, {"size", std::to_string(size_)}});
    arrived_(std::exchange(name_, {}));
}

void TftpDownload::drop(const std::string& why)
{
    log_.event(Level::error, "A download failed", {{"file", name_}, {"reason", why}});
    file_.close();
    std::error_code ignored; // a file too many; the next start clears it away
    std::filesystem::remove(aside() / std::exchange(name_, {}), ignored);
}

} // namespace fwupdate::agent::software
