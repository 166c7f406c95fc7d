// One child process: started without a shell, its output in pieces, its end, on the agent's own loop.
#pragma once

#include "common/result.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fwupdate::agent
{

/// What to start, and how.
struct ChildCommand
{
    std::vector<std::string> argv; ///< at least one

    /// Names and values added to the agent's environment, in place of what has the same names there.
    std::vector<std::pair<std::string, std::string>> environment{};

    bool own_group{false};  ///< a process group of its own: stop() reaches what it started, too
    bool errors_too{false}; ///< its standard error is output as well; otherwise it is the agent's
};

/// How a child ended.
struct ChildEnd
{
    bool success{};      ///< it exited with 0
    std::string failure; ///< why not, for a person; empty on success
};

/// Keeps itself alive until the child has ended.
class ChildProcess
{
  public:
    using Output = std::function<void(std::string_view)>;
    using Ended = std::function<void(const ChildEnd&)>;

    virtual ~ChildProcess() = default;

    /// Starts it. `output` gets what it writes, `ended` its end, once, after its last output; both from the loop. What
    /// it has left running does not delay its end. Errors: input_output, the text is the operating system's.
    static Result<std::shared_ptr<ChildProcess>> start(boost::asio::io_context& context, const ChildCommand& command,
                                                       Output output, Ended ended);

    /// Kills it at once, it alone; its end is told.
    virtual void kill() noexcept = 0;

    /// Ends it and its group: SIGTERM, and SIGKILL once it has ended or `grace` is over. Neither output nor end is told
    /// any more; `gone` is called from the loop when it is no more. Only for a child with a group of its own.
    virtual void stop(std::chrono::seconds grace, std::function<void()> gone) = 0;
};

} // namespace fwupdate::agent
