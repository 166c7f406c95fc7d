#!/usr/bin/env python3
"""fwsign against OpenSSL's command line, with keys and certificates made for this run only.

    fwsign_test.py FWSIGN
"""

import io
import os
import pathlib
import resource
import subprocess
import sys
import tarfile
import tempfile
import unittest

FWSIGN = sys.argv.pop(1)
PREFIX = "xyz.openbmc_project.Software.Version.VersionPurpose."
EXTENSIONS = """
[root]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
[middle]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
[signer]
basicConstraints=CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=codeSigning
[server]
basicConstraints=CA:FALSE
extendedKeyUsage=serverAuth
[ca]
database=index.txt
serial=serial
default_md=sha256
default_crl_days=10
"""


def openssl(*arguments, directory):
    return subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True).stdout


def fwsign(*arguments):
    return subprocess.run([FWSIGN, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL)


class Pki:
    """Root, intermediate, signer and a web server, in a directory."""

    def __init__(self, directory):
        self.directory = directory
        (directory / "cnf").write_text(EXTENSIONS)
        (directory / "index.txt").write_text("")
        self.root("root")
        self.issue("middle", "root", "middle")
        self.issue("signer", "middle", "signer")
        self.issue("server", "middle", "server")
        self.root("stranger")
        self.issue("strange-signer", "stranger", "signer")

    def key(self, name):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key",
                directory=self.directory)

    def root(self, name):
        self.key(name)
        openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr",
                directory=self.directory)
        openssl("x509", "-req", "-in", f"{name}.csr", "-signkey", f"{name}.key", "-days", "30", "-extfile", "cnf",
                "-extensions", "root", "-out", f"{name}.pem", directory=self.directory)

    def issue(self, name, issuer, extensions, days="30"):
        self.key(name)
        openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr",
                directory=self.directory)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key",
                "-CAcreateserial", "-days", days, "-extfile", "cnf", "-extensions", extensions, "-out", f"{name}.pem",
                directory=self.directory)

    def revocation_list(self, issuer, revoked=()):
        (self.directory / "index.txt").write_text("")
        for name in revoked:
            openssl("ca", "-config", "cnf", "-name", "ca", "-cert", f"{issuer}.pem", "-keyfile", f"{issuer}.key",
                    "-revoke", f"{name}.pem", directory=self.directory)
        return openssl("ca", "-config", "cnf", "-name", "ca", "-gencrl", "-cert", f"{issuer}.pem", "-keyfile",
                       f"{issuer}.key", directory=self.directory)


class FwsignTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="fwupdate-fwsign-")
        cls.at = pathlib.Path(cls.temporary.name)
        cls.pki = Pki(cls.at)
        cls.image = cls.at / "image.bin"
        cls.image.write_bytes(bytes(range(256)) * 1000)
        cls.signature = cls.at / "image.sig"
        cls.signed = cls.at / "image.signed"

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def sign(self, output, *more, signer="signer", image=None):
        return fwsign("sign", "--key", self.at / f"{signer}.key", "--certificate", self.at / f"{signer}.pem", "--chain",
                      self.at / "middle.pem", "--output", output, *more, image or self.image)

    def verify(self, *arguments, roots="root"):
        return fwsign("verify", "--roots", self.at / f"{roots}.pem", *arguments)

    def good(self, done, part=""):
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(part, done.stdout)

    def bad(self, done, code, part):
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn(part, done.stderr)
        self.assertTrue(done.stderr.startswith("fwsign: "), done.stderr)

    def test_detached(self):
        self.good(self.sign(self.signature), "image.sig: a signature")
        self.good(self.verify("--signature", self.signature, self.image), 'good, by certificate "CN=signer", SHA256')
        self.bad(self.verify("--signature", self.signature, self.image, roots="stranger"), 1, "configured roots")
        other = self.at / "other.bin"
        other.write_bytes(b"x")
        self.bad(self.verify("--signature", self.signature, other), 1, "altered or swapped")
        self.bad(self.verify(self.image), 1, "not signed")

    def test_openssl_verifies_ours(self):
        self.good(self.sign(self.signature, "--digest", "sha512"))
        openssl("cms", "-verify", "-binary", "-inform", "DER", "-in", self.signature, "-content", self.image, "-CAfile",
                "root.pem", "-purpose", "any", "-out", os.devnull, directory=self.at)

    def test_ours_verifies_openssl(self):
        for digest in "sha256", "sha384":
            openssl("cms", "-sign", "-binary", "-outform", "DER", "-md", digest, "-in", self.image, "-signer",
                    "signer.pem", "-inkey", "signer.key", "-certfile", "middle.pem", "-out", "theirs.sig",
                    directory=self.at)
            self.good(self.verify("--signature", self.at / "theirs.sig", self.image), digest.upper())
        for options, part in ((["-nodetach"], "content of its own"), (["-noattr"], "signed attributes"),
                              (["-nocerts"], "certificate"), (["-md", "sha1"], "weaker than SHA-256")):
            self.image.with_suffix(".small").write_bytes(b"small")
            openssl("cms", "-sign", "-binary", "-outform", "DER", *options, "-in", "image.small", "-signer", "signer.pem",
                    "-inkey", "signer.key", "-certfile", "middle.pem", "-out", "theirs.sig", directory=self.at)
            self.bad(self.verify("--signature", self.at / "theirs.sig", self.at / "image.small"), 1, part)

    def test_self_contained(self):
        self.good(self.sign(self.signed, "--self-contained"), "the image and its signature")
        data = self.signed.read_bytes()
        image = self.image.read_bytes()
        self.assertEqual(data[:len(image)], image)
        self.assertEqual(data[-8:], b"FWUPSIG1")
        self.assertEqual(int.from_bytes(data[-12:-8], "little"), len(data) - len(image) - 12)
        self.good(self.verify(self.signed), "trailer: good")
        self.bad(self.sign(self.at / "twice", "--self-contained", image=self.signed), 3, "signed image already")
        # Its signature is the same as a detached one.
        self.signature.write_bytes(data[len(image):-12])
        self.good(self.verify("--signature", self.signature, self.image))
        # A detached one beside a trailer is over the whole file; both must be good.
        broken = self.at / "broken"
        broken.write_bytes(b"X" + data[1:])
        self.bad(self.verify(broken), 1, "trailer: ")
        broken.write_bytes(data[:-13] + bytes([data[-13] ^ 1]) + data[-12:])
        self.bad(self.verify(broken), 1, "trailer: ")
        broken.write_bytes(data[:-12] + b"\xff\xff\0\0FWUPSIG1")
        self.bad(self.verify(broken), 1, "cannot have 65535 bytes")
        broken.write_bytes(data[:-12])
        self.bad(self.verify(broken), 1, "not signed")

    def test_refuses_to_sign_what_a_bmc_refuses(self):
        self.bad(self.sign(self.signature, signer="server"), 3, "code signing")
        self.pki.issue("expired", "middle", "signer", days="-1")
        self.bad(self.sign(self.signature, signer="expired"), 3, "has expired")
        self.bad(fwsign("sign", "--key", self.at / "root.key", "--certificate", self.at / "signer.pem", "--output",
                        self.signature, self.image), 3, "not of this key")

    def test_revocation(self):
        self.good(self.sign(self.signature))
        lists = self.at / "lists.pem"

        def verify():
            return self.verify("--revocation-lists", lists, "--signature", self.signature, self.image)

        lists.write_bytes(self.pki.revocation_list("root") + self.pki.revocation_list("middle"))
        self.good(verify())
        lists.write_bytes(self.pki.revocation_list("root"))
        self.bad(verify(), 1, "none of the configured revocation lists")
        lists.write_bytes(self.pki.revocation_list("root") + self.pki.revocation_list("middle", ["signer"]))
        self.bad(verify(), 1, '"CN=signer" is revoked')
        lists.write_bytes(b"")
        self.bad(verify(), 3, "is empty")

    def test_keys_with_passphrases_and_pkcs12(self):
        openssl("pkey", "-in", "signer.key", "-aes256", "-passout", "pass:secret", "-out", "locked.key", directory=self.at)
        openssl("pkcs12", "-export", "-inkey", "signer.key", "-in", "signer.pem", "-passout", "pass:secret", "-out",
                "locked.p12", directory=self.at)
        (self.at / "passphrase").write_text("secret\n")
        (self.at / "wrong").write_text("wrong\n")
        for key in "locked.key", "locked.p12":
            arguments = ["sign", "--key", self.at / key, "--certificate", self.at / "signer.pem", "--chain",
                         self.at / "middle.pem", "--output", self.signature, self.image]
            self.good(fwsign(*arguments, "--passphrase-file", self.at / "passphrase"))
            self.good(self.verify("--signature", self.signature, self.image))
            wrong = fwsign(*arguments, "--passphrase-file", self.at / "wrong")
            self.bad(wrong, 3, "passphrase")
            self.assertNotIn("secret", wrong.stderr)

    def test_errors_name_the_file(self):
        missing = self.at / "missing"
        self.bad(self.sign(self.signature, image=missing), 3, str(missing))
        self.bad(self.sign(missing / "x"), 3, str(missing))
        self.bad(self.sign(self.image), 3, "replace the image")
        self.bad(self.sign(self.signature, image=self.at), 3, "not a regular file")
        self.bad(self.verify("--signature", missing, self.image), 3, str(missing))
        self.bad(self.verify(self.image, roots="missing"), 3, "missing.pem")
        self.bad(fwsign("verify", self.image), 2, "--roots")
        self.assertEqual(fwsign("verify").returncode, 2)
        self.assertEqual(fwsign().returncode, 2)
        self.assertEqual(fwsign("sign", self.image).returncode, 2)
        self.assertEqual(self.sign(self.signature, "--digest", "sha1").returncode, 2)
        for arguments in ["--help"], ["sign", "--help"], ["verify", "--help"], ["--version"]:
            self.assertEqual(fwsign(*arguments).returncode, 0)
        empty = self.at / "empty"
        empty.write_bytes(b"")
        self.bad(self.sign(self.signature, image=empty), 3, "is empty")

    def test_nothing_is_left_where_writing_fails(self):
        before = sorted(self.at.iterdir())
        done = subprocess.run(["sh", "-c", 'trap "" XFSZ; ulimit -f 1; exec "$@"', "sh", FWSIGN, "sign", "--key",
                               self.at / "signer.key", "--certificate", self.at / "signer.pem", "--self-contained",
                               "--output", self.at / "large", self.image], capture_output=True, text=True)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(sorted(self.at.iterdir()), before)

    def tarball(self, system_key, members):
        """As OpenBMC's builds make it."""
        keys = self.at / "keys" / "OpenBMC"
        keys.mkdir(parents=True, exist_ok=True)
        for name in "system", "build":
            openssl("genrsa", "-out", f"{name}.rsa", "2048", directory=self.at)
        (keys / "publickey").write_bytes(openssl("rsa", "-in", system_key, "-pubout", directory=self.at))
        (keys / "hashfunc").write_text("HashType=RSA-SHA256\n")
        files = dict(members)
        files["MANIFEST"] = (f"purpose={PREFIX}BMC\nversion=2.14.0\nKeyType=OpenBMC\n"
                             "HashType=RSA-SHA256\nMachineName=romulus\n").encode()
        files["publickey"] = openssl("rsa", "-in", "build.rsa", "-pubout", directory=self.at)
        for name in list(files):
            key = "system.rsa" if name in ("MANIFEST", "publickey") else "build.rsa"
            files[f"{name}.sig"] = self.dgst(key, files[name])
        files["image-full.sig"] = self.dgst("build.rsa", b"".join(
            files[f"{name}.sig"] for name in [*sorted(members), "MANIFEST", "publickey"]))
        path = self.at / "obmc.tar"
        with tarfile.open(path, "w:gz") as tar:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        return path

    def dgst(self, key, data):
        (self.at / "data").write_bytes(data)
        return openssl("dgst", "-sha256", "-sign", key, "data", directory=self.at)

    def test_openbmc_tarball(self):
        images = {"image-kernel": b"k" * 1000, "image-rofs": b"r" * 100000}
        tarball = self.tarball("system.rsa", images)
        keys = self.at / "keys"
        self.good(fwsign("verify", "--openbmc-keys", keys, tarball), "system key OpenBMC, version 2.14.0, purpose BMC")
        self.bad(self.verify("--openbmc-keys", keys, "--signature", self.signature_of(self.image), tarball), 1, "altered")
        self.good(self.sign(self.signed, "--self-contained", image=tarball))
        self.good(self.verify("--openbmc-keys", keys, self.signed), "trailer: good")
        self.good(fwsign("verify", "--openbmc-keys", keys, self.signed), "not verified without --roots")
        self.bad(fwsign("verify", "--openbmc-keys", keys, self.image), 1, "no tarball")
        self.bad(fwsign("verify", "--openbmc-keys", self.at / "none", tarball), 3, "none")

    def test_foreign_openbmc_tarball(self):
        tarball = self.tarball("build.rsa", {"image-bmc": b"b"})
        self.bad(fwsign("verify", "--openbmc-keys", self.at / "keys", tarball), 1, "none of the BMC's system keys")

    def signature_of(self, image):
        self.good(self.sign(self.signature, image=image))
        return self.signature

    def test_memory_does_not_grow_with_the_image(self):
        large = self.at / "large.bin"
        with open(large, "wb") as file:
            file.truncate(256 << 20)
        self.good(self.sign(self.signature, image=large))
        self.good(self.verify("--signature", self.signature, large))
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 48 << 10)
        large.unlink()


if __name__ == "__main__":
    unittest.main()
