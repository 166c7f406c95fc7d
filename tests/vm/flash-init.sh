#!/bin/sh
# Flash and disks of every kind that a kernel can have without hardware. The MTD devices' numbers follow this order.
# shellcheck source=tests/vm/lib.sh
. /lib.sh
check "disk modules" modprobe -a virtio_pci virtio_blk loop vfat nls_cp437 nls_ascii nls_utf8
check "/dev/vda" wait_for 10 test -b /dev/vda
check "jffs2 and UBI" modprobe -a jffs2 ubi
# 4 MiB in blocks of 64 KiB.
check "mtdram" modprobe mtdram total_size=4096 erase_size=64
# 128 KiB blocks of 64 pages; the first 64 blocks are a device of their own. Two blocks are bad from the start, block 12
# takes one erasure, page 2 one write, page 1282 (of block 20) none: bad blocks are marked in their first pages.
check "nandsim" modprobe nandsim id_bytes=0x20,0xa1,0x00,0x15 parts=64 badblocks=5,9 weakblocks=12:1 weakpages=2:1,1282:0
truncate -s 4M /tmp/backing
check "loop" losetup /dev/loop0 /tmp/backing
check "block2mtd" modprobe block2mtd block2mtd=/dev/loop0,65536
check "four MTD devices" wait_for 10 test -c /dev/mtd3
mkdir -p /dev/disk/by-partlabel
ln -s /dev/vda /dev/disk/by-partlabel/bios
serve
