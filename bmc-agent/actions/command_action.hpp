// "command": a program of its own does the work. It learns of the update from its environment and tells its progress in
// its output.
#pragma once

#include "bmc-agent/actions/running_action.hpp"
#include "bmc-agent/process/child_process.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fwupdate::agent
{

/// What a command finds in its environment: FWUPDATE_TARGET, FWUPDATE_IMAGE, FWUPDATE_SIZE (bytes), FWUPDATE_SHA256
/// (hexadecimal digits), FWUPDATE_VERSION, FWUPDATE_OPTIONS (words of an updater). What is not known is empty.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> environment_of(const ActionSubject& subject);

class CommandAction final : public RunningAction
{
  public:
    CommandAction(config::Command command, const ActionParts& parts);
    ~CommandAction() override;

  private:
    void launch(const ActionSubject& subject) override;
    void halt() noexcept override;
    [[nodiscard]] std::string where_to_look() const override;

    void begin();
    void take(std::string_view text);
    void take_line();
    void finish(const ChildEnd& end);
    void gone();

    boost::asio::io_context* context_;
    config::Command command_;
    ChildCommand next_;                   ///< what launch() wants to run
    std::shared_ptr<ChildProcess> child_; ///< while it runs
    std::shared_ptr<void> alive_;         ///< expires with us
    std::string line_;                    ///< of the output, unfinished
    std::string last_line_;               ///< of the output that is neither blank nor a percent
    bool leaving_{false};                 ///< a former child is being stopped; the next one waits for its end
};

} // namespace fwupdate::agent
