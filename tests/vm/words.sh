# shellcheck shell=sh
# The words of scripts in a machine, whatever its first process is. Sourced.

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
