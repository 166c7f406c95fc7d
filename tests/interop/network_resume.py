#!/usr/bin/python3
"""What is staged under a name is not fetched again: after a kill of the agent, and after a stream that brought a part.

The first line of a test is a row of NETWORK.md: scenario -> outcome.
"""

import network_case
import network_nginx
import network_vsftpd
from harness import make_image
from network_case import IMAGE, OLD, digest_of
from network_servers import TftpdHpa
from network_updater import BLOCK, COMPLETE, ERROR, READY, SET_URI, Code
from network_vsftpd import Vsftpd

SLACK = 3 * BLOCK  # the block that was begun, and what was on its way


class Kills(network_nginx.Case):
    """kill -9 of the agent in mid-download."""

    def kill_and_resume(self, slow, uri):
        """Blocks that were here when the image was named again; it is ready at the end."""
        updater = self.start_agent()
        self.begin(updater, slow)
        updater.wait_for_bytes(10 * BLOCK)
        self.agent.kill()
        self.assertEqual(self.agent.target.read_bytes(), OLD)
        self.agent.start()
        updater = self.open_session().enter()
        _, _, present = updater.name(len(IMAGE), digest_of(IMAGE))
        self.assertGreaterEqual(present, 10)
        updater.control(SET_URI, uri)
        updater.control(COMPLETE)
        self.assertEqual(updater.wait_for_end().state, READY, updater.reason())
        self.assertTrue(self.agent.holds(IMAGE))
        return present

    def test_http(self):
        """kill -9 in mid-download by http, named -> only what is missing is fetched, ready"""
        present = self.kill_and_resume("http://127.0.0.1/slow/image.bin", self.good)
        request, = self.wait_for_requests(1, path="/image.bin")
        self.assertEqual(request["range"], f"bytes={present * BLOCK}-")
        self.assertEqual((request["status"], request["bytes"]), (206, len(IMAGE) - present * BLOCK))

    def test_ftp(self):
        """kill -9 in mid-download by ftp, named -> REST, only what is missing is fetched, ready"""
        Vsftpd(self.workspace, self.folder.path, port=2121, rate=700_000)
        server = Vsftpd(self.workspace, self.folder.path)
        present = self.kill_and_resume("ftp://127.0.0.1:2121/image.bin", "ftp://127.0.0.1/image.bin")
        self.assertEqual(server.commands("REST"), [f"REST {present * BLOCK}"])

    def test_tftp_after_http(self):
        """kill -9 in mid-download by http, then tftp, which has no ranges -> fetched anew, ready"""
        TftpdHpa(self.workspace, self.folder.path)
        self.kill_and_resume("http://127.0.0.1/slow/image.bin", "tftp://127.0.0.1/image.bin")

    def test_without_a_name(self):
        """kill -9 in mid-download, only 2Bh's digest -> nothing is kept, fetched anew, ready"""
        updater = self.start_agent()
        self.begin(updater, "http://127.0.0.1/slow/image.bin", named=False)
        updater.wait_for_bytes(10 * BLOCK)
        self.agent.kill()
        self.agent.start()
        self.assert_fetches(self.open_session().enter(), self.good, named=False)
        request, = self.wait_for_requests(1, path="/image.bin")
        self.assertEqual((request["range"], request["bytes"]), ("", len(IMAGE)))


    def test_another_file_meanwhile(self):
        """kill -9 in mid-download of what turns out to be another file -> error, digest_mismatch; then fetched anew, ready"""
        self.folder.write("image.bin", make_image(len(IMAGE), seed=9))
        self.addCleanup(self.folder.write, "image.bin", IMAGE)
        updater = self.start_agent()
        self.begin(updater, "http://127.0.0.1/slow/image.bin")
        updater.wait_for_bytes(10 * BLOCK)
        self.agent.kill()
        self.folder.write("image.bin", IMAGE)
        self.agent.start()
        updater = self.open_session().enter()
        self.begin(updater, self.good)
        self.assertEqual(updater.wait_for_end().state, ERROR)
        self.check_reason(updater.reason(), Code.DIGEST_MISMATCH, ["SHA-256"])
        self.assertEqual(self.agent.target.read_bytes(), OLD)
        self.assert_fetches(updater, self.good)


class StreamFirst(network_nginx.Case):
    """45h brings a part of the image, the server the rest."""

    def streamed(self, *numbers):
        """Only these blocks are here; the request that brought the rest."""
        updater = self.start_agent()
        transfer, fragment_size, _ = updater.name(len(IMAGE), digest_of(IMAGE))
        for number in numbers:
            updater.write_block(transfer, fragment_size, number, IMAGE[number * BLOCK:(number + 1) * BLOCK])
        self.assertEqual(updater.blocks_present(transfer), len(numbers))
        updater.control(SET_URI, self.good)
        updater.control(COMPLETE)
        self.assertEqual(updater.wait_for_end().state, READY, updater.reason())
        self.assertTrue(self.agent.holds(IMAGE))
        return self.wait_for_requests(1)

    def test_beginning(self):
        """the first blocks by 45h, the rest by http -> one request with a Range, ready"""
        request, = self.streamed(*range(5))
        self.assertEqual((request["range"], request["bytes"]), (f"bytes={5 * BLOCK}-", len(IMAGE) - 5 * BLOCK))

    def test_pieces(self):
        """blocks here and there by 45h, the rest by http -> not more than from the first missing one on, ready"""
        requests = self.streamed(0, 1, 2, 7, 20)
        self.assertLessEqual(sum(request["bytes"] for request in requests), len(IMAGE) - 3 * BLOCK)

    def test_everything(self):
        """all blocks by 45h, then a URI -> ready; not more than a look at the server"""
        everything = range(-(-len(IMAGE) // BLOCK))
        updater = self.start_agent()
        transfer, fragment_size, _ = updater.name(len(IMAGE), digest_of(IMAGE))
        for number in everything:
            updater.write_block(transfer, fragment_size, number, IMAGE[number * BLOCK:(number + 1) * BLOCK])
        updater.control(SET_URI, self.good)
        updater.control(COMPLETE)
        self.assertEqual(updater.wait_for_end().state, READY, updater.reason())
        self.assertTrue(self.agent.holds(IMAGE))
        self.assertLessEqual(sum(request["bytes"] for request in self.seen()), 1000)


if __name__ == "__main__":
    network_case.main("nginx", "vsftpd", "tftpd-hpa", prepare=network_vsftpd.make_users)
