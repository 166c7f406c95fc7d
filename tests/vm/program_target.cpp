// A target's handler, driven for real from a command line: by the test that looks at the device with other tools.
//   program_target --type mtd --path mtd:bios IMAGE           programs it; prints how far it came
//   program_target --type mtd --path mtd:bios --installed N   prints the digest of the N bytes that are installed
#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/targets/target.hpp"

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

using namespace fwupdate;
using namespace fwupdate::agent;

namespace
{

struct Order
{
    config::Target target;
    std::string image;
    std::uint64_t kill_at{};   ///< steps; 0: never
    std::uint64_t installed{}; ///< bytes; 0: program
};

int fail_with(const std::string& text)
{
    std::fprintf(stderr, "program_target: %s\n", text.c_str());
    return 1;
}

Result<Sha256> digest_of(const package::ByteSource& bytes)
{
    Sha256Hasher hasher;
    Bytes slice(64UL * 1024);
    for (std::uint64_t offset = 0; offset < bytes.size; offset += slice.size())
    {
        slice.resize(std::min<std::uint64_t>(slice.size(), bytes.size - offset));
        if (const auto read = bytes.read(offset, slice); !read)
        {
            return read.error();
        }
        hasher.update(slice);
    }
    return hasher.digest();
}

int show_installed(Target& target, std::uint64_t size)
{
    target.installed().expect(size);
    while (target.installed().wants_work())
    {
        target.installed().work();
    }
    if (!target.installed().get())
    {
        return fail_with("what is installed is not known");
    }
    std::printf("%s\n", to_hex(target.installed().get()->sha256).c_str());
    return 0;
}

int program(TargetHandler& handler, const Order& order)
{
    const auto image = file_content(order.image);
    const auto bytes = image ? image->open() : Result<package::ByteSource>{fail(ErrorKind::not_found, "no image")};
    const auto digest = bytes ? digest_of(*bytes) : Result<Sha256>{bytes.error()};
    const auto begun = digest ? handler.begin({*bytes, *digest}) : Result<void>{digest.error()};
    Result<bool> finished = begun ? Result<bool>{false} : Result<bool>{begun.error()};
    std::uint64_t steps = 0;
    while (finished && !*finished)
    {
        if (++steps == order.kill_at)
        {
            ::kill(::getpid(), SIGKILL);
        }
        finished = handler.step();
    }
    std::printf("%llu steps, %llu of %llu bytes; %s%s\n", static_cast<unsigned long long>(steps),
                static_cast<unsigned long long>(handler.done()), static_cast<unsigned long long>(handler.total()),
                handler.remark().c_str(), handler.holds_neither() ? "; holds neither" : "");
    return finished ? 0 : fail_with(finished.error().text);
}

} // namespace

int main(int argc, char** argv)
{
    Order order;
    CLI::App app{"Programs a target as the agent does"};
    app.add_option("image", order.image);
    app.add_option("--type", order.target.type)->required();
    app.add_option("--path", order.target.path)->required();
    app.add_option("--offset", order.target.offset);
    app.add_option("--size", order.target.size);
    app.add_option("--kill-at", order.kill_at, "kill itself (SIGKILL) before this step");
    app.add_option("--installed", order.installed, "bytes that are installed");
    CLI11_PARSE(app, argc, argv);
    if (!is_handler_type(order.target.type))
    {
        return fail_with("no such type");
    }
    Target target{order.target};
    return order.installed != 0 ? show_installed(target, order.installed) : program(target.handler(), order);
}
