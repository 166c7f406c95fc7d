#include "transports/network/bmc/downloader.hpp"

#include "transports/network/bmc/download.hpp"

#include <boost/asio/post.hpp>
#include <curl/curl.h>

#include <algorithm>
#include <utility>

namespace fwupdate::network
{

Downloader::Library::Library()
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

Downloader::Library::~Library()
{
    curl_global_cleanup();
}

Downloader::Downloader(boost::asio::io_context& context, Settings settings, Note note)
    : context_{context}, settings_{std::make_shared<const Settings>(std::move(settings))}, note_{std::move(note)}
{
}

Downloader::~Downloader()
{
    cancel();
}

Result<std::string> Downloader::check(const transports::FetchOrder& order) const
{
    const auto uri = Uri::parse(order.uri);
    if (!uri)
    {
        return uri.error();
    }
    if (std::ranges::find(settings_->schemes, uri->scheme()) == settings_->schemes.end())
    {
        return fail(ErrorKind::denied, std::string{name_of(uri->scheme())} +
                                           ":// is not allowed by this BMC's configuration (network: schemes)");
    }
    if (const auto admitted = settings_->rules.admit_host(uri->host()); !admitted)
    {
        return admitted.error();
    }
    return uri->shown();
}

bool Downloader::needs_digest(const transports::FetchOrder& order) const
{
    const auto uri = Uri::parse(order.uri);
    return settings_->require_digest && !(uri && is_protected(uri->scheme()));
}

void Downloader::begin(const transports::FetchOrder& order, transports::FetchSink& sink)
{
    cancel();
    download_ = std::make_shared<Download>(context_, settings_, order, Uri::parse(order.uri).value(), sink, note_,
                                           [this] { retire(); });
    boost::asio::post(context_,
                      [weak = std::weak_ptr{download_}]
                      {
                          if (const auto download = weak.lock())
                          {
                              download->begin();
                          }
                      });
}

void Downloader::cancel() noexcept
{
    if (download_)
    {
        download_->stop();
        retire();
    }
}

/// Curl does not bear to be destroyed from within its own calls: then the loop does it later.
void Downloader::retire() noexcept
{
    boost::asio::post(context_, [download = std::exchange(download_, nullptr)]() mutable { download.reset(); });
}

} // namespace fwupdate::network
