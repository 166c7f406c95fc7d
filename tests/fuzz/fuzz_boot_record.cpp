// What lies where a boot record should, and what programs print that tell of slots: a record that is written back the
// same, or a refusal.
#include "bmc-agent/targets/boot_record.hpp"
#include "bmc-agent/targets/running_slot.hpp"
#include "bmc-agent/targets/said_variables.hpp"
#include "common/bytes.hpp"
#include "common/sha256.hpp"

#include <cstdlib>

using namespace fwupdate;
using namespace fwupdate::agent;

namespace
{

void require(bool condition)
{
    if (!condition)
    {
        std::abort();
    }
}

void check_record(const std::string& text)
{
    const auto record = BootRecord::parse(text);
    if (!record)
    {
        require(record.error().kind == ErrorKind::integrity && printable(record.error().text) == record.error().text);
        return;
    }
    require(!record->chosen.empty() && !record->good.empty());
    const auto again = BootRecord::parse(record->line());
    require(again.has_value() && *again == *record);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string text = as_text({data, size});
    check_record(text);
    const std::string words = text.substr(0, text.find('\n')); // no input would find the right sum by itself
    check_record(words + " sum=" + to_hex(sha256(as_bytes(words))).substr(0, 16));
    for (const auto& value : {said_value(text, "chosen"), argument_in(text, "slot")})
    {
        require(!value || value->find('\n') == std::string::npos);
    }
    static_cast<void>(said_flag(text, "provisional"));
    return 0;
}
