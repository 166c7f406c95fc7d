#include "bmc-agent/software/tftp_download.hpp"

#include "common/bytes.hpp"

#include <fcntl.h>
#include <stdlib.h> // mkdtemp

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

/// In a directory of its own, for this download alone: what lies in the upload directory itself is taken for an upload,
/// and others may write there.
Outcome<void> TftpDownload::open_aside(const std::string& name)
{
    std::string pattern = (rules_.directory / ".imageXXXXXX").string(); // cleared away at a start, as uploads' are
    if (::mkdtemp(pattern.data()) == nullptr)
    {
        return internal(system_error("make a directory in", rules_.directory).text);
    }
    aside_ = pattern;
    auto opened = File::open(aside_ / name, O_RDWR | O_CREAT | O_EXCL);
    if (!opened)
    {
        leave_aside();
        return internal(opened.error().text);
    }
    file_ = std::move(*opened);
    return {};
}

void TftpDownload::leave_aside()
{
    file_.close();
    std::error_code ignored; // a file too many; the next start clears it away
    std::filesystem::remove_all(std::exchange(aside_, {}), ignored);
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
    if (auto opened = open_aside(request.file); !opened)
    {
        return opened;
    }
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
    if (const auto cut = file_.truncate(size_); !cut)
    {
        drop(cut.error().text);
        return;
    }
    std::error_code error;
    std::filesystem::rename(aside_ / name_, rules_.directory / name_, error);
    if (error)
    {
        drop(error.message());
        return;
    }
    leave_aside();
    log_.event(Level::info, "A download has come", {{"file", name_}, {"size", std::to_string(size_)}});
    arrived_(std::exchange(name_, {}));
}

void TftpDownload::drop(const std::string& why)
{
    log_.event(Level::error, "A download failed", {{"file", name_}, {"reason", why}});
    name_.clear();
    leave_aside();
}

} // namespace fwupdate::agent::software
