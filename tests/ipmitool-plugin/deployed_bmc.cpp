#include "tests/ipmitool-plugin/deployed_bmc.hpp"

#include "common/sha256.hpp"

#include <algorithm>

namespace fwupdate::test
{
namespace
{

using ipmi::CompletionCode;

ipmi::Response code(std::uint8_t value)
{
    return {static_cast<CompletionCode>(value), {}};
}

ipmi::Response ok(Bytes data = {})
{
    return {CompletionCode::ok, std::move(data)};
}

} // namespace

Result<ipmi::Response> DeployedBmc::exchange(ipmi::NetFn net_fn, std::uint8_t command, ConstBytes data,
                                             client::Patience patience)
{
    const bool ours = net_fn == ipmi::NetFn::firmware;
    const Loss loss = ours && on_command ? on_command(command) : Loss::none;
    repeated_a_write = repeated_a_write || (ours && command == 0x2C && patience.tries != 1);
    if (!alive_ || loss == Loss::request)
    {
        return fail(ErrorKind::timeout, "no answer");
    }
    if (!ours)
    {
        return device_id();
    }
    seen.emplace_back(command, Bytes{data.begin(), data.end()});
    ipmi::Response response = serve(command, data);
    if (loss == Loss::answer || !alive_)
    {
        return fail(ErrorKind::timeout, "no answer");
    }
    return response;
}

Result<void> DeployedBmc::reopen(int)
{
    if (reopen_failures-- > 0)
    {
        return fail(ErrorKind::timeout, "no session");
    }
    alive_ = true;
    return {};
}

void DeployedBmc::restart()
{
    alive_ = false;
    in_mode = false;
    status = 0x00;
    percent = 0;
    integrity = 0;
    flags = 0;
    options = 0;
    staged.clear();
}

ipmi::Response DeployedBmc::device_id()
{
    const std::uint8_t minor = restarted_ && version_changes ? 0x24 : 0x23;
    return ok({0x20, 0x01, 0x01, minor, 0x02, 0xBF, 0x57, 0x01, 0x00, 0x7B, 0x00});
}

ipmi::Response DeployedBmc::serve(std::uint8_t command, ConstBytes data)
{
    switch (command)
    {
    case 0x22:
        return serves_22 ? ok({3, 1, 0x80, 0, 0, 0, 3, 0x00, 0xC8, 0, 0, 0, 0, 0, 0, 0}) : code(0xC1);
    case 0x26:
        return ok({9, 8, 7, 6, 5, 4, 3, 2});
    case 0x27:
        if (in_mode)
        {
            return code(0xC0);
        }
        in_mode = true;
        status = 0x02; // already download, before start
        return ok();
    case 0x28:
        if (!in_mode)
        {
            return code(0xCC);
        }
        in_mode = false;
        alive_ = !restarts || status != 0x05;
        restarted_ = restarts && status == 0x05;
        status = 0x0F;
        return ok();
    case 0x29:
        return control(data);
    case 0x2A:
        // Its percentage is a timer; "ready" comes when activation is asked for.
        if (status == 0x03 || status == 0x04)
        {
            percent = static_cast<std::uint8_t>(std::min(100, percent + 5));
            if (++polls_ % 3 == 0)
            {
                ++status;
            }
            activated = status == 0x05 ? staged : activated;
            restarted_ = restarts_unseen && status == 0x05;
            if (restarted_)
            {
                restart();
            }
        }
        return ok({status, percent, integrity});
    case 0x2B:
        if (data.size() < 2 || (data[0] & 0xF8) != 0)
        {
            return code(0xCC);
        }
        options = static_cast<std::uint8_t>((options & ~data[0]) | (data[0] & data[1]));
        if ((data[0] & data[1] & 0x04) != 0)
        {
            std::ranges::copy(data.subspan(2), wanted_.begin());
            integrity = 0x01;
        }
        return ok({static_cast<std::uint8_t>(data[0] & 0x04)}); // echoes the mask bit
    case 0x2C:
        if (data.empty())
        {
            return code(0xC7);
        }
        if (!in_mode || status != 0x02)
        {
            return code(0xD5);
        }
        if (staged.size() + data.size() > limit)
        {
            return code(0xCC);
        }
        longest_write = std::max(longest_write, data.size());
        staged.insert(staged.end(), data.begin(), data.end()); // blindly
        return ok({static_cast<std::uint8_t>(data.size()), static_cast<std::uint8_t>(data.size() >> 8), 0, 0});
    case 0x40:
        return command_40.empty() ? code(0xC1) : ok({command_40.begin(), command_40.end()});
    default:
        return code(0xC1);
    }
}

ipmi::Response DeployedBmc::control(ConstBytes data)
{
    switch (data.empty() ? 0xFF : data[0])
    {
    case 0:
        break;
    case 1:
        flags = 0x01;
        staged.clear();
        status = 0x02;
        ++starts;
        break;
    case 2:
        if (status != 0x02)
        {
            return code(0xD5);
        }
        if ((options & 0x04) != 0 && sha256(staged) != wanted_)
        {
            integrity = 0xE2;
            return code(0xFF);
        }
        integrity = 0x02;
        flags |= 0x02;
        status = 0x03;
        break;
    case 3:
        flags |= 0x04;
        break;
    default:
        return code(0xCC);
    }
    return ok({flags});
}

} // namespace fwupdate::test
