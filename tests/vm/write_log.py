"""Every disk that a power cut could have left: the writes of a machine, recorded by QEMU's blklogwrites in the form of
dm-log-writes (the kernel's Documentation/admin-guide/device-mapper/log-writes.rst), and played again in part."""

import dataclasses
import random
import struct

MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD = 1, 2, 4  # flags of an entry
SECTOR = 512


@dataclasses.dataclass
class Write:
    offset: int  # bytes
    data: bytes  # empty: only a flush
    flags: int


def devices(disk, log):
    """QEMU's options for a disk whose writes are recorded."""
    with log.open("wb") as file:
        file.truncate(1 << 30)  # sparse
    return ["-blockdev", f"driver=raw,node-name=disk,file.driver=file,file.filename={disk}",
            "-blockdev", f"driver=raw,node-name=log,file.driver=file,file.filename={log}",
            "-blockdev", "driver=blklogwrites,node-name=top,file=disk,log=log,log-sector-size=512,log-super-update-interval=1",
            "-device", "virtio-blk-pci,drive=top"]


def read(log):
    """What was recorded, in order."""
    with log.open("rb") as file:
        magic, _, count, sector = struct.unpack("<QQQI", file.read(28))
        if (magic, sector) != (MAGIC, SECTOR):
            raise AssertionError(f"no log of writes: {magic:x}, {sector}")
        file.seek(SECTOR)
        writes = []
        for _ in range(count):
            place, sectors, flags, _ = struct.unpack("<QQQQ", file.read(SECTOR)[:32])
            data = b"" if flags & DISCARD else file.read(sectors * SECTOR)
            writes.append(Write(place * SECTOR, data, flags))
    return writes


def put(disk, write):
    disk[write.offset:write.offset + len(write.data)] = write.data


def cuts(disk, writes, losses, seed=1):
    """Yields (name, disk) for each place where the power may go: every prefix, and for each flush some disks on which any of
    the writes since the last one are missing, or torn at a sector. The disk that is yielded is valid until the next one."""
    chance = random.Random(seed)
    durable, present, loose = bytearray(disk), bytearray(disk), []
    for number, write in enumerate(writes):
        if write.data:
            put(present, write)
            loose.append(write)
            yield f"prefix {number}", present
        if write.flags & (FLUSH | FUA):
            for loss in range(losses if loose else 0):
                yield f"write {number}, loss {loss}", with_losses(durable, loose, chance)
            for done in loose:
                put(durable, done)
            loose = []


def with_losses(durable, loose, chance):
    disk = bytearray(durable)
    for write in loose:
        fate = chance.random()
        whole = len(write.data)
        kept = whole if fate < 0.45 else chance.randrange(0, whole, SECTOR) if fate < 0.6 else 0
        disk[write.offset:write.offset + kept] = write.data[:kept]
    return disk
