"""A private message bus, and the programs on it that no one here wrote, as far as they talk to ipmid.

Bridge is kcsbridge, netipmid and the like: a connection of its own, which owns a name and calls execute. BtBridge is btbridge
of before 2019 and its signals.
"""

import dbus
import dbus.bus
import dbus.lowlevel
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

HOST = "xyz.openbmc_project.Ipmi.Host"
PATH = "/xyz/openbmc_project/Ipmi"
SERVER = "xyz.openbmc_project.Ipmi.Server"
CHANNEL = "xyz.openbmc_project.Ipmi.Channel."
SESSIONS = "/xyz/openbmc_project/ipmi/session"
SESSION_INFO = "xyz.openbmc_project.Ipmi.SessionInfo"
LEGACY = "org.openbmc.HostIpmi"
SIGNATURE = "yyyaya{sv}"

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>{address}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>{more}
</policy><limit name="max_replies_per_connection">50000</limit></busconfig>
"""

dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)


class PrivateBus:
    """A dbus-daemon; who starts in the workspace takes it for the system's."""

    def __init__(self, workspace, more="", start=True):
        self.workspace = workspace
        self.socket = workspace.directory / "bus"
        self.address = f"unix:path={self.socket}"
        self.program = None
        workspace.environment["DBUS_SYSTEM_BUS_ADDRESS"] = self.address
        workspace.write("bus.conf", CONFIGURATION.format(address=self.address, more=more).encode())
        if start:
            self.start()

    def start(self):
        self.program = self.workspace.start("dbus-daemon", [
            "dbus-daemon", "--nofork", "--nopidfile", f"--config-file={self.workspace.directory / 'bus.conf'}",
            "--print-address=1"])
        self.program.wait_for("guid=", start=0)

    def stop(self):
        self.program.end()
        self.program.output.unlink()
        self.socket.unlink(missing_ok=True)


class Bridge:
    """A program on the bus; with a channel: the owner of that bridge's name."""

    def __init__(self, bus, channel=None, options=None, server=HOST):
        self.connection = dbus.bus.BusConnection(bus.address)
        self.connection.set_exit_on_disconnect(False)
        self.server = server
        self.options = options or {}
        if channel:
            assert self.own(CHANNEL + channel) == dbus.bus.REQUEST_NAME_REPLY_PRIMARY_OWNER, channel

    def own(self, name):
        """What RequestName answers."""
        return self.connection.request_name(name, dbus.bus.NAME_FLAG_DO_NOT_QUEUE)

    def execute(self, net_fn, command, data=b"", lun=0, **options):
        """The whole answer: (netFn, lun, cmd, cc, data)."""
        message = dbus.lowlevel.MethodCallMessage(self.server, PATH, SERVER, "execute")
        message.append(net_fn, lun, command, dbus.ByteArray(data),
                       dbus.Dictionary({**self.options, **options}, signature="sv"), signature=SIGNATURE)
        reply = self.connection.send_message_with_reply_and_block(message, 60)
        assert reply.get_signature() == "(yyyyay)", reply.get_signature()
        answer = reply.get_args_list(byte_arrays=True)[0]
        return tuple(int(item) for item in answer[:4]) + (bytes(answer[4]),)

    def raw(self, command, data=b""):
        """(completion code, data) of a command of NetFn 08h."""
        return self.execute(0x08, command, data)[3:]

    def session_signal(self, path, state):
        """What netipmid's session objects say of themselves."""
        message = dbus.lowlevel.SignalMessage(path, "org.freedesktop.DBus.Properties", "PropertiesChanged")
        message.append(SESSION_INFO, {"State": dbus.Byte(state)}, [], signature="sa{sv}as")
        self.connection.send_message(message)
        self.connection.flush()

    def session_removed(self, path):
        message = dbus.lowlevel.SignalMessage(SESSIONS, "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved")
        message.append(dbus.ObjectPath(path), [SESSION_INFO, "org.freedesktop.DBus.Properties"], signature="oas")
        self.connection.send_message(message)
        self.connection.flush()

    def close(self):
        self.connection.close()


def session(number, user=3, privilege=4):
    """netipmid's options."""
    return {"userId": dbus.Int32(user), "privilege": dbus.Int32(privilege), "currentSessionId": dbus.UInt32(number)}


class BtBridge(dbus.service.Object):
    """Sends a host's messages as signals, and is called with the answers."""

    PATH = "/org/openbmc/HostIpmi/1"

    def __init__(self, bus, own_name=True):
        self.bus_connection = dbus.bus.BusConnection(bus.address)
        self.bus_connection.set_exit_on_disconnect(False)
        if own_name:
            self.bus_connection.request_name(LEGACY)
        super().__init__(self.bus_connection, self.PATH)
        self.answers = {}
        self.sequence = 0

    @dbus.service.signal(LEGACY, signature="yyyyay")
    def ReceivedMessage(self, seq, netfn, lun, cmd, data):
        pass

    @dbus.service.method(LEGACY, in_signature="yyyyyay", out_signature="x", byte_arrays=True)
    def sendMessage(self, seq, netfn, lun, cmd, cc, data):
        if int(seq) != self.sequence:
            raise dbus.exceptions.DBusException("unknown sequence number", name="org.openbmc.error")
        self.answers[int(seq)] = (int(netfn), int(lun), int(cmd), int(cc), bytes(data))
        return 0

    def execute(self, net_fn, command, data=b"", lun=0, seconds=30):
        """The answer: (netFn, lun, cmd, cc, data); None: none came in time."""
        self.sequence = (self.sequence + 1) % 256
        self.answers.pop(self.sequence, None)
        self.ReceivedMessage(self.sequence, net_fn, lun, command, dbus.ByteArray(data))
        waited = []
        timer = GLib.timeout_add(int(seconds * 1000), lambda: waited.append(True))
        while self.sequence not in self.answers and not waited:
            GLib.MainContext.default().iteration(True)
        if not waited:
            GLib.source_remove(timer)
        return self.answers.get(self.sequence)

    def raw(self, command, data=b""):
        return self.execute(0x08, command, data)[3:]
