// DownloadViaTFTP: fetches a file into the upload directory, by the agent's own downloader.
#pragma once

#include "bmc-agent/log/log.hpp"
#include "bmc-agent/software/upload.hpp"
#include "transports/fetcher.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace fwupdate::agent::software
{

/// What may be fetched.
struct TftpRules
{
    std::filesystem::path directory; ///< of the uploads
    std::uint64_t max_size{};        ///< bytes
    bool vouched_for{false};         ///< nothing is programmed without a signature, so nothing need vouch on the way
};

class TftpDownload final : private transports::FetchSink
{
  public:
    /// Hears the name of a file that is there now, whole.
    using Arrived = std::function<void(const std::string& name)>;

    /// `fetcher`, of which nobody else makes use, is nullptr where the configuration allows no TFTP. It and the log
    /// outlive the download.
    TftpDownload(TftpRules rules, std::unique_ptr<transports::Fetcher> fetcher, Arrived arrived, Log& log);
    TftpDownload(const TftpDownload&) = delete;
    TftpDownload& operator=(const TftpDownload&) = delete;
    ~TftpDownload() override;

    /// Begins; what becomes of it is in the log, and the file in the upload directory. Errors: internal_failure, with
    /// what to do (not configured, not allowed, another one is under way, no space).
    [[nodiscard]] Outcome<void> start(const TftpRequest& request);

  private:
    [[nodiscard]] bool knows_digest() const override
    {
        return false;
    }
    [[nodiscard]] std::uint64_t present() const override
    {
        return size_;
    }
    [[nodiscard]] Result<void> expect(std::uint64_t size, TimePoint now) override;
    [[nodiscard]] Result<void> go_on_at(std::uint64_t offset, TimePoint now) override;
    [[nodiscard]] Result<void> accept(ConstBytes bytes, TimePoint now) override;
    void finished(transports::FetchResult result, TimePoint now) override;

    [[nodiscard]] Result<void> check_size(std::uint64_t size);
    void drop(const std::string& why);
    [[nodiscard]] Outcome<void> open_aside(const std::string& name);
    void leave_aside();

    TftpRules rules_;
    std::unique_ptr<transports::Fetcher> fetcher_;
    Arrived arrived_;
    Log& log_;
    std::string name_;            ///< of the file that comes; empty: none does
    std::filesystem::path aside_; ///< where it is until it is whole
    File file_;
    std::uint64_t size_{}; ///< bytes that are there
};

} // namespace fwupdate::agent::software
