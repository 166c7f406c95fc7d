#!/bin/sh
# The boot loader's part and the BMC: chooses a slot by the boot record as bmc-agent/targets/SLOTS.md says, mounts its image,
# and serves an agent with what that image says. The record is on the first partition, the agent's state on the second one,
# the slots' file systems are the third and the fourth.
# shellcheck source=tests/vm/lib.sh
. /lib.sh
record=/dev/vda1

# copy SECTOR: the words of this copy, if its sum is right.
copy()
{
    line=$(dd if=$record bs=512 skip="$1" count=1 2>/dev/null | tr -d '\0' | head -n 1)
    words=${line% sum=*}
    [ "$line" = "$words sum=$(printf %s "$words" | sha256sum | cut -c1-16)" ] && echo "$words"
}

# word NAME WORDS: the value of NAME=VALUE.
word()
{
    echo "$2" | tr ' ' '\n' | sed -n "s/^$1=//p"
}

# load_record: sets seq, chosen, good, tries of the valid copy with the higher number, and at, its sector.
load_record()
{
    seq=-1
    for sector in 0 8; do
        found=$(copy $sector) || continue
        number=$(word seq "$found")
        [ "$number" -gt "$seq" ] || continue
        seq=$number at=$sector chosen=$(word chosen "$found") good=$(word good "$found") tries=$(word tries "$found")
    done
    [ "$seq" -ge 0 ]
}

# store_record CHOSEN GOOD TRIES: over the other copy; on the disk when it returns.
store_record()
{
    seq=$((seq + 1)) chosen=$1 good=$2 tries=$3
    text="seq=$seq chosen=$chosen good=$good tries=$tries"
    echo "$text sum=$(printf %s "$text" | sha256sum | cut -c1-16)" |
        dd of=$record bs=512 seek=$((8 - at)) count=1 conv=sync,notrunc,fsync 2>/dev/null
}

# start_slot SLOT: mounts its image; false if it is none.
start_slot()
{
    mkdir -p /slot
    mount -t ext4 -o ro,loop "/slots/$1/image" /slot 2>/dev/null && [ -e /slot/version ]
}

check "modules" modprobe -a virtio_pci virtio_blk virtio_net crc32c_generic ext4 loop
check "the disk" wait_for 10 test -b /dev/vda4
mkdir -p /state /slots/a /slots/b
check "the state" mount -t ext4 /dev/vda2 /state
check "slot a" mount -t ext4 /dev/vda3 /slots/a
check "slot b" mount -t ext4 /dev/vda4 /slots/b
check "a boot record" load_record
say "boot record: chosen=$chosen good=$good tries=$tries"
if [ "$chosen" != "$good" ]; then
    if [ "$tries" -gt 0 ]; then
        store_record "$chosen" "$good" $((tries - 1))
    else
        store_record "$good" "$good" 0
    fi
fi
if ! start_slot "$chosen"; then
    say "slot $chosen does not start"
    reboot -f
fi
echo "$chosen" >/run/slot
say "slot $chosen runs version $(cat /slot/version)"
cp /slot/agent.conf /etc/bmc-agent.conf
check "network" network eth0 10.0.2.15
start_agent
serve
