// The C side of the shim for tests that need none of it.
#include "ipmitool-plugin/shim/fwupdate_shim.h"

void fwupdate_shim_facts(fwupdate_interface*, fwupdate_facts*) {}
int fwupdate_shim_exchange(fwupdate_interface*, uint8_t, uint8_t, const uint8_t*, uint16_t, int, int,
                           fwupdate_response*)
{
    return -1;
}
int fwupdate_shim_lan_session(fwupdate_interface*, fwupdate_lan_session*)
{
    return -1;
}
void fwupdate_shim_set_out_sequence(fwupdate_interface*, uint32_t) {}
int fwupdate_shim_reopen(fwupdate_interface*, int)
{
    return -1;
}
void fwupdate_shim_forget_session(fwupdate_interface*) {}
void fwupdate_shim_log(fwupdate_log_level, const char*) {}
int fwupdate_shim_interrupted(void)
{
    return 0;
}
