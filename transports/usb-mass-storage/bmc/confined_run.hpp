// A program that reads what a host wrote: run without privileges, and ended when it stalls, on the agent's own loop.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fwupdate::usb
{

/// What a program run on an image needs to know, and who hears of it.
struct ConfinedProgram
{
    std::vector<std::string> argv;  ///< argv[0] is the program's whole path
    int image{-1};                  ///< descriptor of the image, open for reading; the program finds it as image_path
    std::chrono::seconds stall{30}; ///< without output, then it is ended
    std::function<bool(ConstBytes)> output;     ///< of its standard output; false: end it, no more calls
    std::function<void(Result<void>)> finished; ///< once, after all output; an error has what it said last
};

/// Where a confined program finds its image.
inline constexpr const char* image_path = "/proc/self/fd/3";

/// A running program. It has no privileges: nobody's user id where the agent is root, no network, no file to write, no
/// way to gain any of it; its memory and processor time are bounded.
class ConfinedRun
{
  public:
    ConfinedRun() = default;
    ConfinedRun(const ConfinedRun&) = delete;
    ConfinedRun& operator=(const ConfinedRun&) = delete;
    virtual ~ConfinedRun() = default;

    /// Ends it; none of its functions is called after this.
    virtual void cancel() noexcept = 0;

    /// Starts the program. Errors: input_output.
    [[nodiscard]] static Result<std::shared_ptr<ConfinedRun>> start(boost::asio::io_context& context,
                                                                    ConfinedProgram program);
};

} // namespace fwupdate::usb
