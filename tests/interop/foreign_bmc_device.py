"""The firmware-transfer commands of the deployed base-profile BMC (NetFn 08h), quirks and all.

Written from a description and a transcript (deployed.txt) of the deployed one, never from our own specification or code:
clients must survive what is wrong here. No socket and no clock inside: `now` is handed in, seconds.
"""

import hashlib

OK, BUSY, BAD_LENGTH, BAD_FIELD, WRONG_STATE, UNKNOWN, UNSPECIFIED = 0x00, 0xC0, 0xC7, 0xCC, 0xD5, 0xC1, 0xFF
INIT, IDLE, DOWNLOAD, VERIFY, PROGRAM, READY, ERROR = 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0F
STARTED, COMPLETED, ABORTED, USB_ATTACHED = 0x01, 0x02, 0x04, 0x08
NO_DOWNGRADE, DEFER, SHA2 = 0x01, 0x02, 0x04
NOT_REQUESTED, REQUESTED, GOOD, FAILED = 0x00, 0x01, 0x02, 0xE2

CHALLENGE_LIFE = 30  # seconds
MAX_IMAGE = 45 * 1024 * 1024  # bytes


class Device:
    """One boot of the BMC. `activate(image)` is called when it wants to run the new image."""

    def __init__(self, random, activate=lambda image: None, tick=3.0, max_image=MAX_IMAGE):
        self.random = random  # function: count -> bytes
        self.max_image = max_image
        self.activate = activate
        self.tick = tick  # seconds for 5 percent
        self.in_mode = False
        self.state = INIT
        self.percent = 0
        self.integrity = NOT_REQUESTED
        self.flags = 0  # never cleared but by 29h-1
        self.options = 0  # never cleared
        self.wanted_sha256 = None
        self.challenge = None
        self.challenge_since = 0.0
        self.staged = bytearray()
        self.work_since = None  # when complete was accepted
        self.commands = {
            0x22: self.channel_info, 0x23: self.execution_context, 0x26: self.random_number, 0x27: self.enter,
            0x28: self.exit, 0x29: self.control, 0x2A: self.status, 0x2B: self.set_options, 0x2C: self.write,
        }

    def handle(self, command, data, now):
        """(completion code, response data)"""
        self.run(now)
        handler = self.commands.get(command)
        return handler(data, now) if handler else (UNKNOWN, b"")

    def run(self, now):
        """What goes on by itself: progress that is half a timer, and "ready" as soon as activation is asked for."""
        if self.work_since is None:
            return
        ticks = int((now - self.work_since) / self.tick)
        running = self.state in (VERIFY, PROGRAM)  # after an exit the work goes on behind the status
        if self.options & DEFER:
            return  # activation is skipped: it stays in verify for ever
        if ticks >= 22:
            self.work_since = None
            if running:
                self.state, self.percent = READY, 100
            self.activate(bytes(self.staged))
        elif running:
            self.state = VERIFY if ticks < 2 else PROGRAM
            self.percent = 0 if ticks < 2 else min(95, (ticks - 2) * 5)

    def channel_info(self, data, now):
        if data:
            return BAD_LENGTH, b""
        return OK, bytes.fromhex("03" "0180000000" "0300c80000" "0000000000")

    def execution_context(self, data, now):
        return (BAD_LENGTH, b"") if data else (OK, b"\x10\x01")

    def random_number(self, data, now):
        if data:
            return BAD_LENGTH, b""
        self.challenge = self.random(8)
        self.challenge_since = now
        return OK, self.challenge

    def enter(self, data, now):
        if len(data) != 8:
            return BAD_LENGTH, b""
        if data != self.challenge or now - self.challenge_since > CHALLENGE_LIFE:
            return BAD_FIELD, b""
        if self.in_mode:
            return BUSY, b""
        self.in_mode = True
        self.staged.clear()
        self.state, self.percent, self.integrity = DOWNLOAD, 0, NOT_REQUESTED
        return OK, b""

    def exit(self, data, now):
        if data:
            return BAD_LENGTH, b""
        if self.state in (INIT, IDLE):
            return BAD_FIELD, b""
        self.in_mode = False
        self.state = ERROR
        return OK, b""

    def control(self, data, now):
        if not data:
            return BAD_LENGTH, b""
        number, name = data[0], data[1:]
        if number > 6 or (number == 4) != bool(name) or (name and len(name) != 1 + name[0]):
            return BAD_FIELD, b""
        if number == 1:
            self.staged.clear()
            self.flags = STARTED
            self.state, self.percent = DOWNLOAD, 0
            self.integrity = REQUESTED if self.wanted_sha256 else NOT_REQUESTED
        elif number == 2:
            code = self.complete(now)
            if code != OK:
                return code, b""
        elif number == 3:
            self.flags |= ABORTED
            self.staged.clear()
            self.state = IDLE
        elif number in (5, 6):
            if bool(self.flags & USB_ATTACHED) == (number == 5):
                return BAD_FIELD, b""
            self.flags ^= USB_ATTACHED
        return OK, bytes([self.flags])

    def complete(self, now):
        if not self.flags & STARTED or self.flags & USB_ATTACHED:  # nothing else is looked at, not even the state
            return WRONG_STATE
        if self.wanted_sha256:
            if hashlib.sha256(self.staged).digest() != self.wanted_sha256:
                self.integrity = FAILED
                return UNSPECIFIED
            self.integrity = GOOD
        self.flags |= COMPLETED
        self.state, self.percent = VERIFY, 0
        self.work_since = now
        return OK

    def status(self, data, now):
        return (BAD_LENGTH, b"") if data else (OK, bytes([self.state, self.percent, self.integrity]))

    def set_options(self, data, now):
        if len(data) not in (2, 34):
            return BAD_LENGTH, b""
        mask, value, digest = data[0], data[1], data[2:]
        if (mask | value) & ~7 or (mask & value & SHA2 and not digest):
            return BAD_FIELD, b""
        plain = mask & (NO_DOWNGRADE | DEFER)
        self.options = (self.options & ~plain) | (value & plain)
        if mask & SHA2:
            self.wanted_sha256 = bytes(digest) if value & SHA2 else None
        sha2 = SHA2 if mask & SHA2 or self.wanted_sha256 else 0  # the mask's bit comes back, not what is in force
        return OK, bytes([self.options | sha2])

    def write(self, data, now):
        if not data:
            return BAD_LENGTH, b""
        if self.state != DOWNLOAD:
            return WRONG_STATE, b""
        if len(self.staged) + len(data) > self.max_image:
            return BAD_FIELD, b""
        self.staged += data  # whatever it is, and however often it comes
        return OK, len(data).to_bytes(4, "little")
