#!/bin/sh
# /init of a virtual machine that is host and BMC at once: ipmi_si, QEMU's KCS or BT device, a virtio-serial port, the
# pseudo-device, the agent. Kernel's command line: interface=kcs|bt. The last line tells: RESULT ok or RESULT failed.
export PATH=/bin:/sbin:/usr/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp

fail=0
check() # TEXT COMMAND...
{
    checked=$1
    shift
    if "$@"; then
        echo "PASS $checked, $(cut -d' ' -f1 /proc/uptime) s"
    else
        echo "FAIL $checked"
        fail=1
    fi
}
finish()
{
    [ "$fail" = 0 ] || cat /tmp/agent.log /tmp/pseudo.log
    dmesg | grep -iE 'ipmi|cuse|fuse'
    [ "$fail" = 0 ] && echo "RESULT ok" || echo "RESULT failed"
    sync
    poweroff -f
}
wait_for() # SECONDS COMMAND...
{
    tries=$(($1 * 10))
    shift
    while [ "$tries" -gt 0 ]; do
        "$@" && return 0
        usleep 100000
        tries=$((tries - 1))
    done
    return 1
}
interface=$(sed -n 's/.*interface=\([a-z]*\).*/\1/p' /proc/cmdline)
case $interface in
kcs) name=ipmi-kcs3 ;;
bt) name=ipmi-bt-host ;;
*)
    check "the kernel's command line has an interface" false
    finish
    ;;
esac

while read -r module; do
    [ "$module" = ipmi_si.ko ] || insmod "/modules/$module" || check "insmod $module" false
done </modules.list
ip link set lo up

said() # TEXT [TIMES]: the agent's log has it so often, else at least once
{
    times=$(grep -c "$1" /tmp/agent.log)
    [ "${2:-}" = "" ] && [ "$times" -gt 0 ] || [ "$times" = "${2:-}" ]
}
port_there()
{
    port=$(grep -l host /sys/class/virtio-ports/*/name | head -n 1) && port=/dev/$(basename "$(dirname "$port")")
    [ -c "$port" ]
}
start_device()
{
    pseudo_host_device "$interface" "$name" "$port" 2>>/tmp/pseudo.log &
    device=$!
    wait_for 10 test -c "/dev/$name"
}
stop_device()
{
    kill -9 "$device"
    wait "$device" 2>/dev/null
    wait_for 10 test ! -e "/dev/$name"
}
refused() # TEXT COMMAND...: it fails, and says so
{
    text=$1
    shift
    "$@" >/tmp/refused 2>&1 && return 1
    grep -q "$text" /tmp/refused
}
not() # COMMAND...
{
    ! "$@"
}
start_agent()
{
    bmc-agent --config /bmc-agent.conf 2>>/tmp/agent.log &
    agent=$!
}
update() # IMAGE
{
    ipmitool -I open fwupdate install "$1" yes >/tmp/update 2>&1 && cmp "$1" /srv/target.bin && return 0
    cat /tmp/update
    return 1
}

# The pseudo-device itself: a response that nobody waits for is refused, as the driver does.
wait_for 10 port_there
check "the pseudo-device comes" start_device
if [ "$interface" = kcs ]; then
    printf '\034\001\000' >/tmp/response
    check "EINVAL without a request" refused "Invalid argument" dd if=/tmp/response of=/dev/$name
fi
check "the pseudo-device goes" stop_device

# The agent starts before its device is there.
mkdir -p /srv /var/lib/bmc-agent
chmod 700 /var/lib/bmc-agent
echo not-a-secret >/password
chmod 600 /password
cat >/bmc-agent.conf <<END
{"lan": {"listen": ["127.0.0.1:0"]},
 "users": [{"name": "admin", "password_file": "/password", "privilege": "administrator"}],
 "system_interfaces": [{"type": "$interface", "device": "/dev/$name"}],
 "staging": {"directory": "/var/lib/bmc-agent", "max_image_size": "16MiB"}, "log_level": "debug",
 "targets": [{"id": 1, "name": "bios", "type": "file", "path": "/srv/target.bin", "restart": {"what": "nothing"}}]}
END
dd if=/dev/urandom of=/first.bin bs=1k count=300 2>/dev/null
dd if=/dev/urandom of=/second.bin bs=1k count=300 2>/dev/null
start_agent
check "the agent runs without the device" wait_for 20 said "Ready"
check "... and says what is missing" said "No such file or directory"
start_device
check "the agent finds the device" wait_for 10 said "Host's device opened"
check "... having told of it once" said "No such file or directory" 1
check "EBUSY for a second program" refused "Device or resource busy" dd if=/dev/$name bs=1000 count=1

insmod /modules/ipmi_si.ko
check "/dev/ipmi0" wait_for 20 test -c /dev/ipmi0
check "mc info" ipmitool -I open mc info
check "channel info" ipmitool -I open channel info
check "install" update /first.bin
if [ "$interface" = kcs ]; then
    kill -USR1 "$device"
    check "a request that the host withdraws and makes again" ipmitool -I open mc info
    check "... the first response is refused" test "$(grep -c EINVAL /tmp/pseudo.log)" = 2
fi
kill -9 "$agent"
wait "$agent" 2>/dev/null
start_agent
check "a killed agent serves again" wait_for 20 ipmitool -I open mc info

check "the device goes away" stop_device
check "... which the agent says" wait_for 10 said "can't be used.*reason=.\(the device is gone\|.*connected\|.*abort\)"
check "... and comes back" start_device
check "the agent serves it again" wait_for 10 ipmitool -I open mc info
check "... and says so" wait_for 10 said "serves again"
check "install again" update /second.bin

check "the agent never slept in the driver" not grep "would sleep\|aborted by" /tmp/pseudo.log
check "no warning of the host's driver" not sh -c 'dmesg | grep -iE "ipmi|kcs|bt_" | grep -iE "error|fail|timed|unable|invalid|unexpected|bad|short"'
check "the agent lives" kill "$agent"
finish
