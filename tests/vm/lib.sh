# shellcheck shell=sh
# What every init begins with: file systems, and the words of the scripts. Sourced; runs in busybox.
export PATH=/usr/bin:/usr/sbin:/bin:/sbin HOME=/root LC_ALL=C
/bin/busybox mkdir -p /bin /sbin
/bin/busybox --install -s
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
# shellcheck source=tests/vm/words.sh
. /words.sh
ifconfig lo 127.0.0.1 up
echo "init begins" >/dev/kmsg # what came before is the emulated machine's affair

# network DEVICE ADDRESS: brings a card up.
network()
{
    wait_for 10 test -e "/sys/class/net/$1" && ifconfig "$1" "$2" netmask 255.255.255.0 up
}

# host_interface: the driver of the IPMI interface. It looks for a BMC once: let the agent be connected before.
host_interface()
{
    check "IPMI modules" modprobe -a ipmi_si ipmi_devintf &&
        check "/dev/ipmi0" wait_for 10 test -e /dev/ipmi0
}

# start_agent: bmc-agent with the configuration of the machine; everything it says is in $agent_log.
agent_log=/tmp/agent.log
start_agent()
{
    bmc-agent --config /etc/bmc-agent.conf >>"$agent_log" 2>&1 &
    check "the agent is ready" wait_for 20 grep -q "info: Ready" "$agent_log"
}
