#!/bin/sh
# The host of two machines: vhci-hcd is where usbip plugs in what the BMC lends.
# shellcheck source=tests/vm/lib.sh
. /lib.sh
# shellcheck source=tests/vm/usb.sh
. /usb.sh
check "USB modules" modprobe -a virtio_pci virtio_net vhci-hcd sd_mod vfat nls_cp437 nls_ascii nls_utf8
check "usb-storage" modprobe usb-storage delay_use=0
check "link to the BMC" network eth0 10.0.9.2
check "the BMC on the link" wait_for 10 ping -c 1 -W 1 10.0.9.1
host_interface

# The port: what the BMC shows is plugged in; what is plugged in already is refused, which is no fault.
while true; do
    usbip attach -r 10.0.9.1 -d usbip-vudc.0
    usleep 200000
done >/tmp/port.log 2>&1 &
serve
