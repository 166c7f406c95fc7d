#include "bmc-agent/verification/check_table.hpp"

#include "bmc-agent/verification/slot_check.hpp"

namespace fwupdate::agent
{

CheckChain make_checks(const CheckParts& parts)
{
    CheckChain checks;
    checks.push_back(make_size_check(parts.max_image_size));
    checks.push_back(make_digest_check());
    checks.push_back(
        make_signature_check(parts.settings, parts.places.trust, parts.clock)); // before anything is parsed
    checks.push_back(make_form_check(parts.places));
    checks.push_back(make_vouching_check(parts.settings, parts.log));
    checks.push_back(make_machine_check(parts.settings, parts.places.machine));
    checks.push_back(make_version_check(parts.settings, parts.places, parts.floors));
    checks.push_back(make_slot_check());
    return checks;
}

} // namespace fwupdate::agent
