// The network transport as the agent sees it: fetches http, https, tftp, ftp and ftps URIs, one at a time.
#pragma once

#include "transports/fetcher.hpp"
#include "transports/network/engine/settings.hpp"
#include "transports/network/engine/uri.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

namespace fwupdate::network
{

class Download;

class Downloader final : public transports::Fetcher
{
  public:
    /// For the log; never holds a secret.
    using Note = std::function<void(const std::string& text)>;

    Downloader(boost::asio::io_context& context, Settings settings, Note note);
    Downloader(const Downloader&) = delete;
    Downloader& operator=(const Downloader&) = delete;
    ~Downloader() override;

    // Fetcher
    [[nodiscard]] Result<std::string> check(const transports::FetchOrder& order) const override;
    [[nodiscard]] bool needs_digest(const transports::FetchOrder& order) const override;
    void begin(const transports::FetchOrder& order, transports::FetchSink& sink) override;
    void cancel() noexcept override;

  private:
    void retire() noexcept;

    /// libcurl's own state, as long as somebody uses it.
    struct Library
    {
        Library();
        Library(const Library&) = delete;
        Library& operator=(const Library&) = delete;
        ~Library();
    };

    Library library_;
    boost::asio::io_context& context_;
    std::shared_ptr<const Settings> settings_;
    Note note_;
    std::shared_ptr<Download> download_;
};

} // namespace fwupdate::network
