#include "bmc-agent/process/asio_command_runner.hpp"

#include "bmc-agent/process/child_process.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace fwupdate::agent
{
namespace
{

namespace asio = boost::asio;

constexpr std::size_t most_output = 256; ///< bytes of standard output that are kept

/// One command under way; keeps itself alive until its last completion.
class Run : public std::enable_shared_from_this<Run>
{
  public:
    Run(asio::io_context& context, std::function<void(const CommandResult&)> done)
        : context_{&context}, timer_{context}, done_{std::move(done)}
    {
    }

    void start(const std::vector<std::string>& argv, std::chrono::seconds limit)
    {
        auto child = ChildProcess::start(
            *context_, {.argv = argv}, [self = shared_from_this()](std::string_view text) { self->take(text); },
            [self = shared_from_this()](const ChildEnd& end) { self->finish(end); });
        if (!child)
        {
            result_.failure = "cannot start " + argv.front() + ": " + child.error().text;
            asio::post(*context_, [self = shared_from_this()] { self->done_(self->result_); });
            return;
        }
        timer_.expires_after(limit);
        timer_.async_wait(
            [self = shared_from_this(), running = *child](boost::system::error_code stopped)
            {
                if (!stopped)
                {
                    self->timed_out_ = true;
                    running->kill();
                }
            });
    }

  private:
    void take(std::string_view text)
    {
        text_.append(text.substr(0, most_output - text_.size()));
    }

    void finish(const ChildEnd& end)
    {
        timer_.cancel();
        result_.success = end.success;
        result_.first_line = text_.substr(0, text_.find_first_of("\r\n"));
        result_.failure = timed_out_ && !end.success ? "it took too long and was ended" : end.failure;
        done_(result_);
    }

    asio::io_context* context_;
    asio::steady_timer timer_;
    std::function<void(const CommandResult&)> done_;
    std::string text_;
    CommandResult result_;
    bool timed_out_{false};
};

} // namespace

void AsioCommandRunner::run(const std::vector<std::string>& argv, std::function<void(const CommandResult&)> done)
{
    std::make_shared<Run>(*context_, std::move(done))->start(argv, limit_);
}

} // namespace fwupdate::agent
