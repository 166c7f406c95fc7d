#!/bin/sh
# One machine that is host and BMC: ipmi_si -> QEMU's KCS or BT -> a virtio-serial port -> pseudo_host_device, which serves
# /dev/NAME -> the agent in it. Kernel's command line: interface=kcs|bt name=NAME. Device, agent and the host's driver are
# left to the script.
# shellcheck source=tests/vm/lib.sh
. /lib.sh
interface=$(karg interface)
name=$(karg name)
device_log=/tmp/device.log

port_there()
{
    port=$(grep -lx host /sys/class/virtio-ports/*/name) && port=/dev/$(basename "$(dirname "$port")") && [ -c "$port" ]
}

start_device()
{
    pseudo_host_device "$interface" "$name" "$port" >>"$device_log" 2>&1 &
    wait_for 10 test -c "/dev/$name"
}

kill_device()
{
    killall -9 pseudo_host_device && wait_for 10 test ! -e "/dev/$name"
}

# agent_said PATTERN LINE: from this line of its log on.
agent_said()
{
    tail -n "+$2" "$agent_log" | grep -Eq "$1"
}

check "modules" modprobe -a virtio_pci virtio_console cuse
check "/dev/cuse" wait_for 10 test -c /dev/cuse
check "the port to the host" wait_for 10 port_there
serve
