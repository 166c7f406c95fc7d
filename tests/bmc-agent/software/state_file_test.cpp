#include "tests/bmc-agent/software/model_bench.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <fstream>
#include <sstream>

using namespace fwupdate;
using namespace fwupdate::agent::software;
using namespace fwupdate::agent::software::test;

namespace
{

/// Remembers the sentences.
class MemoryLog final : public agent::Log
{
  public:
    std::vector<std::string> sentences;

  private:
    void write(agent::Level /*level*/, std::string_view sentence, std::span<const agent::LogPair> /*pairs*/) override
    {
        sentences.emplace_back(sentence);
    }
};

SavedState sample()
{
    SavedState state;
    state.apply_time = ApplyTime::immediate;
    Version active;
    active.id = "7b7385fe";
    active.facts = facts_of("2.7.0-dev");
    active.facts.extended_version = "more";
    active.facts.compatible_names = {"a", "b"};
    active.activation = Activation::active;
    active.priority = std::uint8_t{3};
    Version waiting;
    waiting.id = "cpld_17";
    waiting.facts = facts_of("3", package::Purpose::host);
    waiting.facts.complete = false;
    waiting.image = {"/tmp/images/x", "/tmp/images/x/image.tar", nullptr};
    waiting.activation = Activation::invalid;
    waiting.requested = RequestedActivation::active;
    waiting.requested_priority = 9;
    state.versions = {active, waiting};
    return state;
}

std::string with(const std::string& piece, const std::string& replacement)
{
    std::string text = serialize(sample());
    const std::size_t at = text.find(piece);
    REQUIRE(at != std::string::npos);
    return text.replace(at, piece.size(), replacement);
}

} // namespace

TEST_CASE("what is saved comes back")
{
    const auto back = deserialize(serialize(sample()));
    REQUIRE(back);
    CHECK(back->apply_time == ApplyTime::immediate);
    REQUIRE(back->versions.size() == 2);
    const SavedState state = sample();
    for (std::size_t at = 0; at < 2; ++at)
    {
        const Version& former = state.versions.at(at);
        const Version& version = back->versions.at(at);
        CHECK(version.id == former.id);
        CHECK(version.facts == former.facts);
        CHECK(version.image.directory == former.image.directory);
        CHECK(version.image.file == former.image.file);
        CHECK(version.activation == former.activation);
        CHECK(version.requested == former.requested);
        CHECK(version.priority == former.priority);
        CHECK(version.requested_priority == former.requested_priority);
    }
    CHECK(serialize(*back) == serialize(state));
}

TEST_CASE("a file that is not what was written is damaged")
{
    const std::string text = serialize(sample());
    for (std::size_t length = 0; length + 2 < text.size(); ++length) // the line's end may be missing
    {
        CHECK_FALSE(deserialize(text.substr(0, length)));
    }
    const std::vector<std::pair<std::string, std::string>> faults{
        {"\"format\": 1", "\"format\": 2"},
        {"RequestedApplyTimes.Immediate", "RequestedApplyTimes.Never"},
        {"Activations.Active", "Activations.Quick"},
        {"\"7b7385fe\"", "\"../../etc\""},
        {"\"7b7385fe\"", "\"\""},
        {"\"7b7385fe\"", "\"cpld_17\""},
        {"\"priority\": 3", "\"priority\": 256"},
        {"\"priority\": 3", "\"priority\": -1"},
        {"\"priority\": 3", "\"priority\": \"3\""},
        {"\"2.7.0-dev\"", "\"\""},
        {"\"2.7.0-dev\"", "\"\\u001b\""},
        {"\"2.7.0-dev\"", "17"},
        {"VersionPurpose.Host", "VersionPurpose.Guest"},
        {"\"complete\": true", "\"complete\": 1"},
        {"\"versions\": [", "\"others\": ["},
    };
    for (const auto& fault : faults)
    {
        CAPTURE(fault.second);
        const auto read = deserialize(with(fault.first, fault.second));
        REQUIRE_FALSE(read);
        CHECK(read.error().kind == ErrorKind::integrity);
        CHECK_FALSE(read.error().text.empty());
    }
    CHECK_FALSE(deserialize("[]"));
    CHECK_FALSE(deserialize(R"({"format": 1, "apply_time": "x", "versions": {}})"));
}

TEST_CASE("more versions than there may be are damage")
{
    SavedState state;
    Version version = sample().versions.front();
    for (std::size_t count = 0; count <= 2 * SavedState::most_versions; ++count)
    {
        version.id = "v" + std::to_string(count);
        state.versions.push_back(version);
    }
    CHECK_FALSE(deserialize(serialize(state)));
}

TEST_CASE("the file: nothing yet, written, read again; written only when something changed")
{
    const fwupdate::test::TemporaryDirectory directory;
    const auto path = directory.path() / "versions.json";
    MemoryLog log;
    StateFile file{path, log};
    CHECK(file.load().versions.empty());
    file.save(sample());
    CHECK(StateFile{path, log}.load().versions.size() == 2);
    std::filesystem::remove(path);
    file.save(sample());
    CHECK_FALSE(std::filesystem::exists(path));
    SavedState other = sample();
    other.versions.pop_back();
    file.save(other);
    CHECK(StateFile{path, log}.load().versions.size() == 1);
    CHECK_FALSE(std::filesystem::exists(path.string() + ".new"));
    CHECK(log.sentences.empty());
}

TEST_CASE("a damaged file is told and begun anew; one that can't be written is told and tried again")
{
    const fwupdate::test::TemporaryDirectory directory;
    const auto path = directory.path() / "versions.json";
    std::ofstream{path} << "{";
    MemoryLog log;
    StateFile file{path, log};
    CHECK(file.load().versions.empty());
    CHECK(log.sentences == std::vector<std::string>{"The file of versions is damaged, a new one is begun"});
    StateFile nowhere{directory.path() / "missing" / "versions.json", log};
    nowhere.save(sample());
    CHECK(log.sentences.back() == "The file of versions can't be written");
    std::filesystem::create_directory(directory.path() / "missing");
    nowhere.save(sample());
    CHECK(nowhere.load().versions.size() == 2);
    std::filesystem::create_symlink(path, directory.path() / "link");
    CHECK(StateFile{directory.path() / "link", log}.load().versions.empty());
    CHECK(log.sentences.back() == "The file of versions can't be read, a new one is begun");
}
