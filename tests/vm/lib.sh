# shellcheck shell=sh
# What every init begins with: file systems, and the words of the scripts. Sourced; runs in busybox.
export PATH=/usr/bin:/usr/sbin:/bin:/sbin HOME=/root LC_ALL=C
/bin/busybox mkdir -p /bin /sbin
/bin/busybox --install -s
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
ifconfig lo 127.0.0.1 up
echo "init begins" >/dev/kmsg # what came before is the emulated machine's affair

# Says something on the console, with the time since the start of the machine.
say()
{
    echo "[vm $(cut -d' ' -f1 /proc/uptime)] $*"
}

# check TEXT COMMAND...: says whether it succeeds, with its output if not; its status.
check()
{
    text=$1
    shift
    if "$@" >/tmp/check.log 2>&1; then
        say "PASS $text"
    else
        cat /tmp/check.log
        say "FAIL $text"
        return 1
    fi
}

# seconds: since the start of the machine, whole ones.
seconds()
{
    read -r uptime _ </proc/uptime
    echo "${uptime%.*}"
}

# wait_for SECONDS COMMAND...: until it succeeds. By the clock: in emulation a command may take longer than the pause.
wait_for()
{
    end=$(($(seconds) + $1))
    shift
    until "$@"; do
        [ "$(seconds)" -lt "$end" ] || return 1
        usleep 50000
    done
}

# not COMMAND...
not()
{
    ! "$@"
}

# karg NAME: the value of NAME=VALUE on the kernel's command line.
karg()
{
    tr ' ' '\n' </proc/cmdline | sed -n "s/^$1=//p"
}

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

# serve: runs what comes on the second serial line, a command a line. Its output goes back, then a record separator and
# its status. No terminal: programs must not draw progress bars.
serve()
{
    stty -F /dev/ttyS1 raw -echo
    exec 3<>/dev/ttyS1
    say "READY"
    # In a shell of its own: what ends in the background is the first process's child, and busybox's read, interrupted by
    # that, forgets the part of a line that it has.
    (
        while read -r line <&3; do
            {
                (eval "$line") 2>&1 </dev/null 3>&-
                echo "$?" >/tmp/served
            } | cat >&3
            printf '\036%s\n' "$(cat /tmp/served)" >&3
        done
    )
}
