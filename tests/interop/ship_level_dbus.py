#!/usr/bin/python3
"""The minimum ship level on a private bus: an inventory and an object mapper that no one here wrote, ship-level-check as a
unit runs it, the agent's setting, and what it tells the inventory."""

import json
import subprocess
import time

import harness
from harness import Agent, Case, built, require, require_module, wait_until

require("dbus-daemon", "busctl")
require_module("dbus")
require_module("gi")

import dbus  # noqa: E402  (after the module is known to be there)
import dbus.bus  # noqa: E402
import dbus.service  # noqa: E402
from gi.repository import GLib  # noqa: E402

from message_bus import PrivateBus  # noqa: E402

ROOT = "/xyz/openbmc_project/inventory"
MANAGER = "xyz.openbmc_project.Inventory.Manager"
MAPPER = "xyz.openbmc_project.ObjectMapper"
MAPPER_PATH = "/xyz/openbmc_project/object_mapper"
DECORATOR = "xyz.openbmc_project.Inventory.Decorator.MeetsMinimumShipLevel"
PROPERTY = "MeetsMinimumShipLevel"
PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
SETTINGS = "xyz.openbmc_project.Settings"
SETTING_PATH = "/xyz/openbmc_project/control/minimum_ship_level_required"
SETTING = "xyz.openbmc_project.Control.MinimumShipLevel"
REQUIRED = "MinimumShipLevelRequired"
FAN = ROOT + "/system/fan0"
MET, NOT_MET = 0, 1


def take_turns():
    while GLib.MainContext.default().iteration(False):
        pass


class Item(dbus.service.Object):
    """An inventory object that has the property, with a value of any type."""

    def __init__(self, connection, path, value):
        super().__init__(connection, path)
        self.value = value

    @dbus.service.method(PROPERTIES, in_signature="ss", out_signature="v")
    def Get(self, interface, name):
        if self.value is None:
            raise dbus.exceptions.DBusException("no such property", name="org.freedesktop.DBus.Error.UnknownProperty")
        return self.value


class Inventory(dbus.service.Object):
    """The inventory manager: its objects, and what it was notified of."""

    def __init__(self, bus):
        self.link = dbus.bus.BusConnection(bus.address)
        self.link.set_exit_on_disconnect(False)
        self.link.request_name(MANAGER)
        super().__init__(self.link, ROOT)
        self.levels = {}
        self.notified = []
        self.items = []

    def add(self, path, value):
        self.levels[path] = value
        self.items.append(Item(self.link, path, value))

    @dbus.service.method(OBJECT_MANAGER, out_signature="a{oa{sa{sv}}}")
    def GetManagedObjects(self):
        return {path: {DECORATOR: {PROPERTY: value}} for path, value in self.levels.items()}

    @dbus.service.method(MANAGER, in_signature="a{oa{sa{sv}}}")
    def Notify(self, objects):
        for path, interfaces in objects.items():
            self.notified.append((str(path), bool(interfaces[DECORATOR][PROPERTY])))
            self.levels[ROOT + str(path)] = dbus.Boolean(interfaces[DECORATOR][PROPERTY])

    def close(self):
        self.link.close()


class Mapper(dbus.service.Object):
    """Tells who has which paths; may also not answer at all."""

    def __init__(self, bus, paths, owner=MANAGER, hangs=False):
        self.link = dbus.bus.BusConnection(bus.address)
        self.link.set_exit_on_disconnect(False)
        self.link.request_name(MAPPER)
        super().__init__(self.link, MAPPER_PATH)
        self.paths, self.owner, self.hangs = paths, owner, hangs

    @dbus.service.method(MAPPER, in_signature="sias", out_signature="a{sa{sas}}",
                         async_callbacks=("answer", "refuse"))
    def GetSubTree(self, root, depth, interfaces, answer, refuse):
        if self.hangs:
            return
        assert (root, depth, interfaces) == (ROOT, 0, [DECORATOR]), (root, depth, interfaces)
        if self.paths:
            answer({path: {self.owner: [DECORATOR]} for path in self.paths})
        else:
            refuse(dbus.exceptions.DBusException(
                "nothing", name="xyz.openbmc_project.Common.Error.ResourceNotFound"))


class ShipLevel(Case):
    def setUp(self):
        super().setUp()
        self.bus = PrivateBus(self.workspace)
        self.version = self.workspace.write("fan-version", b"2.0\n")
        self.settings = self.workspace.directory / "settings"
        self.section = {"settings": str(self.settings), "rules": [
            {"name": "fan controller", "type": "version", "file": str(self.version), "at_least": "2.0",
             "inventory": ROOT + "/system/fan_controller", "remedy": "update it"}]}
        self.inventory = None

    def start_inventory(self, **levels):
        self.inventory = Inventory(self.bus)
        self.addCleanup(self.inventory.close)
        for name, value in levels.items():
            self.inventory.add(f"{ROOT}/system/{name}", value)

    def check(self, *words):
        """ship-level-check, while this process answers for the services: (status, text)."""
        file = self.workspace.write("check.json", json.dumps({"ship_level": self.section}).encode())
        program = subprocess.Popen([built("bmc-agent/ship-level/ship-level-check"), "--config", str(file), *words],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env=self.workspace.environment)
        end = time.monotonic() + 60
        while program.poll() is None and time.monotonic() < end:
            take_turns()
            time.sleep(0.005)
        status = program.wait(1)
        with program.stdout as output:
            return status, output.read()

    def require(self, value):
        file = self.settings / "xyz/openbmc_project/control/minimum_ship_level_required__"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"value0": {"cereal_class_version": 2, REQUIRED: value}}))


class Check(ShipLevel):
    def test_nobody_there(self):
        self.assertEqual(self.check(), (MET, "met\n"))

    def test_inventory_without_a_mapper(self):
        self.start_inventory(fan0=True, psu0=True)
        self.assertEqual(self.check(), (MET, "met\n"))
        self.inventory.levels[FAN] = False
        status, text = self.check("--quiet")
        self.assertEqual(status, NOT_MET)
        self.assertEqual(text, f"{FAN} says that it does not meet the minimum ship level\n"
                               "not met: the host may not start\n")
        self.require(False)
        self.assertEqual(self.check()[0], MET)
        self.require(True)
        self.assertEqual(self.check("--no-bus"), (MET, "met\n"))

    def test_inventory_by_the_mapper(self):
        self.start_inventory(fan0=False, psu0=False)
        mapper = Mapper(self.bus, [FAN])
        self.addCleanup(mapper.link.close)
        status, text = self.check()
        self.assertEqual((status, text.count("says that")), (NOT_MET, 1), text)
        mapper.paths = []
        self.assertEqual(self.check(), (MET, "met\n"))

    def test_our_rules_speak_for_their_items(self):
        """An item that a rule speaks of is told once, by the rule."""
        self.version.write_bytes(b"1.9\n")
        self.start_inventory(fan_controller=False)
        status, text = self.check()
        self.assertEqual(status, NOT_MET)
        self.assertEqual(text.splitlines()[0], "fan controller: version 1.9 is older than 2.0; update it")
        self.assertEqual(len(text.splitlines()), 2)

    def test_what_is_no_level(self):
        self.start_inventory(fan0="yes", psu0=dbus.Int32(1))
        status, text = self.check()
        self.assertEqual((status, text.count("says that")), (NOT_MET, 2), text)

    def test_a_mapper_that_lies(self):
        self.start_inventory(fan0=True, gone=None)
        mapper = Mapper(self.bus, [FAN, ROOT + "/system/gone", ROOT + "/system/never"])
        self.addCleanup(mapper.link.close)
        status, text = self.check()
        self.assertEqual(status, MET)
        self.assertIn("warning: what inventory objects say is not known in full", text)
        mapper.owner = "xyz.openbmc_project.Nobody"
        status, text = self.check()
        self.assertEqual(status, MET)
        self.assertIn("does not answer", text)

    def test_a_mapper_that_hangs(self):
        mapper = Mapper(self.bus, [], hangs=True)
        self.addCleanup(mapper.link.close)
        begun = time.monotonic()
        status, text = self.check("--wait", "2")
        self.assertLess(time.monotonic() - begun, 20)
        self.assertEqual(status, MET)
        self.assertIn("D-Bus does not answer within 2 s", text)

    def test_no_bus(self):
        self.bus.stop()
        status, text = self.check()
        self.assertEqual(status, MET)
        self.assertIn("warning", text)
        self.version.write_bytes(b"1.9\n")
        self.assertEqual(self.check()[0], NOT_MET)


class TheAgent(ShipLevel):
    """Its setting, what it tells the inventory, and its plan."""

    software = None

    def start_agent(self):
        sections = {"software": self.software} if self.software else {}
        self.agent = Agent(self.workspace, ship_level=self.section, **sections)
        self.client = dbus.bus.BusConnection(self.bus.address)
        self.client.set_exit_on_disconnect(False)
        wait_until(lambda: self.client.name_has_owner(SETTINGS), "the setting")

    def setting(self, value=None):
        proxy = self.client.get_object(SETTINGS, SETTING_PATH, introspect=False)
        if value is None:
            return bool(proxy.Get(SETTING, REQUIRED, dbus_interface=PROPERTIES))
        return proxy.Set(SETTING, REQUIRED, dbus.Boolean(value, variant_level=1), dbus_interface=PROPERTIES)

    def plan(self):
        image = self.workspace.write("image", harness.make_image(5000))
        return self.fwupdate(self.agent.port, "plan", image).text

    def test_setting(self):
        self.start_agent()
        changes = []
        self.client.add_signal_receiver(lambda *arguments: changes.append(arguments), path=SETTING_PATH,
                                        dbus_interface=PROPERTIES)
        self.assertTrue(self.setting())
        self.setting(True)  # as it is: no write, no signal
        self.assertFalse(self.settings.exists())
        self.setting(False)
        self.assertFalse(self.setting())
        file = self.settings / "xyz/openbmc_project/control/minimum_ship_level_required__"
        self.assertEqual(json.loads(file.read_text()), {"value0": {"cereal_class_version": 2, REQUIRED: False}})
        wait_until(lambda: (take_turns(), changes)[1], "the signal")
        self.assertEqual([(str(interface), {str(key): bool(each) for key, each in values.items()})
                          for interface, values, _ in changes], [(SETTING, {REQUIRED: False})])
        self.version.write_bytes(b"1.9\n")
        self.assertEqual(self.check()[0], MET)
        self.agent.kill()
        self.agent.start()
        wait_until(lambda: self.client.name_has_owner(SETTINGS), "the setting")
        self.assertFalse(self.setting())
        with self.assertRaises(dbus.exceptions.DBusException) as caught:
            self.client.get_object(SETTINGS, SETTING_PATH, introspect=False).Set(
                SETTING, REQUIRED, dbus.String("no", variant_level=1), dbus_interface=PROPERTIES)
        self.assertEqual(caught.exception.get_dbus_name(), "org.freedesktop.DBus.Error.InvalidArgs")
        objects = self.client.get_object(SETTINGS, "/", introspect=False).GetManagedObjects(
            dbus_interface=OBJECT_MANAGER)
        self.assertIn(SETTING, objects[SETTING_PATH])

    def test_plan(self):
        self.start_agent()
        self.assertIn("the minimum ship level is met", self.plan())
        self.version.write_bytes(b"1.9\n")
        text = self.plan()
        self.assertIn("fan controller: version 1.9 is older than 2.0; update it", text)
        self.assertIn("the host may not start", text)

    def test_the_inventory_is_told(self):
        self.version.write_bytes(b"1.9\n")
        self.start_inventory(fan0=True)
        self.start_agent()
        controller = "/system/fan_controller"

        def told(value):
            take_turns()
            return (controller, value) in self.inventory.notified
        wait_until(lambda: told(False), "the inventory hears of the fan controller")
        self.version.write_bytes(b"2.0\n")
        wait_until(lambda: told(True), "the inventory hears that it is well again", 40)
        self.assertNotIn(FAN.removeprefix(ROOT), [path for path, _ in self.inventory.notified])


class WithSoftware(TheAgent):
    """Setting and apply time have one name on the bus."""

    @property
    def software(self):
        return {"upload_directory": str(self.workspace.directory / "images"), "reboot_guard": False}

    def test_both(self):
        self.start_agent()
        objects = self.client.get_object(SETTINGS, "/", introspect=False).GetManagedObjects(
            dbus_interface=OBJECT_MANAGER)
        self.assertIn(SETTING_PATH, objects)
        self.assertIn("/xyz/openbmc_project/software/apply_time", objects)


class Foreign(ShipLevel):
    """Where phosphor-settingsd has the settings, they are followed."""

    def test_setting(self):
        self.section["setting"] = "bus"
        self.version.write_bytes(b"1.9\n")
        link = dbus.bus.BusConnection(self.bus.address)
        link.set_exit_on_disconnect(False)
        self.addCleanup(link.close)
        link.request_name(SETTINGS)
        item = Item(link, SETTING_PATH, dbus.Boolean(True))
        self.assertEqual(self.check()[0], NOT_MET)
        item.value = dbus.Boolean(False)
        self.assertEqual(self.check()[0], MET)
        item.value = "perhaps"
        self.assertEqual(self.check()[0], NOT_MET)


if __name__ == "__main__":
    harness.main()
