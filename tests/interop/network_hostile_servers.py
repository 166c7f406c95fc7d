"""Servers of the test's own, which do what no honest one does, and remember what was asked of them."""

import re
import select
import socket
import ssl
import struct
import threading
import time


class Peer:
    """A connection to a server, and what a client said on it."""

    def __init__(self, connection, head=b""):
        self.connection = connection
        self.head = head

    @property
    def path(self):
        words = self.head.split(b" ", 2)
        return words[1].decode() if len(words) > 1 else ""

    def header(self, name):
        found = re.search(rf"^{name}: *(.*?)\r?$".encode(), self.head, re.I | re.M)
        return found[1].decode() if found else None

    def send(self, data):
        self.connection.sendall(data)

    def answer(self, body=b"", status="200 OK", headers=(), length=None):
        """A whole answer; `length` if it is to name another one than the body's."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def read_head(self):
        """The next request's lines; empty at the end."""
        self.head = b""
        while b"\r\n\r\n" not in self.head:
            piece = self.connection.recv(4096)
            if not piece:
                return b""
            self.head += piece
        return self.head

    def wait_for_end(self):
        """Until the client closes."""
        while self.connection.recv(65536):
            pass

    def reset(self):
        """Ends it as a crashed machine does (RST)."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


class Server:
    """Runs `behave(peer)` for each connection, in a thread of its own. `certificate`: with TLS."""

    def __init__(self, behave, address="127.0.0.1", port=8080, certificate=None, prepare_tls=None):
        self.behave = behave
        self.connections = 0
        self.open = 0
        self.lock = threading.Lock()
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate.file, certificate.key_file)
            if prepare_tls:
                prepare_tls(self.tls)
        self.listener = socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        """Nobody new is served; the connections that are open come to their ends by themselves."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes up who accepts
        except OSError:
            pass
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with self.lock:
            self.connections += 1
            self.open += 1
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                self.behave(Peer(connection))
        except OSError:
            pass  # the client went, as it should
        finally:
            with self.lock:
                self.open -= 1


class HttpServer(Server):
    """Runs `respond(peer)` for each request; `requests` has them all."""

    def __init__(self, respond, **how):
        self.respond = respond
        self.requests = []
        super().__init__(self._converse, **how)

    def _converse(self, peer):
        while peer.read_head():
            self.requests.append(Peer(None, peer.head))
            self.respond(peer)


def serve(files, headers=()):
    """An honest answer: these bytes by path, whole or from the first byte of a range on."""
    def respond(peer):
        body = files.get(peer.path.split("?")[0])
        wanted = re.match(r"bytes=(\d+)-", peer.header("Range") or "")
        if body is None:
            peer.answer(b"no such file", "404 Not Found")
        elif wanted:
            first = int(wanted[1])
            peer.answer(body[first:], "206 Partial Content", [f"Content-Range: bytes {first}-{len(body) - 1}/{len(body)}",
                                                              *headers])
        else:
            peer.answer(body, headers=headers)
    return respond


def redirect(location, status="302 Found"):
    return lambda peer: peer.answer(status=status, headers=[f"Location: {location}"])


def trickle(data, pause, first=b""):
    """`first` at once, then byte after byte."""
    def respond(peer):
        peer.send(first)
        for byte in data:
            peer.send(bytes([byte]))
            time.sleep(pause)
    return respond


def hold(first=b""):
    """`first`, and never anything more."""
    def respond(peer):
        peer.send(first)
        peer.wait_for_end()
    return respond


def cut_off(data):
    """`data`, and then the connection ends, within TLS without a word."""
    def respond(peer):
        peer.send(data)
        peer.connection.close()
    return respond


def endless(head, piece):
    """`head`, and then `piece` again and again, as long as somebody listens."""
    def respond(peer):
        peer.send(head)
        while True:
            peer.send(piece)
    return respond


class CuttingProxy(Server):
    """Hands TCP on to a server. The first `times` connections break off after `cut` bytes towards the client."""

    def __init__(self, server_port, cut, times=1, reset=False, port=8080, server_address="127.0.0.1"):
        self.target = (server_address, server_port)
        self.cut, self.times, self.reset = cut, times, reset
        self.handed = []  # bytes towards the client, of each connection
        super().__init__(self._hand_on, port=port)

    def _hand_on(self, peer):
        with self.lock:
            number = len(self.handed)
            self.handed.append(0)
        left = self.cut if number < self.times else None
        with socket.create_connection(self.target) as server:
            while left is None or self.handed[number] < left:
                ready, _, _ = select.select([server, peer.connection], [], [])
                if peer.connection in ready:
                    asked = peer.connection.recv(16384)
                    if not asked:
                        return
                    server.sendall(asked)
                if server in ready:
                    piece = server.recv(16384 if left is None else min(16384, left - self.handed[number]))
                    if not piece:
                        return
                    peer.send(piece)
                    self.handed[number] += len(piece)
        if self.reset:
            time.sleep(0.2)  # a reset drops what the client has not read yet
            peer.reset()


class FullBacklog:
    """Listens and never accepts, with no room for one more: who connects waits."""

    def __init__(self, address="127.0.0.1", port=8080):
        self.listener = socket.create_server((address, port), backlog=0)
        self.waiting = []
        for _ in range(8):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex((address, port))
            self.waiting.append(one)

    def close(self):
        for one in (self.listener, *self.waiting):
            one.close()
