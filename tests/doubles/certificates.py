"""Certificates for ports that speak TLS badly, made for one run by an authority of our own."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
    """Signs certificates; `file` holds its own, for those who trust it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / f"{name}.pem"
        whole = _signed(name, self.key, name, self.key, authority=True)
        self.file.write_bytes(whole.public_bytes(serialization.Encoding.PEM))

    def door(
        self,
        host: str = "127.0.0.1",
        *,
        since: timedelta = -DAY,
        until: timedelta = DAY,
        itself: bool = False,
    ) -> ssl.SSLContext:
        """A server's side of TLS with a certificate for `host`, valid from and until so long from now; signed by
        `itself` when so asked."""
        key = ec.generate_private_key(ec.SECP256R1())
        name, signer = (host, key) if itself else (self.name, self.key)
        found = _signed(host, key, name, signer, since=since, until=until)
        pem = serialization.Encoding.PEM
        file = self.folder / f"{self.name}-{len(list(self.folder.iterdir()))}.pem"
        secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(secret + found.public_bytes(pem))
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(file)
        return made


def _signed(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey,
    *,
    since: timedelta = -DAY,
    until: timedelta = DAY,
    authority: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(_named(subject))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + since)
        .not_valid_after(now + until)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if not authority:
        built = built.add_extension(x509.SubjectAlternativeName([_alternative(subject)]), critical=False)
    return built.sign(signer, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
