#include "bmc-agent/dbus/unit_job.hpp"
#include "bmc-agent/dbus/unit_verdict.hpp"
#include "common/bytes.hpp"

#include <sdbus-c++/sdbus-c++.h>

#include <boost/asio/post.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace fwupdate::agent::dbus
{
namespace
{

constexpr const char* service = "org.freedesktop.systemd1";
constexpr const char* manager_path = "/org/freedesktop/systemd1";
constexpr const char* manager_interface = "org.freedesktop.systemd1.Manager";
constexpr const char* job_interface = "org.freedesktop.systemd1.Job";
constexpr const char* unit_interface = "org.freedesktop.systemd1.Unit";
constexpr const char* service_interface = "org.freedesktop.systemd1.Service";
constexpr const char* properties_interface = "org.freedesktop.DBus.Properties";
constexpr std::chrono::seconds call_limit{30};
constexpr std::size_t most_early = 256; ///< ended jobs that are remembered until ours is known

/// One start of a unit. Its proxies hold what calls it, so none of them may go within a call: ends are posted.
class Run : public std::enable_shared_from_this<Run>
{
  public:
    Run(boost::asio::io_context& context, Bus& bus, std::string unit, std::string mode, UnitJob::Ended ended)
        : context_{&context}, bus_{&bus}, unit_{std::move(unit)}, mode_{std::move(mode)}, ended_{std::move(ended)}
    {
    }

    void begin()
    {
        bus_->connect(
            [weak = weak_from_this()](const Result<void>& ready)
            {
                if (const auto self = weak.lock())
                {
                    ready ? self->subscribe() : self->end({false, ready.error().text});
                }
            });
    }

    /// True: it is over. False: systemd has not answered yet, and is told when it does.
    bool cancel()
    {
        ended_ = nullptr;
        if (connection_ == nullptr || over_)
        {
            return true;
        }
        if (starting_)
        {
            return false;
        }
        if (!job_.empty())
        {
            cancel_job();
        }
        end({});
        return true;
    }

    [[nodiscard]] bool over() const
    {
        return over_;
    }

  private:
    /// Calls something that does not wait, and tells of exceptions as of an end.
    template <class Function> void guarded(Function function)
    {
        try
        {
            function();
        }
        catch (const std::exception& error)
        {
            end({false, "cannot ask systemd about " + unit_ + ": " + printable(error.what())});
        }
        bus_->used();
    }

    /// An answer's handler: a method of ours, while we live.
    template <class... Values> auto then(void (Run::*method)(const sdbus::Error*, Values...))
    {
        return [weak = weak_from_this(), method](const sdbus::Error* error, Values... values)
        {
            if (const auto self = weak.lock(); self != nullptr && !self->over_)
            {
                (self.get()->*method)(error, std::move(values)...);
            }
        };
    }

    auto call(const std::string& method)
    {
        return manager_->callMethodAsync(method).onInterface(manager_interface).withTimeout(call_limit);
    }

    void subscribe()
    {
        connection_ = bus_->connection();
        bus_->on_lost(weak_from_this(), [this](const std::string& why) { lost(why); });
        guarded(
            [&]
            {
                manager_ = sdbus::createProxy(*connection_, service, manager_path);
                manager_->uponSignal("JobRemoved")
                    .onInterface(manager_interface)
                    .call([this](std::uint32_t, const sdbus::ObjectPath& job, const std::string&,
                                 const std::string& result) { removed(job, result); });
                manager_->finishRegistration();
                call("Subscribe").uponReplyInvoke(then(&Run::subscribed));
            });
    }

    void subscribed(const sdbus::Error* error)
    {
        if (error != nullptr && error->getName() != "org.freedesktop.systemd1.AlreadySubscribed")
        {
            end({false, "systemd does not answer on D-Bus: " + printable(error->getMessage()) +
                            "; the action needs systemd as the first process"});
            return;
        }
        // Else a unit that ends is unloaded at once, and how it ended is forgotten.
        guarded([&] { call("RefUnit").withArguments(unit_).uponReplyInvoke(then(&Run::referenced)); });
    }

    /// What is wrong with a unit, StartUnit tells better.
    void referenced(const sdbus::Error* error)
    {
        referenced_ = error == nullptr;
        starting_ = true;
        guarded([&] { call("StartUnit").withArguments(unit_, mode_).uponReplyInvoke(then(&Run::started)); });
    }

    void started(const sdbus::Error* error, sdbus::ObjectPath job)
    {
        starting_ = false;
        if (error != nullptr)
        {
            end({false, "systemd did not start unit " + unit_ + ": " + printable(error->getMessage()) +
                            "; check the unit (systemctl status " + unit_ + ")"});
            return;
        }
        job_ = std::move(job);
        if (ended_ == nullptr)
        {
            cancel_job();
            end({});
        }
        else if (const auto early = early_.find(job_); early != early_.end())
        {
            job_ended(early->second);
        }
    }

    /// The signal may come before the answer to StartUnit has.
    void removed(const std::string& job, const std::string& result)
    {
        if (over_)
        {
            return;
        }
        if (job_.empty() && early_.size() < most_early)
        {
            early_.emplace(job, result);
        }
        else if (!job_.empty() && job == job_)
        {
            job_ended(result);
        }
    }

    void job_ended(const std::string& result)
    {
        facts_.job = result;
        guarded([&] { call("LoadUnit").withArguments(unit_).uponReplyInvoke(then(&Run::found)); });
    }

    void found(const sdbus::Error* error, sdbus::ObjectPath path)
    {
        if (error != nullptr)
        {
            unreadable(*error);
            return;
        }
        guarded(
            [&]
            {
                properties_ = sdbus::createProxy(*connection_, service, path);
                get(unit_interface, "ActiveState", &Run::got_active);
            });
    }

    void get(const char* interface, const char* name, void (Run::*method)(const sdbus::Error*, sdbus::Variant))
    {
        properties_->callMethodAsync("Get")
            .onInterface(properties_interface)
            .withTimeout(call_limit)
            .withArguments(std::string{interface}, std::string{name})
            .uponReplyInvoke(then(method));
    }

    void got_active(const sdbus::Error* error, sdbus::Variant value)
    {
        guarded(
            [&]
            {
                facts_.active = value_of<std::string>(error, value);
                get(unit_interface, "ConditionResult", &Run::got_condition);
            });
    }

    void got_condition(const sdbus::Error* error, sdbus::Variant value)
    {
        guarded(
            [&]
            {
                facts_.condition = value_of<bool>(error, value);
                if (unit_.ends_with(".service"))
                {
                    get(service_interface, "Result", &Run::got_result);
                    return;
                }
                end(verdict_of(unit_, facts_));
            });
    }

    void got_result(const sdbus::Error* error, sdbus::Variant value)
    {
        guarded(
            [&]
            {
                facts_.result = value_of<std::string>(error, value);
                end(verdict_of(unit_, facts_));
            });
    }

    template <class T> static T value_of(const sdbus::Error* error, const sdbus::Variant& value)
    {
        if (error != nullptr)
        {
            throw *error;
        }
        return value.get<T>();
    }

    void unreadable(const sdbus::Error& error)
    {
        end({false, "unit " + unit_ + ": its job has ended (" + printable(facts_.job) +
                        "), but how it ended cannot be read: " + printable(error.getMessage()) + where_to_look(unit_)});
    }

    /// What goes on there cannot be seen: it must not count as done.
    void lost(const std::string& why)
    {
        end({false, "the connection to D-Bus was lost while unit " + unit_ + " was being started: " + printable(why) +
                        "; how it ended is not known" + where_to_look(unit_)});
    }

    void cancel_job()
    {
        guarded(
            [&]
            {
                cancelled_ = sdbus::createProxy(*connection_, service, job_);
                cancelled_->callMethodAsync("Cancel")
                    .onInterface(job_interface)
                    .uponReplyInvoke([](const sdbus::Error*) {});
            });
    }

    /// Posted, as we may be within a call of a proxy that goes with us.
    void end(UnitEnd how)
    {
        if (std::exchange(over_, true))
        {
            return;
        }
        if (referenced_)
        {
            release_unit();
        }
        boost::asio::post(*context_,
                          [weak = weak_from_this(), how = std::move(how)]
                          {
                              if (const auto self = weak.lock())
                              {
                                  self->tell(how);
                              }
                          });
    }

    void tell(const UnitEnd& how)
    {
        manager_.reset();
        properties_.reset();
        if (const UnitJob::Ended ended = std::exchange(ended_, nullptr))
        {
            ended(how);
        }
    }

    void release_unit()
    {
        try
        {
            call("UnrefUnit").withArguments(unit_).uponReplyInvoke([](const sdbus::Error*) {});
            bus_->used();
        }
        catch (const std::exception&)
        {
            referenced_ = false; // the connection is gone, and the reference with it
        }
    }

    boost::asio::io_context* context_;
    Bus* bus_;
    std::string unit_;
    std::string mode_;
    UnitJob::Ended ended_;                           ///< nullptr: told, or cancelled
    std::shared_ptr<sdbus::IConnection> connection_; ///< outlives the proxies
    std::unique_ptr<sdbus::IProxy> manager_;
    std::unique_ptr<sdbus::IProxy> properties_;
    std::unique_ptr<sdbus::IProxy> cancelled_;
    std::string job_; ///< its path; empty: not known yet
    std::map<std::string, std::string> early_;
    UnitFacts facts_;
    bool starting_{false};   ///< StartUnit has not been answered
    bool referenced_{false}; ///< systemd keeps the unit for us
    bool over_{false};
};

class SdbusUnitJob final : public UnitJob
{
  public:
    SdbusUnitJob(boost::asio::io_context& context, Bus& bus) : context_{&context}, bus_{&bus} {}
    SdbusUnitJob(const SdbusUnitJob&) = delete;
    SdbusUnitJob& operator=(const SdbusUnitJob&) = delete;
    ~SdbusUnitJob() override
    {
        cancel();
    }

    void start(const std::string& unit, const std::string& mode, Ended ended) override
    {
        cancel();
        run_ = std::make_shared<Run>(*context_, *bus_, unit, mode, std::move(ended));
        run_->begin();
    }

    void cancel() noexcept override
    {
        std::erase_if(leaving_, [](const auto& run) { return run->over(); });
        if (run_ != nullptr && !run_->cancel())
        {
            leaving_.push_back(run_);
        }
        run_.reset();
    }

  private:
    boost::asio::io_context* context_;
    Bus* bus_;
    std::shared_ptr<Run> run_;
    std::vector<std::shared_ptr<Run>> leaving_; ///< cancelled before systemd had told their job
};

} // namespace

std::unique_ptr<UnitJob> make_unit_job(boost::asio::io_context& context, Bus* bus)
{
    return bus == nullptr ? nullptr : std::make_unique<SdbusUnitJob>(context, *bus);
}

} // namespace fwupdate::agent::dbus
