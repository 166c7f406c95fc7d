// A host tool for flash blobs: on the wire it behaves as OpenBMC's burn_my_bmc with its interface ipmibt does, the same
// messages in the same order, the same pieces, pauses, retries and end. Shares no code with the agent, on purpose.
//
//   flash_client --image FILE --signature FILE --type NAME [--ignore-update]
//
// Exit status: 0; 255 when the update failed, 2 for wrong words.
#include "tests/interop/flash_host.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace
{

using namespace fwupdate::test;
using std::chrono::milliseconds;

constexpr int failed_status = 255;
constexpr int usage_status = 2;
constexpr std::size_t piece = 50;                ///< bytes of a file in one write: 64 on the wire
constexpr std::uint32_t told_each = 100 * piece; ///< bytes: silence would mean that it hangs
constexpr int attempts = 3;                      ///< of a commit that ends badly
constexpr milliseconds first_pause{50};          ///< between questions whether a commit has ended; then doubled
constexpr milliseconds longest_pause{1'000};     ///< up to this
constexpr milliseconds commit_time{30 * 60'000}; ///< for a commit
constexpr std::uint16_t for_writing = 0x0002;
constexpr std::uint16_t for_data = 0x0102; ///< for writing; the data comes by IPMI

/// What the tool itself finds wrong; a commit is tried again.
struct ToolError : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

/// The update, step by step.
class Tool
{
  public:
    void update(const std::string& image, const std::string& signature, const std::string& id, bool ignore_update)
    {
        for (const std::string& blob : blobs_.list())
        {
            if (blob.starts_with("/flash/active/"))
            {
                say("Something is under way: giving it up");
                blobs_.remove(blob);
                clean_up();
                break;
            }
        }
        const auto ids = blobs_.list();
        if (std::find(ids.begin(), ids.end(), id) == ids.end())
        {
            throw ToolError{"the BMC has no blob " + id};
        }
        send(id, image);
        send("/flash/hash", signature);
        repeated("Verification", [this] { commit("/flash/verify", false); });
        repeated("Update", [this, ignore_update] { commit("/flash/update", ignore_update); });
    }

    /// Never fails: something else has.
    void clean_up()
    {
        try
        {
            const std::uint16_t session = blobs_.open("/flash/cleanup", for_writing);
            blobs_.commit(session);
            blobs_.close(session);
        }
        catch (const BlobError& error)
        {
            say(std::string{"Cleaning up: "} + error.what());
        }
    }

  private:
    static void say(const std::string& text)
    {
        std::printf("%s\n", text.c_str());
        std::fflush(stdout);
    }

    /// A session is closed whatever happens.
    void in_session(std::string_view id, std::uint16_t flags, const std::function<void(std::uint16_t)>& work)
    {
        const std::uint16_t session = blobs_.open(id, flags);
        try
        {
            work(session);
        }
        catch (...)
        {
            blobs_.close(session);
            throw;
        }
        blobs_.close(session);
    }

    void send(const std::string& id, const std::string& file)
    {
        say("Sending " + file + " to " + id);
        std::ifstream stream{file, std::ios::binary};
        if (!stream)
        {
            throw ToolError{file + " cannot be opened"};
        }
        in_session(id, for_data,
                   [&](std::uint16_t session)
                   {
                       std::array<char, piece> bytes{};
                       std::uint32_t offset = 0;
                       while (stream.read(bytes.data(), bytes.size()), stream.gcount() > 0)
                       {
                           const auto size = static_cast<std::size_t>(stream.gcount());
                           blobs_.write(session, offset, {bytes.data(), size});
                           offset += static_cast<std::uint32_t>(size);
                           if (offset % told_each == 0)
                           {
                               say(std::to_string(offset) + " bytes");
                           }
                       }
                   });
    }

    void commit(std::string_view id, bool ignore_end)
    {
        in_session(id, for_writing,
                   [&](std::uint16_t session)
                   {
                       blobs_.commit(session);
                       if (!ignore_end)
                       {
                           wait(session);
                       }
                   });
    }

    void wait(std::uint16_t session)
    {
        const auto end = std::chrono::steady_clock::now() + commit_time;
        for (milliseconds pause = first_pause; std::chrono::steady_clock::now() < end;
             pause = std::min(2 * pause, longest_pause))
        {
            const HostBytes status = blobs_.metadata(session);
            if (status.size() != 1)
            {
                throw ToolError{"the status is not one byte"};
            }
            if (status[0] == 1)
            {
                return;
            }
            if (status[0] == 2)
            {
                throw ToolError{"failed"};
            }
            std::this_thread::sleep_for(pause);
        }
        throw ToolError{"takes too long"};
    }

    static void repeated(const std::string& what, const std::function<void()>& work)
    {
        for (int attempt = 1;; ++attempt)
        {
            try
            {
                work();
                say(what + ": success");
                return;
            }
            catch (const ToolError& error)
            {
                say(what + ": " + error.what());
                if (attempt == attempts)
                {
                    throw;
                }
            }
        }
    }

    HostBlobs blobs_;
};

struct Words
{
    std::string image;
    std::string signature;
    std::string type;
    bool ignore_update{false};
};

std::optional<Words> read(const std::vector<std::string>& arguments)
{
    Words words;
    for (auto word = arguments.begin(); word != arguments.end(); ++word)
    {
        std::string* const value = *word == "--image"       ? &words.image
                                   : *word == "--signature" ? &words.signature
                                   : *word == "--type"      ? &words.type
                                                            : nullptr;
        if (value != nullptr && std::next(word) != arguments.end())
        {
            *value = *++word;
        }
        else if (*word == "--ignore-update")
        {
            words.ignore_update = true;
        }
        else
        {
            return std::nullopt;
        }
    }
    const bool whole = !words.image.empty() && !words.signature.empty() && !words.type.empty();
    return whole ? std::optional{words} : std::nullopt;
}

int run(const Words& words)
{
    Tool tool;
    try
    {
        tool.update(words.image, words.signature, "/flash/" + words.type, words.ignore_update);
        return 0;
    }
    catch (const std::exception& error)
    {
        std::fprintf(stderr, "flash_client: %s\n", error.what());
        tool.clean_up();
        return failed_status;
    }
}

} // namespace

int main(int argc, char** argv)
{
    const auto words = read({argv + std::min(argc, 1), argv + argc});
    if (!words)
    {
        std::fprintf(stderr, "usage: flash_client --image FILE --signature FILE --type NAME [--ignore-update]\n");
        return usage_status;
    }
    try
    {
        return run(*words);
    }
    catch (const std::exception& error)
    {
        std::fprintf(stderr, "flash_client: %s\n", error.what());
        return failed_status;
    }
}
