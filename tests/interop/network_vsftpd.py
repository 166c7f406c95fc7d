"""vsftpd with users of the test's own, and a relay in front of it that breaks data connections off."""

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import threading

import archive
import harness
import network_namespace
from network_servers import descendants, wait_for_port

USER, PASSWORD = "fetcher", "vsftpd-password-5d1"

CONFIGURATION = """
listen=YES
listen_address=127.0.0.1
listen_port={port}
background=NO
seccomp_sandbox=NO
anonymous_enable=YES
anon_root={folder}
no_anon_password=YES
local_enable=YES
local_root={folder}
chroot_local_user=YES
allow_writeable_chroot=YES
secure_chroot_dir={here}/empty
pam_service_name=vsftpd
delay_failed_login=0
local_max_rate={rate}
anon_max_rate={rate}
xferlog_enable=YES
log_ftp_protocol=YES
vsftpd_log_file={here}/{name}.protocol
{more}
"""
TLS = """
ssl_enable=YES
implicit_ssl=YES
allow_anon_ssl=YES
force_local_data_ssl=YES
force_local_logins_ssl=YES
rsa_cert_file={certificate}
rsa_private_key_file={key}
"""


def make_users(directory):
    """The programs of this script see these users, and PAM that asks for their passwords, in the place of the machine's."""
    hashed = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, text=True, capture_output=True,
                            check=True).stdout.strip()
    users = {"root": (0, "*"), "nobody": (65534, "*"), "ftp": (990, "*"), USER: (991, hashed)}
    files = {
        "passwd": "".join(f"{name}:x:{number}:{number}::/:/bin/sh\n" for name, (number, _) in users.items()),
        "shadow": "".join(f"{name}:{secret}:19000:0:99999:7:::\n" for name, (_, secret) in users.items()),
    }
    for name, text in files.items():
        (directory / name).write_text(text)
        network_namespace.bind(directory / name, f"/etc/{name}")
    (directory / "pam.d").mkdir()
    (directory / "pam.d/vsftpd").write_text("auth required pam_unix.so nodelay\naccount required pam_permit.so\n"
                                            "session required pam_permit.so\n")
    network_namespace.bind(directory / "pam.d", "/etc/pam.d")


class Vsftpd:
    """`rate` is in bytes per second, 0: any. With a certificate it speaks implicit TLS."""

    def __init__(self, workspace, folder, port=21, rate=0, certificate=None, more=""):
        self.name = f"vsftpd-{port}"
        self.protocol = workspace.directory / f"{self.name}.protocol"
        (workspace.directory / "empty").mkdir(exist_ok=True)
        if certificate:
            more += TLS.format(certificate=certificate.file, key=certificate.key_file)
        file = workspace.write(f"{self.name}.conf", CONFIGURATION.format(
            here=workspace.directory, name=self.name, folder=folder, port=port, rate=rate, more=more).encode())
        program = archive.unpacked("vsftpd", harness.Settings.build / "servers") / "usr/sbin/vsftpd"
        self.program = workspace.start(self.name, [program, file])
        wait_for_port(port)

    def kill(self):
        """The listener and the processes of all sessions."""
        sessions = descendants(self.program.process.pid)
        self.program.end(signal.SIGKILL)
        for session in sessions:
            with contextlib.suppress(ProcessLookupError):
                os.kill(session, signal.SIGKILL)

    def commands(self, *words):
        """The arguments of these commands, in the order they came in."""
        text = self.protocol.read_text(errors="replace") if self.protocol.exists() else ""
        return re.findall(rf'FTP command: Client ".*?", "((?:{"|".join(words)})\b[^"]*)"', text)


class FtpRelay:
    """Hands an FTP control connection on, and its passive data connections through itself: the first `times` of them
    break off after `cut` bytes towards the client."""

    def __init__(self, server_port, cut, times=1, address="127.0.0.1"):
        self.server_port, self.cut, self.times = server_port, cut, times
        self.data_bytes = []  # of each data connection, to the client
        self.listener = socket.create_server((address, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._control, args=(client,), daemon=True).start()

    def _control(self, client):
        """Lines of the server's are looked at: the port of a data connection becomes one of the relay's own."""
        with client, socket.create_connection(("127.0.0.1", self.server_port)) as server:
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for source in ready:
                    try:
                        piece = source.recv(65536)
                    except OSError:
                        piece = b""
                    if not piece:
                        return
                    (client if source is server else server).sendall(
                        self._readdressed(piece) if source is server else piece)

    def _readdressed(self, piece):
        extended = re.search(rb"\(\|\|\|(\d+)\|\)", piece)
        if extended:
            port = self._data(int(extended[1]))
            return piece.replace(extended[0], b"(|||%d|)" % port)
        return piece

    def _data(self, server_port):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(10)
        threading.Thread(target=self._hand_on, args=(listener, server_port), daemon=True).start()
        return listener.getsockname()[1]

    def _hand_on(self, listener, server_port):
        with listener:
            client, _ = listener.accept()
        limit = self.cut if len(self.data_bytes) < self.times else None
        number = len(self.data_bytes)
        self.data_bytes.append(0)
        with client, socket.create_connection(("127.0.0.1", server_port)) as server:
            while piece := server.recv(16384):
                if limit is not None:
                    piece = piece[:limit - self.data_bytes[number]]
                if not piece:
                    return
                try:
                    client.sendall(piece)
                except OSError:
                    return
                self.data_bytes[number] += len(piece)
