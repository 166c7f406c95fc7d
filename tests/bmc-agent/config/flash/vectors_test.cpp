// The verdicts of the original over its 52 inputs, see vectors/README.md.
#include "bmc-agent/config/flash/flash_config.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <utility>

using namespace fwupdate::config::flash;

namespace
{

const std::filesystem::path vectors{SOURCE_DIR "/tests/bmc-agent/config/flash/vectors"};

/// What the original said of one input.
struct Verdict
{
    std::vector<std::string> loaded;
    std::size_t count{};
    std::size_t complaints{};
    bool throws{false};
};

bool complains(std::string_view line)
{
    return line.starts_with("Excepted building") || line.starts_with("Parsing json failed");
}

/// By folder. Complaints stand above the folder's name, or (a blob name with a line break) go on where they please.
std::map<std::string, Verdict> read_verdicts()
{
    std::map<std::string, Verdict> verdicts;
    Verdict* verdict = nullptr;
    std::size_t complaints = 0;
    std::ifstream file{vectors / "results.txt"};
    constexpr std::string_view loaded = "  loaded ";
    constexpr std::string_view count = "  count=";
    for (std::string line; std::getline(file, line);)
    {
        complaints += complains(line) ? 1 : 0;
        if (line.starts_with("# "))
        {
            verdict = &verdicts[line.substr(2)];
            verdict->complaints = std::exchange(complaints, 0);
        }
        else if (verdict != nullptr && line.starts_with(loaded))
        {
            verdict->loaded.push_back(line.substr(loaded.size()));
        }
        else if (verdict != nullptr && line.starts_with(count))
        {
            verdict->count = std::stoul(line.substr(count.size()));
        }
        else if (verdict != nullptr && line.starts_with("  THROW"))
        {
            verdict->throws = true;
        }
    }
    return verdicts;
}

/// As results.txt writes actions.
struct Printed
{
    std::string operator()(const Skip& /*skip*/) const
    {
        return "skip";
    }
    std::string operator()(const Systemd& job) const
    {
        return "systemd(" + job.unit + "," + job.mode + ")";
    }
    std::string operator()(const FileSystemd& action) const
    {
        return "file(" + action.path.string() + "," + action.job.unit + "," + action.job.mode + ")";
    }
    std::string operator()(const Reboot& /*reboot*/) const
    {
        return (*this)(Systemd{std::string{Reboot::unit}, std::string{Reboot::mode}});
    }
};

std::vector<std::string> printed(const FlashConfig& config)
{
    std::vector<std::string> lines;
    for (const auto* const list : {&config.blobs, &config.set_aside})
    {
        for (const FlashBlob& blob : *list)
        {
            lines.push_back(blob.blob + " prep=" + std::visit(Printed{}, blob.preparation) + " verify=" +
                            std::visit(Printed{}, blob.verification) + " update=" + std::visit(Printed{}, blob.update));
        }
    }
    return lines;
}

/// The vectors where nobody but us may write, and with the empty directory that no repository holds.
class Inputs
{
  public:
    Inputs()
    {
        std::filesystem::copy(vectors, directory_.path(), std::filesystem::copy_options::recursive);
        std::filesystem::create_directory(directory_.path() / "48-empty");
        for (const auto& entry : std::filesystem::recursive_directory_iterator{directory_.path()})
        {
            std::filesystem::permissions(entry.path(), std::filesystem::perms::others_write,
                                         std::filesystem::perm_options::remove);
        }
    }
    [[nodiscard]] std::filesystem::path at(std::string_view folder) const
    {
        return folder.starts_with('/') ? std::filesystem::path{folder} : directory_.path() / folder;
    }
    [[nodiscard]] std::set<std::string> folders() const
    {
        std::set<std::string> names{"/nonexistent-dir"};
        for (const auto& entry : std::filesystem::directory_iterator{directory_.path()})
        {
            const std::string name = entry.path().filename().string();
            if (name != "results.txt" && name != "README.md")
            {
                names.insert(name);
            }
        }
        return names;
    }

  private:
    fwupdate::test::TemporaryDirectory directory_;
};

} // namespace

TEST_CASE("the original's verdict, entry by entry")
{
    const Inputs inputs;
    const auto verdicts = read_verdicts();
    REQUIRE(verdicts.size() == 53);
    for (const auto& entry : verdicts)
    {
        const std::string& folder = entry.first;
        const Verdict& verdict = entry.second;
        CAPTURE(folder);
        const FlashConfig config = load({inputs.at(folder)});
        CHECK(printed(config) == verdict.loaded);
        CHECK(verdict.loaded.size() == verdict.count);
        CHECK((verdict.complaints != 0 || verdict.throws) == !config.mistakes.empty());
    }
}

TEST_CASE("every input has a verdict")
{
    const Inputs inputs;
    std::set<std::string> judged;
    for (const auto& [folder, verdict] : read_verdicts())
    {
        judged.insert(folder);
    }
    CHECK(judged == inputs.folders());
}

TEST_CASE("what the original takes without a word although it is odd is taken with a warning")
{
    const Inputs inputs;
    const std::set<std::string> odd{
        "05-top-null",        "15-blob-reserved-hash", "21-path-relative-empty", "24-mode",
        "27-mode-bogus",      "33-file-both",          "34-file-nopath",         "35-all-skip",
        "36-skip-extra-keys", "37-unknown-top-keys",   "38-reboot-extra",        "44-dup-blob",
        "49-dup-keys"};
    for (const auto& entry : read_verdicts())
    {
        const std::string& folder = entry.first;
        CAPTURE(folder);
        CHECK(load({inputs.at(folder)}).warnings.empty() == !odd.contains(folder));
    }
}
