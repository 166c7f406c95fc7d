# shellcheck shell=sh
# A host's disks, for the tests of the USB drive. Sourced after lib.sh; runs in busybox.

# disk_with SERIAL: the name of the disk with a medium on the USB device with this serial number.
disk_with()
{
    for disk in /sys/block/sd*; do
        [ -e "$disk" ] && [ "$(cat "$disk/size")" -gt 0 ] || continue
        device=$(readlink -f "$disk/device/../../../..")
        [ "$(cat "$device/serial" 2>/dev/null)" = "$1" ] && basename "$disk" && return 0
    done
    return 1
}

# no_disk: no disk with a medium is there.
no_disk()
{
    for disk in /sys/block/sd*; do
        [ -e "$disk" ] && [ "$(cat "$disk/size")" -gt 0 ] && return 1
    done
    return 0
}
