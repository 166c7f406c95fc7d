#!/usr/bin/python3
"""DownloadViaTFTP of OpenBMC's software objects, from tftpd-hpa: a file that comes is an upload as any other.

The first line of a test is a row of NETWORK.md: scenario -> outcome.
"""

import time

import harness
import network_case
from harness import wait_until
from network_servers import TftpdHpa

import software_dbus
from software_dbus import ACTIVATION, DOWNLOAD, IMAGE, PREFIX, ROOT, TFTP, tarball, word

INTERNAL_FAILURE = PREFIX + "Common.Error.InternalFailure"


class ByTftp(software_dbus.OnTheBus):
    sections = {"network": {**network_case.LOOPBACK, "require_digest": False}, "max_image_size": 8 << 20}

    @classmethod
    def setUpClass(cls):
        cls.folder = network_case.Folder()
        cls.addClassCleanup(cls.folder.workspace.close)

    def download(self, file, server="127.0.0.1"):
        self.client.call(DOWNLOAD, ROOT, TFTP, "DownloadViaTFTP", file, server)

    def test_download(self):
        """DownloadViaTFTP on D-Bus, tftpd-hpa -> an upload that can be activated"""
        self.folder.write("image two.tar", tarball())
        TftpdHpa(self.workspace, self.folder.path)
        begun = time.monotonic()
        self.download("image two.tar")
        self.assertLess(time.monotonic() - begun, 5, "it returns at once")
        path = wait_until(lambda: self.client.added(ACTIVATION), "InterfacesAdded with Activation", 50)[0]
        self.request(path)
        self.assertEqual(self.client.wait_for(path, "Active", "Failed"), "Active")
        self.assertTrue(self.agent.holds(IMAGE))
        self.assertEqual([each for each in self.uploads.iterdir() if each.is_file()], [])

    def test_not_found(self):
        """DownloadViaTFTP on D-Bus, no such file -> told in the log, the next one works"""
        self.folder.write("image.tar", tarball())
        TftpdHpa(self.workspace, self.folder.path)
        self.download("nothing.tar")
        self.agent.program.wait_for("A download failed")
        self.assertEqual(self.client.added(ACTIVATION), [])
        self.download("image.tar")
        path = wait_until(lambda: self.client.added(ACTIVATION), "InterfacesAdded with Activation", 50)[0]
        self.assertEqual(word(self.client.get(self.service, path, ACTIVATION, "Activation")), "Ready")

    def test_too_large(self):
        """DownloadViaTFTP on D-Bus, more than staging takes -> dropped"""
        self.folder.write("large.tar", bytes(9 << 20))
        TftpdHpa(self.workspace, self.folder.path)
        self.download("large.tar")
        self.agent.program.wait_for("A download failed.*larger than")
        self.assertEqual([each for each in self.uploads.rglob("*") if each.is_file()], [])

    def test_one_at_a_time(self):
        """DownloadViaTFTP on D-Bus, a second one meanwhile -> refused; a server that is silent -> told in the log"""
        self.download("image.tar")
        text = self.refused(INTERNAL_FAILURE, self.download, "other.tar")
        self.assertIn("image.tar", text)
        self.agent.program.wait_for("A download failed", seconds=90)


class NothingVouches(software_dbus.OnTheBus):
    sections = {"network": network_case.LOOPBACK}

    def test_refused(self):
        """DownloadViaTFTP on D-Bus, neither signatures nor digests are required -> refused"""
        text = self.refused(INTERNAL_FAILURE, self.client.call, DOWNLOAD, ROOT, TFTP, "DownloadViaTFTP", "image.tar",
                            "127.0.0.1")
        self.assertIn("require signatures", text)
        text = self.refused(INTERNAL_FAILURE, self.client.call, DOWNLOAD, ROOT, TFTP, "DownloadViaTFTP", "image.tar",
                            "8.8.8.8")
        self.assertTrue(text)


if __name__ == "__main__":
    network_case.main("tftpd-hpa")
