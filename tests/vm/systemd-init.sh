#!/bin/sh
# The distribution's systemd as the first process: the base image read-only (/dev/vda), memory over it, and on top what this
# machine adds (/added of the initramfs). The script's commands are served by a unit, serve.service.
# shellcheck source=tests/vm/lib.sh
. /lib.sh
while read -r module options; do
    # shellcheck disable=SC2086 # words
    check "$module" modprobe "$module" $options
done </load
mkdir /base /over /new
check "the disk" wait_for 20 test -b /dev/vda
check "the base" mount -t ext4 -o ro /dev/vda /base
mount -t tmpfs -o size=75% over /over
mkdir /over/upper /over/work
check "what lies over it" mount -t overlay -o lowerdir=/base,upperdir=/over/upper,workdir=/over/work,xino=off new /new
cp -a /added/. /new/
while read -r disk place; do
    mkdir -p "/new$place"
    check "$disk on $place" mount -t ext4 "$disk" "/new$place"
done </mounts
umount /tmp
for directory in dev proc sys; do
    mount --move "/$directory" "/new/$directory"
done
exec switch_root /new /usr/lib/systemd/systemd
