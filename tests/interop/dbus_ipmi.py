#!/usr/bin/python3
"""IPMI over D-Bus as OpenBMC's bridges speak it, on a private bus."""

import binascii
import json
import re
import struct
import subprocess
import time

import harness
from harness import Agent, make_image, require, require_module, sha256, wait_until

require("dbus-daemon", "busctl", "gdbus")
require_module("dbus")
require_module("gi")

import dbus  # noqa: E402  (after the module is known to be there)
from gi.repository import GLib  # noqa: E402

from base_raw import IMAGE, RawUpdate  # noqa: E402
from message_bus import HOST, PATH, SERVER, SESSIONS, SIGNATURE, BtBridge, Bridge, PrivateBus, session  # noqa: E402

KCS = {"name": "ipmi_kcs3", "channel": 15, "type": "kcs"}
ETH0 = {"name": "eth0", "channel": 1, "type": "lan"}
ETH1 = {"name": "eth1", "channel": 2, "type": "lan", "policy": "read-only"}
INTERNAL = {"name": "INTRABMC", "channel": 8, "type": "internal"}
BUSY, WRONG_STATE = 0xC0, 0xD5
DEVICE_ID = (0x06, 0x01)


def take_turns():
    """Lets the connections of this process read what has come."""
    for _ in range(100):
        GLib.MainContext.default().iteration(False)
    return True


class OnTheBus(RawUpdate):
    """One agent on a bus of its own."""

    legacy = False
    channels = [KCS, ETH0, ETH1, INTERNAL]
    name = HOST
    sections = {}

    def setUp(self):
        super().setUp()
        self.bus = PrivateBus(self.workspace)
        self.agent = self.make_agent()
        self.agent.program.wait_for("Serving IPMI over D-Bus")

    def make_agent(self):
        return Agent(self.workspace, lan={"channel": 3},
                     dbus_ipmi={"name": self.name, "legacy": self.legacy, "channels": self.channels}, **self.sections)

    def restart_agent(self):
        """With what its configuration has become."""
        served = self.agent.log().count("Serving IPMI over D-Bus")
        self.agent.program.end()
        self.agent.start()
        wait_until(lambda: self.agent.log().count("Serving IPMI over D-Bus") == served + 1, "the name")

    def bridge(self, channel=None, **options):
        bridge = Bridge(self.bus, channel, options)
        self.addCleanup(bridge.close)
        return bridge

    def netipmid(self, number=77, user=3, privilege=4, channel="eth0"):
        return self.bridge(channel, **session(number, user, privilege))

    def run_tool(self, *words):
        return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, check=False,
                              env=self.workspace.environment)


class Execute(OnTheBus):
    def test_kcsbridge(self):
        kcs = self.bridge("ipmi_kcs3")
        answer = kcs.execute(*DEVICE_ID)
        self.assertEqual(answer[:4], (0x07, 0, 0x01, 0x00))
        self.assertEqual(len(answer[4]), 15)
        # What Linux's driver asks at its start, a host alone may.
        self.assertEqual(kcs.execute(0x06, 0x2E, b"\x0f")[3], 0x00)
        self.assertEqual(kcs.execute(0x06, 0x2F)[3:], (0x00, b"\x0f"))
        self.assertEqual(kcs.execute(0x06, 0x57, b"\x01")[3:], (0x00, b"\x00\x00\xf2"))
        self.assertEqual(kcs.execute(0x06, 0x36)[3], 0xC1)

    def test_netipmid(self):
        lan = self.netipmid()
        self.assertEqual(lan.execute(*DEVICE_ID)[:4], (0x07, 0, 0x01, 0x00))
        self.assertEqual(lan.execute(0x06, 0x2E, b"\x0f")[3], 0xD4)
        self.assertEqual(lan.execute(0x06, 0x42, b"\x0e")[3:][1][:2], b"\x01\x04")  # channel 1, 802.3 LAN
        size = lan.execute(0x0C, 0x02, b"\x0e\xc0\x00\x00")  # HPM.2, as ipmitool asks
        self.assertEqual(size[3:], (0x00, bytes.fromhex("11000000") + struct.pack("<HH", 1384 + 7, 900 + 8)))
        self.assertEqual(lan.execute(0x2C, 0x3E, b"\x00\x02")[4][3:5], struct.pack("<H", 1 << 3 | 1 << 1))
        self.assertEqual(lan.execute(0x06, 0x3B, b"\x04")[3], WRONG_STATE)  # the session is netipmid's

    def test_every_error(self):
        user = session(77, privilege=2)
        kcs, lan, eth1, busctl = self.bridge("ipmi_kcs3"), self.bridge("eth0"), self.bridge("eth1"), self.bridge()
        stranger = self.bridge("eth9")
        cfc200 = b"\xcf\xc2\x00"
        rows = [
            (kcs, (0x06, 0x99), {}, 0xC1, b""),
            (kcs, (0x30, 0x01), {}, 0xC1, b""),
            (kcs, (0x07, 0x01), {}, 0xC1, b""),
            (kcs, (0xFF, 0xFF), {}, 0xC1, b""),
            (kcs, (0x06, 0x01, b"", 1), {}, 0xC2, b""),
            (kcs, (0x06, 0x01, b"\x00"), {}, 0xC7, b""),
            (kcs, (0x08, 0x2B, b"\xff\xff"), {}, 0xCC, b""),
            (kcs, (0x08, 0x2C, b"early"), {}, WRONG_STATE, b""),
            (kcs, (0x2E, 0x80), {}, 0xC7, b""),
            (kcs, (0x2E, 0x80, b"\xcf\xc2"), {}, 0xC7, b""),
            (kcs, (0x2E, 0x80, b"\x01\x02\x03\x04"), {}, 0xC1, b"\x01\x02\x03"),
            (kcs, (0x2E, 0x99, cfc200 + b"\x00"), {}, 0xC1, cfc200),
            (kcs, (0x2E, 0x80, cfc200 + b"\x63"), {}, 0xC1, cfc200),  # no blobs here
            (kcs, (0x2C, 0x3E), {}, 0xC7, b""),
            (kcs, (0x2C, 0x3E, b"\x03\x02"), {}, 0xC1, b"\x03"),
            (kcs, (0x2C, 0x01, b"\xdc"), {}, 0xC1, b"\xdc"),
            (lan, DEVICE_ID, {}, 0xFF, b""),
            (lan, DEVICE_ID, {"userId": dbus.Int32(3), "privilege": dbus.Int32(4)}, 0xFF, b""),
            (lan, DEVICE_ID, {**session(77), "userId": dbus.UInt32(3)}, 0xFF, b""),
            (lan, DEVICE_ID, {**session(77), "privilege": dbus.Byte(4)}, 0xFF, b""),
            (lan, DEVICE_ID, {**session(77), "privilege": "4"}, 0xFF, b""),
            (lan, DEVICE_ID, {**session(77), "currentSessionId": dbus.Int32(77)}, 0xFF, b""),
            (lan, DEVICE_ID, session(77, privilege=9), 0xFF, b""),
            (lan, (0x08, 0x26), user, 0xD4, b""),
            (lan, (0x08, 0x99), user, 0xC1, b""),
            (lan, DEVICE_ID, user, 0x00, None),
            (lan, DEVICE_ID, session(77, privilege=1), 0xD4, b""),
            (lan, (0x08, 0x26), session(77, privilege=5), 0x00, None),
            (eth1, (0x08, 0x26), session(78), 0xD4, b""),  # read-only
            (stranger, DEVICE_ID, session(79), 0xD3, b""),
            (busctl, DEVICE_ID, {}, 0x00, None),
            (busctl, DEVICE_ID, {"a": [[dbus.Int32(1)]], "b": {"c": dbus.Int32(1)}, "d": (1, "x")}, 0x00, None),
        ]
        for bridge, request, options, code, data in rows:
            with self.subTest(request=request, options=options):
                answer = bridge.execute(*request, **options)
                self.assertEqual((answer[0], answer[2], answer[3]), (request[0] | 1, request[1], code))
                self.assertEqual(answer[1], request[3] if len(request) > 3 else 0)
                if data is not None:
                    self.assertEqual(answer[4], data)

    def test_calls_that_are_none(self):
        kcs = self.bridge("ipmi_kcs3")

        def error(method, signature, arguments, interface=SERVER, path=PATH):
            with self.assertRaises(dbus.exceptions.DBusException) as caught:
                kcs.connection.call_blocking(HOST, path, interface, method, signature, arguments, timeout=30)
            return caught.exception.get_dbus_name().rsplit(".", 1)[1]

        self.assertEqual(error("execute", "yyyay", (6, 0, 1, dbus.ByteArray(b""))), "InvalidArgs")
        self.assertEqual(error("execute", "iyyaya{sv}", (6, 0, 1, dbus.ByteArray(b""),
                                                         dbus.Dictionary({}, signature="sv"))), "InvalidArgs")
        self.assertEqual(error("execute", "", ()), "InvalidArgs")
        self.assertEqual(error("Execute", "", ()), "UnknownMethod")
        self.assertIn(error("execute", "", (), path="/"), ("UnknownObject", "UnknownMethod"))
        self.assertEqual(kcs.execute(*DEVICE_ID)[3], 0)

    def test_busctl(self):
        call = ["busctl", f"--address={self.bus.address}", "call", HOST, PATH, SERVER, "execute", SIGNATURE]
        done = self.run_tool(*call, 6, 0, 1, 0, 0)
        self.assertRegex(done.stdout, r"^\(yyyyay\) 7 0 1 0 15 32 ", done.stderr)
        done = self.run_tool(*call, 6, 0, 1, 2, 170, 187, 3, "userId", "i", 1, "privilege", "i", 4, "currentSessionId",
                             "u", 5)
        self.assertEqual(done.stdout, "(yyyyay) 7 0 1 199 0\n", done.stderr)
        done = self.run_tool("busctl", f"--address={self.bus.address}", "introspect", HOST, PATH, SERVER)
        self.assertRegex(done.stdout, r"\.execute +method +yyyaya\{sv\} +\(yyyyay\)")
        done = self.run_tool("busctl", f"--address={self.bus.address}", "tree", HOST)
        self.assertIn(PATH, done.stdout)

    def test_gdbus(self):
        done = self.run_tool("gdbus", "call", "--system", "-d", HOST, "-o", PATH, "-m", f"{SERVER}.execute", "byte 6",
                             "byte 0", "byte 1", "@ay []", "@a{sv} {}")
        self.assertRegex(done.stdout, r"^\(\(byte 0x07, byte 0x00, byte 0x01, byte 0x00, \[byte 0x20", done.stderr)

    def test_much_at_once(self):
        answers = []
        kcs = self.bridge("ipmi_kcs3")
        big = kcs.execute(0x08, 0x2C, bytes(1 << 20))
        self.assertEqual(big[3], 0xC8)
        for number in range(2000):
            kcs.connection.call_async(HOST, PATH, SERVER, "execute", SIGNATURE,
                                      (6, number % 4, 1, dbus.ByteArray(b""), dbus.Dictionary({}, signature="sv")),
                                      lambda reply: answers.append((int(reply[1]), int(reply[3]))), answers.append)
        for _ in range(200):  # nobody waits for these
            kcs.connection.call_async(HOST, PATH, SERVER, "execute", SIGNATURE,
                                      (6, 0, 1, dbus.ByteArray(b""), dbus.Dictionary({}, signature="sv")), None, None)
        began = time.monotonic()
        self.assertEqual(self.lanplus(self.agent.port, "mc", "selftest", program="ipmitool").finish().status, 0)
        self.assertLess(time.monotonic() - began, 8)
        wait_until(lambda: take_turns() and len(answers) >= 2000, "2000 answers", 60)
        self.assertTrue(answers == [(number % 4, 0xC2 if number % 4 else 0) for number in range(2000)], answers[:10])


class Updates(OnTheBus):
    def test_kcsbridge(self):
        self.update(self.bridge("ipmi_kcs3").raw)

    def test_netipmid_in_one_session(self):
        self.write = 1000
        self.update(self.netipmid().raw)

    def test_a_program_of_the_bmc(self):
        self.write = 51_200
        self.update(self.bridge().raw)

    def test_netipmid_with_a_session_for_each_command(self):
        """As one-shot `ipmitool raw` does: the mode is adopted by the next session of the same user."""
        lan = self.bridge("eth0")
        number = 0x1000

        def raw(command, data):
            nonlocal number
            number += 1
            answer = lan.execute(0x08, command, data, **session(number))[3:]
            path = f"{SESSIONS}/eth0/{number:x}_{number % 256:x}"
            lan.session_signal(path, 3) if number % 2 else lan.session_removed(path)
            return answer

        self.update(raw)

    def test_the_extended_profile(self):
        image = make_image(150_000, 5)
        for name, channel, message in (("ipmi_kcs3", "ipmi_kcs3", 240), ("eth0", "eth0", 1384), ("INTRABMC", None, 51_200)):
            with self.subTest(channel=name):
                bridge = self.netipmid() if name == "eth0" else self.bridge(channel)
                code, capabilities = bridge.raw(0x40)
                self.assertEqual((code, capabilities[:4]), (0, b"FWUP"))
                self.assertEqual(struct.unpack_from("<HH", capabilities, 14), (message, 1))
                self.stream(bridge, image)
                self.assertTrue(self.agent.holds(image))
                self.assertEqual(bridge.raw(0x28), (0, b""))
                image = image[::-1]

    def stream(self, bridge, image):
        code, number = bridge.raw(0x26)
        self.assertEqual(code, 0)
        self.assertEqual(bridge.raw(0x27, number), (0, b""))
        code, begun = bridge.raw(0x44, struct.pack("<BBHQ", 0xFF, 0, 0xFFFF, len(image)) + bytes.fromhex(sha256(image)))
        self.assertEqual(code, 0)
        transfer, _, size, blocks, present = struct.unpack("<HBHII", begun)
        self.assertEqual((blocks, present), (3, 0))
        for block in range(blocks):
            piece = image[block << 16:(block + 1) << 16]
            for offset in range(0, len(piece), size):
                last = offset + size >= len(piece)
                data = piece[offset:offset + size] + (struct.pack("<I", binascii.crc32(piece)) if last else b"")
                answer = bridge.raw(0x45, struct.pack("<HBBHH", transfer, 2 if last else 0, 0, block, offset) + data)
                self.assertEqual((answer[0], len(answer[1]) >= 15, answer[1][2]), (0, True, 0))  # each is answered
        self.assertEqual(bridge.raw(0x29, b"\x02")[0], 0)
        wait_until(lambda: bridge.raw(0x2A) == (0, b"\x05\x64\x02"), "ready, 100 percent, digest good")


class Sessions(OnTheBus):
    def enter(self, bridge):
        code, number = bridge.raw(0x26)
        self.assertEqual(code, 0)
        return bridge.raw(0x27, number)[0]

    def test_a_session_keeps_the_mode_and_loses_it_with_its_bridge(self):
        lan = self.netipmid(77)
        other = {**session(78)}
        self.assertEqual(self.enter(lan), 0)
        self.assertEqual(lan.execute(0x08, 0x29, b"\x01", **other)[3], WRONG_STATE)
        self.assertEqual(lan.execute(0x08, 0x29, b"\x01", **session(79, user=4))[3], WRONG_STATE)
        lan.close()
        again = self.netipmid(78)
        self.assertEqual(again.execute(0x08, 0x29, b"\x01", **session(79, user=4))[3], WRONG_STATE)  # another user
        self.assertEqual(again.raw(0x29, b"\x01"), (0, b"\x01"))

    def test_only_its_own_server_ends_a_session(self):
        lan, stranger = self.netipmid(77), self.bridge("eth1")
        self.assertEqual(self.enter(lan), 0)
        for number in range(3):
            stranger.session_signal(f"{SESSIONS}/eth0/4d_{number}", 0)
            stranger.session_removed(f"{SESSIONS}/eth0/4d_{number}")
        stranger.execute(*DEVICE_ID, **session(1))  # behind the signals
        self.assertEqual(lan.execute(0x08, 0x29, b"\x01", **session(78))[3], WRONG_STATE)
        lan.session_signal(f"{SESSIONS}/eth0/4d_0", 2)  # active
        self.assertEqual(lan.execute(0x08, 0x29, b"\x01", **session(78))[3], WRONG_STATE)
        lan.session_signal(f"{SESSIONS}/eth0/4d_0", 0)
        self.assertEqual(lan.execute(0x08, 0x29, b"\x01", **session(78))[3], 0)

    def test_otherwise_the_lease_ends_it(self):
        self.agent.config["lease"] = {"base": 3}
        self.restart_agent()
        lan = self.netipmid(77)
        self.assertEqual(self.enter(lan), 0)
        wait_until(lambda: lan.execute(0x08, 0x2A, **session(78))[3:] == (0, b"\x00\x00\x00"), "the lease of 3 s", 20)
        lan.options = session(78)
        self.assertEqual(self.enter(lan), 0)

    def test_channels_are_apart(self):
        lan, kcs, program = self.netipmid(77), self.bridge("ipmi_kcs3"), self.bridge()
        self.assertEqual(self.enter(kcs), 0)
        self.assertEqual(self.enter(lan), BUSY)
        self.assertEqual(self.enter(program), BUSY)
        self.assertEqual(program.raw(0x28)[0], WRONG_STATE)
        kcs.close()
        self.assertEqual(self.enter(lan), BUSY)  # a host has no session that ends
        again = self.bridge("ipmi_kcs3")
        self.assertEqual(again.raw(0x28), (0, b""))
        self.assertEqual(self.enter(program), 0)


class Blobs(OnTheBus):
    """burn_my_bmc's order of things."""

    def make_agent(self):
        target = self.workspace.write("agent-target.bin", b"old firmware")
        self.sections = {"targets": [{"id": 1, "name": "bios", "type": "file", "path": str(target), "blob": "/flash/bios"}]}
        return super().make_agent()

    def blob(self, sub, body=b"", code=0):
        body = struct.pack("<H", self.crc(body)) + body if body else b""
        answer = self.bridge_in_use.execute(0x2E, 0x80, b"\xcf\xc2\x00" + bytes([sub]) + body)
        self.assertEqual(answer[:4], (0x2F, 0, 0x80, code), answer)
        self.assertEqual(answer[4][:3], b"\xcf\xc2\x00")
        return answer[4][5:]

    @staticmethod
    def crc(data):
        return binascii.crc_hqx(data, 0x1D0F)

    def open(self, name, flags):
        return self.blob(2, struct.pack("<H", flags) + name.encode() + b"\0")

    def commit(self, name):
        number = self.open(name, 0x0002)
        self.blob(5, number + b"\0")
        wait_until(lambda: self.blob(9, number)[7:8] == b"\x01", f"success of {name}")
        self.blob(6, number)

    def run_update(self, bridge, piece):
        self.bridge_in_use = bridge
        count = struct.unpack("<I", self.blob(0))[0]
        self.assertIn(b"/flash/bios\0", [self.blob(1, struct.pack("<I", number)) for number in range(count)])
        self.blob(1, struct.pack("<I", 99), code=0xCC)
        self.blob(2, b"\x02\x01no such\0", code=0xFF)
        number = self.open("/flash/bios", 0x0102)
        for at in range(0, len(IMAGE), piece):
            self.blob(4, number + struct.pack("<I", at) + IMAGE[at:at + piece])
        self.blob(6, number)
        self.commit("/flash/verify")
        self.commit("/flash/update")
        wait_until(lambda: self.agent.holds(IMAGE), "the image in place")

    def test_kcsbridge(self):
        self.run_update(self.bridge("ipmi_kcs3"), 200)

    def test_netipmid(self):
        self.run_update(self.netipmid(), 1000)
        self.assertEqual(self.bridge_in_use.execute(0x2E, 0x80, b"\xcf\xc2\x00\x00", **session(77, privilege=2))[3:],
                         (0xD4, b"\xcf\xc2\x00"))


class Legacy(OnTheBus):
    legacy = True
    channels = [KCS]

    def setUp(self):
        super().setUp()
        self.host = BtBridge(self.bus)

    def test_messages(self):
        self.assertEqual(self.host.execute(*DEVICE_ID)[:4], (0x07, 0, 0x01, 0x00))
        self.assertEqual(self.host.execute(0x06, 0x99), (0x07, 0, 0x99, 0xC1, b""))
        self.assertEqual(self.host.execute(0x06, 0x01, lun=2), (0x07, 2, 0x01, 0xC2, b""))
        self.assertEqual(self.host.execute(0x2E, 0x80, b"\xcf\xc2"), (0x2F, 0, 0x80, 0xC7, b""))
        self.assertEqual(self.host.execute(0x2E, 0x99, b"\xcf\xc2\x00"), (0x2F, 0, 0x99, 0xC1, b"\xcf\xc2\x00"))
        self.assertEqual(self.host.execute(0x06, 0x36)[3:], (0x00, bytes([1, 63, 63, 5, 2])))  # 64 with the length
        self.assertEqual(struct.unpack_from("<HH", self.host.raw(0x40)[1], 14), (60, 1))
        code, verdict = self.host.raw(0x4B, b"\xff")
        self.assertTrue(code == 0xCA or len(verdict) <= 59, (code, verdict))

    def test_any_sender(self):
        nameless = BtBridge(self.bus, own_name=False)
        self.assertEqual(nameless.execute(*DEVICE_ID)[:4], (0x07, 0, 0x01, 0x00))
        self.assertEqual(self.host.execute(*DEVICE_ID)[3], 0x00)
        more = [BtBridge(self.bus, own_name=False) for _ in range(20)]
        for bridge in more:
            self.assertEqual(bridge.execute(*DEVICE_ID)[3], 0x00)

    def test_an_answer_that_nobody_wants(self):
        self.host.sequence = 5
        self.host.ReceivedMessage(7, 0x06, 0, 0x01, dbus.ByteArray(b""))
        self.assertEqual(self.host.execute(*DEVICE_ID)[3], 0x00)
        self.agent.program.wait_for("an answer was not taken")
        silent = Bridge(self.bus)  # has no object to be called
        message = dbus.lowlevel.SignalMessage("/x", "org.openbmc.HostIpmi", "ReceivedMessage")
        message.append("nonsense", signature="s")
        silent.connection.send_message(message)
        silent.connection.flush()
        self.assertEqual(self.host.execute(*DEVICE_ID)[3], 0x00)

    def test_update(self):
        self.write = 60
        self.update(self.host.raw)

    def test_a_policy(self):
        self.agent.config["dbus_ipmi"]["policy"] = "read-only"
        self.restart_agent()
        self.assertEqual(self.host.execute(*DEVICE_ID)[3], 0x00)
        self.assertEqual(self.host.raw(0x26), (0xD4, b""))


class Names(OnTheBus):
    def test_a_bridge_that_was_there_first(self):
        lan = self.bridge("eth0")
        self.restart_agent()
        self.assertEqual(lan.execute(*DEVICE_ID)[3], 0xFF)  # not as a program of the BMC
        self.assertEqual(lan.execute(*DEVICE_ID, **session(1))[3], 0x00)

    def test_a_name_of_another_program(self):
        self.agent.program.end()
        ipmid = self.bridge()
        self.assertEqual(ipmid.own(HOST), dbus.bus.REQUEST_NAME_REPLY_PRIMARY_OWNER)
        self.agent.start()
        self.agent.program.wait_for("another program owns the name")
        self.assertEqual(self.lanplus(self.agent.port, "mc", "selftest", program="ipmitool").finish().status, 0)
        ipmid.close()
        wait_until(lambda: self.agent.log().count("Serving IPMI over D-Bus") == 2, "the name, when it is free")
        self.assertEqual(self.bridge("ipmi_kcs3").execute(*DEVICE_ID)[3], 0x00)

    def test_the_bus_goes_and_comes_back(self):
        lan = self.netipmid(77)
        code, number = lan.raw(0x26)
        self.assertEqual(lan.raw(0x27, number), (0, b""))
        for times in (2, 3):
            self.bus.stop()
            self.agent.program.wait_for("IPMI over D-Bus is not served; trying again")
            self.assertEqual(self.lanplus(self.agent.port, "mc", "selftest", program="ipmitool").finish().status, 0)
            self.bus.start()
            wait_until(lambda: self.agent.log().count("Serving IPMI over D-Bus") == times, "the name again")  # noqa: B023
        again = self.netipmid(78)  # the session went with the bus
        self.assertEqual(again.raw(0x29, b"\x01"), (0, b"\x01"))

    def test_a_bus_that_is_not_there_yet(self):
        self.agent.program.end()
        self.bus.stop()
        self.agent.start()
        self.agent.program.wait_for("IPMI over D-Bus is not served; trying again.*cannot connect to D-Bus")
        self.bus.start()
        wait_until(lambda: self.agent.log().count("Serving IPMI over D-Bus") == 2, "the name")
        self.assertEqual(self.bridge("ipmi_kcs3").execute(*DEVICE_ID)[3], 0x00)

    def test_a_bus_that_forbids_the_name(self):
        self.agent.program.end()
        self.bus.stop()
        self.workspace.write("bus.conf", (self.workspace.directory / "bus.conf").read_bytes().replace(
            b"</policy>", f'<deny own="{HOST}"/></policy>'.encode()))  # the last rule that fits counts
        self.bus.start()
        self.agent.start()
        self.agent.program.wait_for("does not let the agent own " + re.escape(HOST) + ".*/etc/dbus-1/system.d")
        time.sleep(5)
        self.assertEqual(self.agent.log().count("does not let the agent own"), 1)  # told once
        self.assertEqual(self.lanplus(self.agent.port, "mc", "selftest", program="ipmitool").finish().status, 0)

    def test_the_channels_of_channel_config_json(self):
        def entry(name, medium, protocol, sessions, valid=True):
            return {"name": name, "is_valid": valid, "active_sessions": 0, "channel_info": {
                "medium_type": medium, "protocol_type": protocol, "session_supported": sessions, "is_ipmi": True}}

        file = self.workspace.write("channel_config.json", json.dumps({
            "0": entry("Ipmb", "ipmb", "ipmb-1.0", "session-less"),
            "1": entry("eth0", "lan-802.3", "ipmb-1.0", "multi-session"),
            "3": entry("RESERVED", "reserved", "reserved", "session-less", False),
            "8": entry("INTRABMC", "oem", "oem", "session-less"),
            "15": entry("ipmi_kcs3", "system-interface", "kcs", "session-less")}).encode())
        self.agent.config["dbus_ipmi"] = {"channel_config": str(file)}
        self.restart_agent()
        lan = self.bridge("eth0")
        self.assertEqual(lan.execute(*DEVICE_ID, **session(77))[3], 0x00)
        self.assertEqual(lan.execute(*DEVICE_ID)[3], 0xFF)
        self.assertEqual(self.bridge("ipmi_kcs3").execute(0x06, 0x57, b"\x01")[3], 0x00)
        self.assertEqual(self.bridge().execute(*DEVICE_ID)[3], 0x00)
        ipmb = self.bridge("Ipmb")
        self.assertEqual(ipmb.execute(*DEVICE_ID)[3], 0x00)
        self.assertEqual(ipmb.raw(0x40), (0xCA, b""))  # more than IPMB carries: the base profile only


class Forwarded(OnTheBus):
    """Another program is ipmid; a provider in it forwards to us (bmc-agent/channels/dbus/README.md)."""

    name = "xyz.openbmc_project.FirmwareUpdate"

    def forward(self, provider, context, net_fn, command, data=b""):
        """What such a provider does with a handler's context."""
        options = {"channel": dbus.Int32(context["channel"])}
        if "session" in context:
            options.update(session(context["session"], context["user"], context["privilege"]))
        return provider.execute(net_fn, command, data, **options)[3:]

    def test_updates(self):
        provider = Bridge(self.bus, server=self.name)
        self.assertEqual(provider.own(HOST), dbus.bus.REQUEST_NAME_REPLY_PRIMARY_OWNER)
        self.assertEqual(self.forward(provider, {"channel": 9}, *DEVICE_ID), (0xD3, b""))
        self.assertEqual(self.forward(provider, {"channel": 1}, *DEVICE_ID), (0xFF, b""))
        self.assertEqual(provider.execute(*DEVICE_ID)[3], 0xFF)
        user = {"channel": 1, "session": 5, "user": 2, "privilege": 2}
        self.assertEqual(self.forward(provider, user, 0x08, 0x26), (0xD4, b""))
        for context in ({"channel": 15}, {**user, "privilege": 4}):
            self.agent.target.write_bytes(b"old firmware")
            self.update(lambda command, data: self.forward(provider, context, 0x08, command, data))  # noqa: B023
        provider.close()
        stranger = Bridge(self.bus, server=self.name)  # who says that, is not believed
        self.assertEqual(self.forward(stranger, {"channel": 15}, 0x06, 0x2E, b"\x0f"), (0xD4, b""))
        stranger.close()


if __name__ == "__main__":
    require("ipmitool")
    harness.main()
