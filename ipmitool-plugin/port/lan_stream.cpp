#include "ipmitool-plugin/port/lan_stream.hpp"

#include "common/random.hpp"
#include "common/rmcpplus/session_cipher.hpp"
#include "transports/stream/host/lan_link.hpp"

#include <utility>

namespace fwupdate::plugin
{
namespace
{

using namespace std::chrono_literals;

constexpr Duration quiet = 20ms; ///< silence after which no late answer is expected
constexpr Duration drain_limit = 500ms;

class LanStream final : public client::StreamLink
{
  public:
    explicit LanStream(fwupdate_interface* interface) : interface_{interface} {}
    LanStream(const LanStream&) = delete;
    LanStream& operator=(const LanStream&) = delete;

    ~LanStream() override
    {
        if (link_)
        {
            link_->drain(quiet, link_->now() + drain_limit);
            fwupdate_shim_set_out_sequence(interface_, link_->next_sequence());
        }
    }

    Result<void> open(const fwupdate_lan_session& session)
    {
        auto cipher = rmcpplus::SessionCipher::create(
            static_cast<rmcpplus::IntegrityAlgorithm>(session.integrity),
            static_cast<rmcpplus::ConfidentialityAlgorithm>(session.confidentiality),
            ConstBytes{session.k1}.first(session.k1_length), ConstBytes{session.k2}.first(session.k2_length), random_);
        if (!cipher)
        {
            return cipher.error();
        }
        stream::LanSession lent;
        lent.descriptor = session.fd;
        lent.bmc_session_id = session.bmc_id;
        lent.console_session_id = session.console_id;
        lent.next_sequence = session.out_sequence;
        auto link = stream::LanLink::open(lent, std::move(*cipher));
        if (!link)
        {
            return link.error();
        }
        link_ = std::make_unique<stream::LanLink>(std::move(*link));
        return {};
    }

    [[nodiscard]] TimePoint now() const override
    {
        return link_->now();
    }
    [[nodiscard]] std::size_t batch() const override
    {
        return link_->batch();
    }
    [[nodiscard]] Result<void> send(std::span<const ConstBytes> messages) override
    {
        return link_->send(messages);
    }
    [[nodiscard]] Result<void> wait(TimePoint deadline, std::vector<ipmi::Response>& responses) override
    {
        return link_->wait(deadline, responses);
    }
    [[nodiscard]] std::optional<std::size_t> largest_message() const override
    {
        return link_->largest_message();
    }

  private:
    fwupdate_interface* interface_;
    SystemRandom random_;
    std::unique_ptr<stream::LanLink> link_;
};

} // namespace

std::unique_ptr<client::StreamLink> lend_session(fwupdate_interface* interface)
{
    fwupdate_lan_session session{};
    if (fwupdate_shim_lan_session(interface, &session) != 0)
    {
        return nullptr;
    }
    auto link = std::make_unique<LanStream>(interface);
    if (const Result<void> opened = link->open(session); !opened)
    {
        fwupdate_shim_log(FWUPDATE_LOG_INFO, ("one message at a time: " + opened.error().text).c_str());
        return nullptr;
    }
    return link;
}

} // namespace fwupdate::plugin
