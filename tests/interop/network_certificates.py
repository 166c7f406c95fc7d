"""Certification authorities and certificates for servers and clients, made when they are needed."""

import datetime
import hashlib
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = datetime.timedelta(days=1)


def _name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _host(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


class Certificate:
    """Files with a certificate and its key (PEM), as servers and clients want them."""

    def __init__(self, directory, name, certificate, key):
        self.sha256 = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()
        self.file = directory / f"{name}.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.key_file = directory / f"{name}.key"
        self.key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                    serialization.NoEncryption()))
        self.key_file.chmod(0o600)


class Authority:
    """Signs; its own certificate is `certificate.file`."""

    def __init__(self, directory, name="Test authority"):
        self.directory = directory
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._make(name.replace(" ", "-").lower(), self._name, self._key, [], True, 30)

    def issue(self, name, *hosts, days=30):
        """For these hosts (names or addresses), valid for so many days from now: a negative number is over already."""
        return self._make(name, _name(name), ec.generate_private_key(ec.SECP256R1()), hosts, False, days)

    def _make(self, file, subject, key, hosts, authority, days):
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - 60 * DAY)
                   .not_valid_after(now + days * DAY)
                   .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True))
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
        return Certificate(self.directory, file, builder.sign(self._key, hashes.SHA256()), key)


def self_signed(directory, name, *hosts):
    """A certificate that nobody but itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(_name(name)).issuer_name(_name(name)).public_key(key.public_key())
               .serial_number(x509.random_serial_number()).not_valid_before(now - DAY).not_valid_after(now + 30 * DAY)
               .add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False))
    return Certificate(directory, name, builder.sign(key, hashes.SHA256()), key)
