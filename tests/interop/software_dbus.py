#!/usr/bin/python3
"""OpenBMC's software objects on a private bus, by clients that no one here wrote: what bmcweb does with an upload and with
StartUpdate, busctl, gdbus; an update by IPMI and an activation as one machine; every refusal by its name."""

import io
import os
import subprocess
import tarfile
import time

import harness
from harness import Agent, Case, make_image, require, require_module, wait_until

require("dbus-daemon", "busctl", "gdbus")
require_module("dbus")
require_module("gi")

import dbus  # noqa: E402  (after the module is known to be there)
import dbus.bus  # noqa: E402
from gi.repository import GLib  # noqa: E402

from message_bus import PrivateBus  # noqa: E402

ROOT = "/xyz/openbmc_project/software"
PREFIX = "xyz.openbmc_project."
VERSION = PREFIX + "Software.Version"
ACTIVATION = PREFIX + "Software.Activation"
PROGRESS = PREFIX + "Software.ActivationProgress"
PRIORITY = PREFIX + "Software.RedundancyPriority"
REQUESTED_PRIORITY = PREFIX + "Software.RequestedRedundancyPriority"
APPLY_TIME = PREFIX + "Software.ApplyTime"
UPDATE = PREFIX + "Software.Update"
DELETE = PREFIX + "Object.Delete"
DELETE_ALL = PREFIX + "Collection.DeleteAll"
TFTP = PREFIX + "Common.TFTP"
ASSOCIATION = PREFIX + "Association"
DEFINITIONS = PREFIX + "Association.Definitions"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"
ACTIVE = ACTIVATION + ".RequestedActivations.Active"
NONE = ACTIVATION + ".RequestedActivations.None"
IMMEDIATE = APPLY_TIME + ".RequestedApplyTimes.Immediate"
ON_RESET = APPLY_TIME + ".RequestedApplyTimes.OnReset"
MANAGER = PREFIX + "Software.Manager"
UPDATER = PREFIX + "Software.BMC.Updater"
IMAGE_MANAGER = PREFIX + "Software.Version"
SETTINGS = PREFIX + "Settings"
DOWNLOAD = PREFIX + "Software.Download"
IMAGE = make_image(300_000, 7)


def tarball(version="2.0", image=IMAGE, purpose="BMC", machine="testboard", member="image-bmc", **more):
    """As OpenBMC's build makes one."""
    manifest = f"purpose={VERSION}.VersionPurpose.{purpose}\nversion={version}\n"
    manifest += f"MachineName={machine}\n" if machine else ""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in {"MANIFEST": more.get("manifest", manifest).encode(), member: image}.items():
            member_info = tarfile.TarInfo(name)
            member_info.size = len(content)
            archive.addfile(member_info, io.BytesIO(content))
    return packed.getvalue()


def word(text):
    return str(text).rsplit(".", 1)[-1]


class Client:
    """A program on the bus that remembers every signal."""

    def __init__(self, bus):
        self.connection = dbus.bus.BusConnection(bus.address)
        self.connection.set_exit_on_disconnect(False)
        self.signals = []  # (member, path, arguments)
        for interface in (OBJECT_MANAGER, PROPERTIES):
            self.connection.add_signal_receiver(self._hear, dbus_interface=interface, member_keyword="member",
                                                path_keyword="path")
        self.connection.get_name_owner("org.freedesktop.DBus")  # the matches are in force

    def _hear(self, *arguments, member, path):
        self.signals.append((member, str(path), arguments))

    def hear(self):
        """All signals until now."""
        while GLib.MainContext.default().iteration(False):
            pass
        return self.signals

    def call(self, service, path, interface, method, *arguments, seconds=30):
        return self.connection.get_object(service, path, introspect=False).get_dbus_method(method, interface)(
            *arguments, timeout=seconds)

    def get(self, service, path, interface, name):
        return self.call(service, path, PROPERTIES, "Get", interface, name)

    def set(self, service, path, interface, name, value):
        wrapped = dbus.String(value, variant_level=1) if isinstance(value, str) else type(value)(value, variant_level=1)
        self.call(service, path, PROPERTIES, "Set", interface, name, wrapped)

    def objects(self, service):
        return self.call(service, "/" if service == SETTINGS else ROOT, OBJECT_MANAGER, "GetManagedObjects")

    def owners(self, path, interface):
        """Of which services an object has an interface, as the mapper tells it: by what they announce."""
        found = []
        for name in (str(name) for name in self.connection.list_names()):
            if name.startswith(PREFIX) and interface in self.objects(name).get(path, {}):
                found.append(name)
        return found

    def added(self, interface):
        """Paths that came with an interface, from the root object."""
        return [str(arguments[0]) for member, path, arguments in self.hear()
                if member == "InterfacesAdded" and path == ROOT and interface in arguments[1]]

    def values(self, path, name):
        """What a property became, one after the other."""
        return [arguments[1][name] for member, where, arguments in self.hear()
                if member == "PropertiesChanged" and where == path and name in arguments[1]]

    def activations(self, path):
        return [word(value) for value in self.values(path, "Activation")]

    def wait_for(self, path, *ends, seconds=60):
        """The Activation that ended it."""
        return wait_until(lambda: next((value for value in self.activations(path) if value in ends), None),
                          f"{path}: {ends}", seconds)


class OnTheBus(Case):
    """An agent, on a bus of its own, for which images may be put where it looks."""

    layout = "current"
    software = {}
    target = {}
    sections = {}

    def setUp(self):
        super().setUp()
        self.bus = PrivateBus(self.workspace)
        self.uploads = self.workspace.directory / "images"
        self.version_file = self.workspace.write("running-version", b"1.0\n")
        self.restarted = self.workspace.directory / "restarted"
        place = self.workspace.directory / "agent-target.bin"
        self.agent = Agent(
            self.workspace,
            software={"layout": self.layout, "upload_directory": str(self.uploads), "associations": "own",
                      "reboot_guard": False, **self.software},
            machine={"name": "testboard"},
            targets=[{"id": 1, "name": "bmc", "type": "file", "path": str(place), "purpose": "BMC",
                      "member": "image-bmc", "version_file": str(self.version_file),
                      "restart": {"what": "bmc", "command": ["/usr/bin/touch", str(self.restarted)]}, **self.target}],
            **self.sections)
        self.service = MANAGER if self.layout == "current" else UPDATER
        self.await_names()
        self.client = Client(self.bus)

    def await_names(self):
        watcher = dbus.bus.BusConnection(self.bus.address)
        watcher.set_exit_on_disconnect(False)
        names = [self.service if hasattr(self, "service") else MANAGER if self.layout == "current" else UPDATER, SETTINGS]
        wait_until(lambda: all(watcher.name_has_owner(name) for name in names), "the agent's names")
        watcher.close()

    def upload(self, content, name="upload-1"):
        """As bmcweb does it: the file is written where it lies, and closed."""
        self.uploads.mkdir(exist_ok=True)
        descriptor = os.open(self.uploads / name, os.O_CREAT | os.O_WRONLY, 0o440)
        with open(descriptor, "wb") as file:
            file.write(content)

    def uploaded(self, content, name="upload-1"):
        """The object that an upload becomes."""
        before = len(self.client.added(ACTIVATION))
        self.upload(content, name)
        return wait_until(lambda: self.client.added(ACTIVATION)[before:], "InterfacesAdded with Activation", 50)[0]

    def request(self, path, value=ACTIVE):
        self.client.set(self.service, path, ACTIVATION, "RequestedActivation", value)

    def running(self):
        """The path of what runs."""
        root = ROOT + ("/bmc" if self.layout == "current" else "")
        endpoints = self.client.get(self.service, root + "/functional", ASSOCIATION, "endpoints")
        self.assertEqual(len(endpoints), 1)
        return str(endpoints[0])

    def refused(self, name, function, *arguments):
        """The sentence of an error with this name."""
        with self.assertRaises(dbus.exceptions.DBusException) as caught:
            function(*arguments)
        self.assertEqual(caught.exception.get_dbus_name(), name, caught.exception)
        self.assertTrue(caught.exception.get_dbus_message())
        return caught.exception.get_dbus_message()

    def run_tool(self, *words):
        return subprocess.run([str(each) for each in words], capture_output=True, text=True, timeout=60, check=False,
                              env=self.workspace.environment)

    def tool(self, *words):
        done = self.run_tool(*words)
        self.assertEqual(done.returncode, 0, f"{words}\n{done.stdout}{done.stderr}")
        return done.stdout

    def holds_old(self):
        self.assertEqual(self.agent.target.read_bytes(), b"old firmware")


class Bmcweb2020(OnTheBus):
    """The older flow: a file, InterfacesAdded, one owner of Activation, RequestedActivation, signals."""

    layout = "2020"

    def test_upload_and_activate(self):
        path = self.uploaded(tarball())
        self.assertEqual(self.client.owners(path, ACTIVATION), [UPDATER])
        self.assertEqual(self.client.owners(path, VERSION), [IMAGE_MANAGER, UPDATER])
        self.assertEqual(word(self.client.get(UPDATER, path, ACTIVATION, "Activation")), "Ready")
        self.assertEqual(self.client.get(UPDATER, path, VERSION, "Version"), "2.0")
        self.assertEqual(word(self.client.get(UPDATER, path, VERSION, "Purpose")), "BMC")
        self.holds_old()
        self.request(path)
        self.assertEqual(self.client.wait_for(path, "Active", "Failed"), "Active")
        self.assertEqual(self.client.activations(path), ["Activating", "Active"])
        percents = [int(value) for value in self.client.values(path, "Progress")]
        self.assertEqual(percents, sorted(percents))
        self.assertEqual(percents[-1], 100)
        self.assertTrue(self.agent.holds(IMAGE))
        self.assertEqual(int(self.client.get(UPDATER, path, PRIORITY, "Priority")), 0)
        self.assertIn(path, self.client.get(UPDATER, ROOT + "/active", ASSOCIATION, "endpoints"))
        self.assertFalse(self.restarted.exists(), "nobody asked for a restart")
        self.assertEqual(self.client.owners(path, VERSION), [UPDATER], "the uploaded copy is done with")
        self.assertEqual(list(self.uploads.iterdir()), [])

    def test_apply_time_immediate_restarts(self):
        self.client.set(SETTINGS, ROOT + "/apply_time", APPLY_TIME, "RequestedApplyTime", IMMEDIATE)
        path = self.uploaded(tarball())
        self.request(path)
        self.assertEqual(self.client.wait_for(path, "Active", "Failed"), "Active")
        wait_until(self.restarted.exists, "the restart")

    def test_the_other_layout_has_no_start_update(self):
        self.refused("org.freedesktop.DBus.Error.UnknownMethod", self.client.call, UPDATER, self.running(), UPDATE,
                     "StartUpdate", 0, ON_RESET)


class StartUpdate(OnTheBus):
    """The present flow: a memfd, StartUpdate on the one endpoint of updateable, the task by PropertiesChanged."""

    def start(self, content, apply_time=ON_RESET):
        descriptor = os.memfd_create("image")
        try:
            os.write(descriptor, content)
            endpoints = self.client.get(MANAGER, ROOT + "/bmc/updateable", ASSOCIATION, "endpoints")
            self.assertEqual(len(endpoints), 1)
            return str(self.client.call(MANAGER, endpoints[0], UPDATE, "StartUpdate", dbus.types.UnixFd(descriptor),
                                        apply_time))
        finally:
            os.close(descriptor)

    def test_on_reset(self):
        allowed = self.client.get(MANAGER, self.running(), UPDATE, "AllowedApplyTimes")
        self.assertEqual(sorted(map(word, allowed)), ["Immediate", "OnReset"])
        path = self.start(tarball())
        self.assertEqual(self.client.wait_for(path, "Active", "Failed", "Invalid"), "Active")
        self.assertTrue(self.agent.holds(IMAGE))
        self.assertEqual(self.client.get(MANAGER, path, VERSION, "Version"), "2.0")
        time.sleep(3)  # longer than a restart is put off
        self.assertFalse(self.restarted.exists())
        log = self.fwupdate(self.agent.port, "log", "json").events("log")[0]
        self.assertEqual((log["result"], log["transport"]), ("programmed", "local"))

    def test_immediate(self):
        path = self.start(tarball(), IMMEDIATE)
        self.assertEqual(self.client.wait_for(path, "Active", "Failed", "Invalid"), "Active")
        wait_until(self.restarted.exists, "the restart")

    def test_what_is_no_image(self):
        for content in (b"garbage" * 1000, b"", tarball(machine="another"), tarball(manifest="version=2.0\n")):
            before = self.client.objects(MANAGER)
            path = self.start(content)
            self.assertEqual(self.client.wait_for(path, "Active", "Failed", "Invalid"), "Invalid")
            wait_until(lambda: self.client.objects(MANAGER) == before, "its object is gone")
            self.holds_old()
        self.assertEqual(self.client.wait_for(self.start(tarball()), "Active", "Failed", "Invalid"), "Active")

    def test_refusals(self):
        running = self.running()
        start = (self.client.call, MANAGER, running, UPDATE, "StartUpdate")
        with open(self.workspace.write("image", tarball()), "rb") as file:
            self.refused(PREFIX + "Common.Error.InvalidArgument", *start, dbus.types.UnixFd(file),
                         APPLY_TIME + ".RequestedApplyTimes.OnActivationRequest")
            self.refused("xyz.openbmc_project.sdbusplus.Error.InvalidEnumString", *start, dbus.types.UnixFd(file), "now")
        with open("/dev/null", "rb") as file:
            path = self.client.call(MANAGER, running, UPDATE, "StartUpdate", dbus.types.UnixFd(file), ON_RESET)
            self.assertEqual(self.client.wait_for(path, "Active", "Failed", "Invalid"), "Invalid")
        self.holds_old()


class OneMachine(OnTheBus):
    """An activation and an update by IPMI are one: who comes second is told who is there, and both see it."""

    def setUp(self):
        self.gate = None
        super().setUp()

    @property
    def target(self):
        """Its verification waits until the test opens the gate."""
        self.gate = self.workspace.directory / "gate"
        place = self.workspace.directory / "agent-target.bin"
        return {"restart": {"what": "nothing"}, "type": "handover", "path": str(self.workspace.directory / "handed-over"), "actions": {
            "verification": {"type": "command", "argv": [
                "/bin/sh", "-c", f"until [ -e {self.gate} ]; do sleep 0.05; done"]},
            "update": {"type": "command", "argv": ["/bin/sh", "-c", f'cat "$FWUPDATE_IMAGE" >{place}; echo "$FWUPDATE_VERSION" >{self.version_file}']}}}

    def test_ipmi_behind_an_activation(self):
        path = self.uploaded(tarball())
        self.request(path)
        status = wait_until(lambda: (lambda seen: seen if seen["state"] == "verify" else None)(self.status(self.agent.port)),
                            "verification")
        self.assertEqual((status["update_mode_held"], status["holder"]), (True, "D-Bus"), status)
        second = self.install(self.agent.port, self.workspace.write("image", tarball("3.0")))
        self.assertNotEqual(second.status, 0)
        self.assertIn("D-Bus", second.text)
        other = self.uploaded(tarball("4.0"), "upload-2")
        text = self.refused(PREFIX + "Common.Error.Unavailable", self.request, other)
        self.assertIn("2.0", text)
        self.refused(PREFIX + "Common.Error.Unavailable", self.client.call, MANAGER, path, DELETE, "Delete")
        self.gate.touch()
        self.assertEqual(self.client.wait_for(path, "Active", "Failed"), "Active")
        self.request(other)  # the refused request stored nothing: it may come again as it is
        self.assertEqual(self.client.wait_for(other, "Active", "Failed"), "Active")

    def test_activation_behind_ipmi(self):
        waiting = self.uploaded(tarball("4.0"))
        file = self.workspace.write("image", tarball("3.0"))
        install = self.lanplus(self.agent.port, "fwupdate", "install", file, "yes", "json")
        shown = wait_until(lambda: [path for path in self.client.added(PROGRESS) if path != waiting],
                           "the update by IPMI, on D-Bus")[0]
        wait_until(lambda: self.status(self.agent.port)["state"] == "verify", "verification")
        self.assertEqual(word(self.client.get(MANAGER, shown, ACTIVATION, "Activation")), "Activating")
        text = self.refused(PREFIX + "Common.Error.Unavailable", self.request, waiting)
        self.assertIn(harness.USER, text)
        self.assertEqual(word(self.client.get(MANAGER, waiting, ACTIVATION, "RequestedActivation")), "None")
        self.gate.touch()
        self.assertEqual(install.finish().status, 0)
        versions = wait_until(lambda: [path for path, interfaces in self.client.objects(MANAGER).items()
                                       if interfaces.get(VERSION, {}).get("Version") == "3.0"], "version 3.0 on D-Bus")
        self.assertEqual(word(self.client.get(MANAGER, versions[0], ACTIVATION, "Activation")), "Active")
        self.assertNotIn(shown, self.client.objects(MANAGER))

    def test_the_agent_is_killed(self):
        """In mid-activation: it has failed, nothing has changed, and it may be asked for again."""
        path = self.uploaded(tarball())
        self.request(path)
        wait_until(lambda: self.status(self.agent.port)["state"] == "verify", "verification")
        self.agent.kill()
        self.agent.start()
        self.await_names()
        self.assertEqual(word(self.client.get(MANAGER, path, ACTIVATION, "Activation")), "Failed")
        self.holds_old()
        self.gate.touch()
        self.request(path, NONE)
        self.request(path)
        self.assertEqual(self.client.wait_for(path, "Active"), "Active")


class Tools(OnTheBus):
    def test_busctl(self):
        path = self.uploaded(tarball())
        tree = self.tool("busctl", "--system", "tree", "--list", MANAGER)
        for each in (path, self.running(), ROOT + "/bmc", ROOT + "/bmc/functional", ROOT + "/bmc/updateable"):
            self.assertIn(each + "\n", tree)
        shown = self.tool("busctl", "--system", "introspect", MANAGER, path)
        for line in (ACTIVATION, VERSION, DELETE, REQUESTED_PRIORITY):
            self.assertIn(line, shown)
        rows = {parts[0]: parts for parts in (line.split() for line in shown.splitlines()) if parts}
        self.assertEqual(rows[".RequestedActivation"][1:3], ["property", "s"])
        self.assertIn("emits-change", rows[".Activation"])
        self.assertIn("writable", rows[".RequestedActivation"])
        self.assertIn("writable", rows[".Priority"])
        self.assertNotIn("writable", rows[".Version"])
        self.assertEqual(rows[".Delete"][1:3], ["method", "-"])
        self.assertEqual(self.tool("busctl", "--system", "get-property", MANAGER, path, VERSION, "Version"), 's "2.0"\n')
        self.tool("busctl", "--system", "set-property", MANAGER, path, ACTIVATION, "RequestedActivation", "s", ACTIVE)
        self.assertEqual(self.client.wait_for(path, "Active", "Failed"), "Active")
        rows = self.tool("busctl", "--system", "introspect", MANAGER, self.running())
        self.assertIn("StartUpdate", rows)
        self.assertIn("const", next(line for line in rows.splitlines() if ".AllowedApplyTimes" in line))

    def test_gdbus(self):
        path = self.uploaded(tarball())
        shown = self.tool("gdbus", "introspect", "--system", "--dest", MANAGER, "--object-path", path, "--xml")
        self.assertIn(f'<interface name="{ACTIVATION}">', shown)
        self.tool("gdbus", "call", "--system", "--dest", MANAGER, "--object-path", path, "--method", DELETE + ".Delete")
        self.assertNotIn(path, self.client.objects(MANAGER))
        self.assertIn(path, [str(arguments[0]) for member, _, arguments in self.client.hear()
                             if member == "InterfacesRemoved"])
        self.assertEqual(list(self.uploads.iterdir()), [])

    def test_delete_all(self):
        paths = [self.uploaded(tarball(f"2.{number}"), f"upload-{number}") for number in range(3)]
        running = self.running()
        self.client.call(MANAGER, ROOT + "/bmc", DELETE_ALL, "DeleteAll")
        left = self.client.objects(MANAGER)
        self.assertFalse([path for path in paths if path in left])
        self.assertIn(running, left)


class BadInput(OnTheBus):
    def test_properties(self):
        path = self.uploaded(tarball())
        wrong_enum = "xyz.openbmc_project.sdbusplus.Error.InvalidEnumString"
        self.refused(wrong_enum, self.request, path, "Active")
        self.refused(wrong_enum, self.request, path, ACTIVATION + ".RequestedActivations.Soon")
        self.refused(wrong_enum, self.client.set, SETTINGS, ROOT + "/apply_time", APPLY_TIME, "RequestedApplyTime", "")
        self.refused("org.freedesktop.DBus.Error.InvalidArgs", self.request, path, dbus.Int32(1))
        self.refused("org.freedesktop.DBus.Error.InvalidArgs", self.client.set, MANAGER, path, REQUESTED_PRIORITY,
                     "Priority", "high")
        self.refused("org.freedesktop.DBus.Error.PropertyReadOnly", self.client.set, MANAGER, path, VERSION, "Version",
                     "9.9")
        self.refused("org.freedesktop.DBus.Error.PropertyReadOnly", self.client.set, MANAGER, path, ACTIVATION,
                     "Activation", ACTIVATION + ".Activations.Active")
        self.refused("org.freedesktop.DBus.Error.UnknownObject", self.request, ROOT + "/ffffffff")
        self.refused("org.freedesktop.DBus.Error.UnknownProperty", self.client.get, MANAGER, path, VERSION, "Colour")
        self.refused("org.freedesktop.DBus.Error.UnknownProperty", self.client.get, MANAGER, path, PRIORITY, "Priority")
        self.refused("org.freedesktop.DBus.Error.UnknownMethod", self.client.call, MANAGER, path, DELETE, "Destroy")
        self.assertEqual(word(self.client.get(MANAGER, path, ACTIVATION, "Activation")), "Ready")
        self.holds_old()

    def test_what_runs_can_not_be_deleted(self):
        running = self.running()
        self.refused("org.freedesktop.DBus.Error.UnknownMethod", self.client.call, MANAGER, running, DELETE, "Delete")
        self.client.call(MANAGER, ROOT + "/bmc", DELETE_ALL, "DeleteAll")
        self.assertEqual(self.running(), running)

    def refused_upload(self, error, name="bad"):
        self.agent.program.wait_for(error.replace(".", r"\."))
        wait_until(lambda: not (self.uploads / name).exists(), "the upload is removed")
        self.assertEqual(self.client.added(ACTIVATION), [])

    def test_uploads(self):
        self.upload(b"garbage" * 5000, "bad")
        self.refused_upload(PREFIX + "Software.Image.Error.UnTarFailure")
        self.upload(b"", "empty")
        self.refused_upload("empty", "empty")
        self.upload(tarball(machine="another"), "foreign")
        self.refused_upload(PREFIX + "Software.Image.Error.ImageFailure", "foreign")
        self.upload(tarball(manifest="purpose=nothing\n"), "manifest")
        self.refused_upload(PREFIX + "Software.Image.Error.ManifestFileFailure", "manifest")
        secret = self.workspace.write("secret", tarball("6.6"))
        os.symlink(secret, self.uploads / "link")
        with open(self.uploads / "link", "ab"):  # closed after writing, through the link: nothing to see in the directory
            pass
        time.sleep(0.5)
        self.assertEqual(self.client.added(ACTIVATION), [])
        self.assertEqual(secret.read_bytes(), tarball("6.6"))
        self.assertTrue(self.uploaded(tarball(), "good"))

    def test_two_at_a_time(self):
        self.upload(tarball("2.1"), "first")
        self.upload(tarball("2.2"), "second")
        wait_until(lambda: len(self.client.added(ACTIVATION)) == 2, "both")
        self.upload(tarball("2.1"), "again")
        self.agent.program.wait_for("Version.Error.AlreadyExists")
        self.assertEqual(len(self.client.added(ACTIVATION)), 2)

    def test_an_incomplete_set_is_invalid(self):
        path = self.uploaded(tarball(member="image-kernel"))
        self.assertEqual(word(self.client.get(MANAGER, path, ACTIVATION, "Activation")), "Invalid")
        self.request(path)  # stored, and starts nothing
        time.sleep(0.5)
        self.assertEqual(word(self.client.get(MANAGER, path, ACTIVATION, "Activation")), "Invalid")
        self.client.call(MANAGER, path, DELETE, "Delete")

    def test_tftp(self):
        call = (self.client.call, DOWNLOAD, ROOT, TFTP, "DownloadViaTFTP")
        for file, server in (("", "127.0.0.1"), ("image", ""), ("..", "127.0.0.1"), ("///", "127.0.0.1")):
            self.refused(PREFIX + "Common.Error.InvalidArgument", *call, file, server)


class StagingFull(OnTheBus):
    sections = {"max_image_size": 1 << 20}

    def test_an_image_larger_than_staging(self):
        path = self.uploaded(tarball(image=make_image(2 << 20)))
        self.request(path)
        self.assertEqual(self.client.wait_for(path, "Active", "Failed"), "Failed")
        self.holds_old()
        self.client.call(MANAGER, path, DELETE, "Delete")
        path = self.uploaded(tarball("2.1"))
        self.request(path)
        self.assertEqual(self.client.wait_for(path, "Active", "Failed"), "Active")


class LeastVersion(OnTheBus):
    software = {"minimum_bmc_version": {"version": "v2.1.0", "pattern": "(v)([0-9]+).([0-9]+).([0-9]+)"}}

    def test_what_is_too_old(self):
        minimum = PREFIX + "Software.MinimumVersion"
        self.assertEqual(self.client.get(MANAGER, self.running(), minimum, "MinimumVersion"), "v2.1.0")
        path = self.uploaded(tarball("v2.0.9"))
        self.request(path)
        self.assertEqual(self.client.wait_for(path, "Active", "Failed"), "Failed")
        self.agent.program.wait_for("Software.Version.Error.Incompatible.*MIN_VERSION=v2.1.0 ACTUAL_VERSION=v2.0.9")
        self.holds_old()
        path = self.uploaded(tarball("v2.1.0"))
        self.request(path)
        self.assertEqual(self.client.wait_for(path, "Active", "Failed"), "Active")


class Signed(OnTheBus):
    """Nothing is programmed that nobody vouches for."""

    @property
    def sections(self):
        import verification
        root = verification.Authority(self.workspace.directory / "vendor", "Vendor Root")
        self.signer = root.signer()
        return {"verification": {"roots": str(self.workspace.directory / "vendor" / "root.pem")}}

    def test_unsigned(self):
        path = self.uploaded(tarball())
        self.request(path)
        self.assertEqual(self.client.wait_for(path, "Active", "Failed"), "Failed")
        self.agent.program.wait_for("Version.Error.InvalidSignature")
        self.holds_old()


class Remembered(OnTheBus):
    software = {"max_active": 2}

    def remembered(self):
        """Of every version what must not change with the agent."""
        kept = (VERSION, ACTIVATION, PRIORITY, REQUESTED_PRIORITY, PREFIX + "Common.FilePath")
        return {str(path): {interface: dict(interfaces.get(interface, {})) for interface in kept}
                for path, interfaces in self.client.objects(MANAGER).items() if VERSION in interfaces}

    def test_across_restarts(self):
        path = self.uploaded(tarball())
        self.request(path)
        self.assertEqual(self.client.wait_for(path, "Active", "Failed"), "Active")
        running = self.running()
        self.assertEqual(int(self.client.get(MANAGER, running, PRIORITY, "Priority")), 1)
        waiting = self.uploaded(tarball("3.0"), "upload-2")
        self.client.set(MANAGER, waiting, REQUESTED_PRIORITY, "Priority", dbus.Byte(5))
        self.client.set(SETTINGS, ROOT + "/apply_time", APPLY_TIME, "RequestedApplyTime", IMMEDIATE)
        before = self.remembered()
        self.assertEqual(len(before), 3)
        self.agent.kill()
        self.agent.start()
        self.await_names()
        self.assertEqual(self.remembered(), before)
        self.assertEqual(self.client.get(SETTINGS, ROOT + "/apply_time", APPLY_TIME, "RequestedApplyTime"), IMMEDIATE)

    def test_one_version_for_each_priority(self):
        path = self.uploaded(tarball())
        self.request(path)
        self.assertEqual(self.client.wait_for(path, "Active", "Failed"), "Active")
        running = self.running()
        self.client.set(MANAGER, running, PRIORITY, "Priority", dbus.Byte(0))
        self.assertEqual(int(self.client.get(MANAGER, running, PRIORITY, "Priority")), 0)
        self.assertEqual(int(self.client.get(MANAGER, path, PRIORITY, "Priority")), 1)
        wait_until(lambda: self.client.values(path, "Priority") == [1], "the signal of the other's priority")
        self.client.call(MANAGER, path, DELETE, "Delete")
        self.assertNotIn(path, self.client.objects(MANAGER))

    def test_after_the_restart_it_runs(self):
        path = self.uploaded(tarball())
        self.request(path)
        self.assertEqual(self.client.wait_for(path, "Active", "Failed"), "Active")
        self.agent.program.end()
        self.version_file.write_text("2.0\n")  # as the BMC's restart does it
        self.agent.start()
        self.await_names()
        self.assertEqual(self.running(), path)

    def test_the_bus_is_restarted(self):
        before = self.client.objects(MANAGER)
        self.bus.stop()
        time.sleep(0.5)
        self.bus.start()
        self.await_names()
        self.client = Client(self.bus)
        self.assertEqual(self.client.objects(MANAGER), before)
        self.assertTrue(self.uploaded(tarball()))


if __name__ == "__main__":
    harness.main()
