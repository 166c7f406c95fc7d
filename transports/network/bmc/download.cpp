#include "transports/network/bmc/download.hpp"

#include "transports/network/bmc/explain.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace fwupdate::network
{
namespace
{

namespace asio = boost::asio;
using namespace std::chrono_literals;
using protocol::ReasonCode;

/// Between two looks at the speed, and at what curl would not look at by itself: libcurl 7.88 waits for FTP's TLS data
/// connection when it should wait for the control connection, so every step there would take as long as this.
Duration look_interval(Scheme scheme)
{
    return scheme == Scheme::ftps ? 100ms : 1s;
}

bool wants_nudges(Scheme scheme)
{
    return scheme == Scheme::tftp || scheme == Scheme::ftps;
}

Problem refused(std::string text)
{
    return {{ReasonCode::uri_refused, std::move(text)}, Remedy::none, std::nullopt};
}

} // namespace

Download::Download(asio::io_context& context, std::shared_ptr<const Settings> settings, transports::FetchOrder order,
                   Uri uri, transports::FetchSink& sink, Note note, std::function<void()> ended)
    : context_{context},
      settings_{std::move(settings)},
      order_{std::move(order)},
      origin_{uri},
      uri_{std::move(uri)},
      sink_{&sink},
      note_{std::move(note)},
      ended_{std::move(ended)},
      timer_{context},
      loop_{context, [this](CURL*, CURLcode code)
            {
                if (sink_ != nullptr)
                {
                    transfer_->finish(code);
                }
            }}
{
}

void Download::begin()
{
    if (sink_ != nullptr)
    {
        ask();
    }
}

void Download::stop()
{
    sink_ = nullptr;
    timer_.cancel();
    if (!loop_.is_running())
    {
        transfer_.reset();
    }
}

Question Download::question() const
{
    Question question{sink_->present(), total_, validator_, sink_->knows_digest(), uri_.shown()};
    if (whole_only_ || uri_.scheme() == Scheme::tftp || !may_resume(question))
    {
        question.offset = 0;
    }
    return question;
}

/// Of 4Dh, of the URI, or of the configuration; for the host they were meant for.
std::optional<transports::Credentials> Download::credentials() const
{
    const auto configured = std::ranges::find(settings_->credentials, uri_.host(), &HostCredentials::host);
    if (origin_.may_share_credentials_with(uri_))
    {
        if (order_.credentials)
        {
            return order_.credentials;
        }
        if (origin_.credentials())
        {
            return origin_.credentials();
        }
    }
    const bool asked_for = redirects_ == 0 || origin_.may_share_credentials_with(uri_);
    return asked_for && configured != settings_->credentials.end() ? std::optional{configured->credentials}
                                                                   : std::nullopt;
}

void Download::ask()
{
    transfer_.reset();
    TransferListener& listener = *this;
    transfer_ = std::make_unique<Transfer>(loop_, *settings_,
                                           TransferOrder{uri_, question(), order_.tls_pin, credentials(),
                                                         origin_.may_share_credentials_with(uri_), whole_only_},
                                           listener);
    speed_.emplace(settings_->limits, Clock::now());
    watch();
}

void Download::watch()
{
    timer_.expires_after(look_interval(uri_.scheme()));
    timer_.async_wait(
        [weak = weak_from_this()](const boost::system::error_code& error)
        {
            const auto self = weak.lock();
            if (error || !self || self->sink_ == nullptr)
            {
                return;
            }
            if (const auto why = self->speed_->look(Clock::now()))
            {
                self->fail({{ReasonCode::transfer_timeout, self->uri_.shown() + ": " + *why}, Remedy::repeat, {}});
                return;
            }
            self->watch();
            if (wants_nudges(self->uri_.scheme()))
            {
                self->loop_.nudge();
            }
        });
}

bool Download::answered(const Answer& answer)
{
    const auto verdict = judge(answer, transfer_->order().question);
    if (const auto* taken = std::get_if<Take>(&verdict))
    {
        return take(*taken, answer);
    }
    if (const auto* redirected = std::get_if<Redirect>(&verdict))
    {
        next([location = redirected->location](Download& self) { self.redirect(location); });
    }
    else
    {
        next([problem = std::get<Problem>(verdict)](Download& self) { self.fail(problem); });
    }
    return false;
}

bool Download::take(const Take& take, const Answer& answer)
{
    const TimePoint now = Clock::now();
    validator_ = answer.validator;
    if (take.total && !total_)
    {
        total_ = take.total;
        if (!sink_->expect(*take.total, now))
        {
            drop_sink();
            return false;
        }
    }
    position_ = take.offset;
    if (!sink_->go_on_at(take.offset, now))
    {
        drop_sink();
        return false;
    }
    return true;
}

bool Download::received(ConstBytes bytes)
{
    const TimePoint now = Clock::now();
    speed_->note(bytes.size(), now);
    any_byte_ = true;
    position_ += bytes.size();
    if (position_ > furthest_) // what came before already is no progress
    {
        since_failure_ += position_ - furthest_;
        furthest_ = position_;
    }
    if (!sink_->accept(bytes, now))
    {
        drop_sink();
        return false;
    }
    return sink_ != nullptr;
}

/// The sink itself has ended it.
void Download::drop_sink()
{
    if (std::exchange(sink_, nullptr) != nullptr)
    {
        timer_.cancel();
        ended_();
    }
}

void Download::ended(const TransferEnd& end)
{
    if (end.code == CURLE_OK)
    {
        finish({});
        return;
    }
    fail(explain(end, transfer_->order(), *settings_));
}

/// Out of curl's callbacks first.
void Download::next(std::function<void(Download&)> step)
{
    timer_.cancel();
    asio::post(context_,
               [weak = weak_from_this(), step = std::move(step)]
               {
                   if (const auto self = weak.lock(); self && self->sink_ != nullptr)
                   {
                       step(*self);
                   }
               });
}

void Download::redirect(const std::string& location)
{
    auto target = Uri::parse(location);
    if (!target)
    {
        fail(refused(uri_.shown() + " redirects to where nothing is fetched from: " + target.error().text));
        return;
    }
    const bool same_kind = target->scheme() == uri_.scheme();
    const bool upgrade = uri_.scheme() == Scheme::http && target->scheme() == Scheme::https;
    const auto admitted = settings_->rules.admit_host(target->host());
    const std::string what = uri_.shown() + " redirects to " + target->shown();
    if (!same_kind && !upgrade)
    {
        fail(refused(what + ", which is of another scheme: only from http to https"));
    }
    else if (std::ranges::find(settings_->schemes, target->scheme()) == settings_->schemes.end())
    {
        fail(refused(what + ", a scheme that this BMC's configuration does not allow"));
    }
    else if (!admitted)
    {
        fail(refused(what + ": " + admitted.error().text));
    }
    else if (++redirects_ > most_redirects)
    {
        fail(refused(what + ", which is one redirect too many"));
    }
    else
    {
        uri_ = std::move(*target);
        validator_.clear();
        ask();
    }
}

void Download::fail(Problem problem)
{
    transfer_.reset();
    timer_.cancel();
    const bool began = any_byte_ || problem.failure.code == ReasonCode::server_failed || may_be_lost(problem);
    if (problem.remedy == Remedy::begin_anew && !std::exchange(whole_only_, true))
    {
        note_(problem.failure.text + "; it is fetched from its beginning");
        ask();
    }
    else if (problem.remedy == Remedy::none || !began)
    {
        finish(std::move(problem.failure));
    }
    else
    {
        try_again(std::move(problem));
    }
}

/// TFTP has no connection: what was lost may have been the first packets alone.
bool Download::may_be_lost(const Problem& problem) const
{
    return uri_.scheme() == Scheme::tftp && problem.failure.code == ReasonCode::transfer_timeout &&
           Clock::now() - begun_ < settings_->limits.connect_timeout;
}

void Download::try_again(Problem problem)
{
    failures_ = since_failure_ >= worth_a_try ? 1 : failures_ + 1;
    since_failure_ = 0;
    if (failures_ > settings_->limits.retries)
    {
        problem.failure.text += "; that was the end of " + std::to_string(failures_) + " tries without progress";
        finish(std::move(problem.failure));
        return;
    }
    uri_ = origin_; // a redirect's target may have been for once
    redirects_ = 0;
    const Duration wait = std::clamp<Duration>(problem.retry_after.value_or(0s), back_off(failures_), 30s);
    note_(problem.failure.text + "; next try in " +
          std::to_string(std::chrono::duration_cast<std::chrono::seconds>(wait).count()) + " s");
    timer_.expires_after(wait);
    timer_.async_wait(
        [weak = weak_from_this()](const boost::system::error_code& error)
        {
            const auto self = weak.lock();
            if (!error && self && self->sink_ != nullptr)
            {
                self->ask();
            }
        });
}

void Download::finish(transports::FetchResult result)
{
    if (transports::FetchSink* const sink = std::exchange(sink_, nullptr))
    {
        timer_.cancel();
        const auto keep = shared_from_this();
        ended_();
        sink->finished(std::move(result), Clock::now());
    }
}

} // namespace fwupdate::network
