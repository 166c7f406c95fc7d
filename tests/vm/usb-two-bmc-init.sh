#!/bin/sh
# The BMC of two machines: a gadget here hangs on usbip-vudc, which usbipd lends to the host over the network between them.
# shellcheck source=tests/vm/lib.sh
. /lib.sh
check "USB modules" modprobe -a virtio_pci virtio_net configfs libcomposite usb_f_mass_storage vfat nls_cp437 nls_ascii \
    nls_utf8 loop usbip-vudc
check "configfs" mount -t configfs configfs /sys/kernel/config
check "link to the host" network eth0 10.0.9.1
check "IPMI's network" network eth1 10.0.2.15
echo old >/run/bios.bin
start_agent
usbipd --device >/tmp/usbipd.log 2>&1 &
serve
