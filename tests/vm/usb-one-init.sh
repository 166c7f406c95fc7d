#!/bin/sh
# One machine that is host and BMC: the agent in it serves the machine's own IPMI interface, which comes back to it through
# QEMU and the network card, and the gadget it makes hangs on dummy_hcd, which is a host controller of the same kernel.
# shellcheck source=tests/vm/lib.sh
. /lib.sh
# shellcheck source=tests/vm/usb.sh
. /usb.sh
echo old >/run/bios.bin
check "USB modules" modprobe -a virtio_pci virtio_net configfs libcomposite usb_f_mass_storage sd_mod vfat nls_cp437 \
    nls_ascii nls_utf8 loop dummy_hcd
check "usb-storage" modprobe usb-storage delay_use=0
check "configfs" mount -t configfs configfs /sys/kernel/config
check "network" network eth0 10.0.2.15
start_agent
check "the agent has its host" wait_for 30 grep -q "Host connected" "$agent_log"
host_interface
serve
