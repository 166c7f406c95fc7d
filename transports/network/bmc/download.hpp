// One image from one URI, through redirects, broken connections and new tries, into the sink.
#pragma once

#include "common/time.hpp"
#include "transports/fetcher.hpp"
#include "transports/network/bmc/curl_loop.hpp"
#include "transports/network/bmc/transfer.hpp"
#include "transports/network/engine/settings.hpp"
#include "transports/network/engine/speed_watch.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace fwupdate::network
{

class Download final : public std::enable_shared_from_this<Download>, private TransferListener
{
  public:
    /// A note for the log: a try has failed, what happens next.
    using Note = std::function<void(const std::string& text)>;

    /// `ended` is called before the sink hears the end: the download is over then.
    Download(boost::asio::io_context& context, std::shared_ptr<const Settings> settings, transports::FetchOrder order,
             Uri uri, transports::FetchSink& sink, Note note, std::function<void()> ended);

    /// The first try; returns at once.
    void begin();

    /// No call to the sink, the note or `ended` after it.
    void stop();

    /// Whether it may not be destroyed now: curl is at work below us on the stack.
    [[nodiscard]] bool is_running() const
    {
        return loop_.is_running();
    }

  private:
    static constexpr unsigned most_redirects = 5;
    static constexpr std::uint64_t worth_a_try = 64ULL * 1024; ///< bytes that make up for a failed try

    // TransferListener
    [[nodiscard]] bool answered(const Answer& answer) override;
    [[nodiscard]] bool received(ConstBytes bytes) override;
    void ended(const TransferEnd& end) override;

    void ask();
    [[nodiscard]] Question question() const;
    [[nodiscard]] std::optional<transports::Credentials> credentials() const;
    [[nodiscard]] bool take(const Take& take, const Answer& answer);
    void redirect(const std::string& location);
    void next(std::function<void(Download&)> step);
    void fail(Problem problem);
    [[nodiscard]] bool may_be_lost(const Problem& problem) const;
    void try_again(Problem problem);
    void watch();
    void finish(transports::FetchResult result);
    void drop_sink();

    boost::asio::io_context& context_;
    std::shared_ptr<const Settings> settings_;
    transports::FetchOrder order_;
    const Uri origin_; ///< as it was set
    Uri uri_;          ///< after redirects
    transports::FetchSink* sink_;
    Note note_;
    std::function<void()> ended_;
    boost::asio::steady_timer timer_; ///< of the watch, or of the next try
    CurlLoop loop_;
    std::unique_ptr<Transfer> transfer_;
    std::optional<SpeedWatch> speed_;
    const TimePoint begun_{Clock::now()};
    std::string validator_;              ///< of the last answer that brought bytes
    std::optional<std::uint64_t> total_; ///< as told to the sink
    unsigned redirects_{};
    unsigned failures_{};           ///< in a row
    std::uint64_t since_failure_{}; ///< bytes beyond the furthest one until then
    std::uint64_t position_{};      ///< of the next byte in the image
    std::uint64_t furthest_{};      ///< position that was reached
    bool whole_only_{false};        ///< the server does not go on in the middle, or knows no TFTP options
    bool any_byte_{false};
};

} // namespace fwupdate::network
