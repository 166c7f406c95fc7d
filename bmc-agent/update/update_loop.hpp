// The update session's shell: its timer and its slices of work on the agent's loop, between the datagrams.
#pragma once

#include "bmc-agent/update/session.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace fwupdate::agent
{

class UpdateLoop
{
  public:
    /// From now on the session's work is done and its deadlines are met whenever `context` runs. Neither may be used
    /// without the other from then on.
    UpdateLoop(boost::asio::io_context& context, UpdateSession& session);
    UpdateLoop(const UpdateLoop&) = delete;
    UpdateLoop& operator=(const UpdateLoop&) = delete;
    ~UpdateLoop() = default;

  private:
    void look();
    void work();
    void arm(TimePoint deadline);

    boost::asio::io_context& context_;
    UpdateSession& session_;
    boost::asio::steady_timer timer_;
    std::optional<TimePoint> armed_;
    bool work_posted_{false};
};

} // namespace fwupdate::agent
