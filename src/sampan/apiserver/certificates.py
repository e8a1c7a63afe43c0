"""The API server's certificates: a CA of its own, made at first start, and what it has signed.

EC P-256 everywhere. The CA lives ten years and never leaves the home; the server's certificate is
made anew when it is about to end or when it lacks a name. The same CA signs certificates of
clients, which are good for that alone. Also writes the kubeconfig, which holds the CA, a token and
a client's certificate, readable by its owner alone.
"""

from __future__ import annotations

import base64
import ipaddress
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from sampan.kube import nets
from sampan.lib.clock import Clock

ALWAYS = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    nets.API,
    nets.GATEWAY,
    "127.0.0.1",
    "::1",
)
_CA_DAYS = 3650
_SERVER_DAYS = 365
_CLIENT_DAYS = 365
_RENEW_DAYS = 30
_CLIENT_USAGE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
_SLACK = timedelta(days=30)  # for clocks that are slow, or are set back after a wrong start


class Certificates(Struct, frozen=True):
    """PEM files. `ca` is what clients trust."""

    ca: Path
    certificate: Path
    key: Path

    @property
    def ca_key(self) -> Path:
        return self.ca.with_name("ca.key")


class Client(Struct, frozen=True):
    """PEM texts of a certificate that says who a client is, and of its key."""

    certificate: bytes
    key: bytes


class Life(Struct, frozen=True):
    """When a certificate begins and ends."""

    begin: datetime
    end: datetime

    @classmethod
    def of(cls, clock: Clock, span: timedelta, *, early: timedelta = _SLACK) -> Life:
        """From now on, and a little `early`: clocks of clients may be slow."""
        return cls(clock.now() - early, clock.now() + span)


def ensure(directory: Path, clock: Clock, hosts: Sequence[str] = ()) -> Certificates:
    """The certificates in `directory`, made where they are missing, old, or lack a host."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = Certificates(directory / "ca.crt", directory / "server.crt", directory / "server.key")
    if not (found.ca.exists() and found.ca_key.exists()):
        _make_ca(found.ca, found.ca_key, clock)
        found.certificate.unlink(missing_ok=True)
    names = [*ALWAYS, *(host for host in hosts if host not in ALWAYS)]
    if not _serves(found, clock, names):
        _make_server(found, clock, names)
    return found


def for_client(
    found: Certificates, name: str, groups: Sequence[str], clock: Clock, days: int = _CLIENT_DAYS
) -> Client:
    """A new certificate for a client: its common name is the user, its organisations the groups
    (upstream: apiserver/pkg/authentication/request/x509)."""
    subject = x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    key = ec.generate_private_key(ec.SECP256R1())
    life = Life.of(clock, timedelta(days=days))
    builder = _builder_for(found, subject, key.public_key(), life, _CLIENT_USAGE)
    return Client(_signed(found, builder), _pem(key))


def sign_request(found: Certificates, request: bytes, seconds: int | None, clock: Clock) -> bytes:
    """A client's certificate in PEM for a certificate signing request in PEM, as `requested` reads
    it. It ends after the given time, a year at most, and is good for clients alone."""
    wanted = requested(request)
    most = timedelta(days=_CLIENT_DAYS)
    span = most if seconds is None else min(timedelta(seconds=seconds), most)
    life = Life.of(clock, span, early=timedelta(minutes=5))
    builder = _builder_for(found, wanted.subject, wanted.public_key(), life, _CLIENT_USAGE)
    return _signed(found, builder)


def requested(request: bytes) -> x509.CertificateSigningRequest:
    """The request in a PEM text. Raises ValueError when it is none, or not signed by its key."""
    if b"-----BEGIN CERTIFICATE REQUEST-----" not in request:
        raise ValueError("PEM block type must be CERTIFICATE REQUEST")
    wanted = x509.load_pem_x509_csr(request)
    if not wanted.is_signature_valid:
        raise ValueError("the signature is not that of the key in the request")
    return wanted


def write_kubeconfig(
    path: Path, *, server: str, ca: Path, token: str, name: str, client: Client | None = None
) -> None:
    """Write a kubeconfig for `server` (a URL), mode 0600."""
    authority = base64.b64encode(ca.read_bytes()).decode()
    own = ""
    if client is not None:
        own = f"""
    client-certificate-data: {base64.b64encode(client.certificate).decode()}
    client-key-data: {base64.b64encode(client.key).decode()}"""
    text = f"""apiVersion: v1
kind: Config
clusters:
- name: {name}
  cluster:
    server: {server}
    certificate-authority-data: {authority}
users:
- name: {name}
  user:
    token: {token}{own}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {name}
current-context: {name}
"""
    _write(path, text.encode(), 0o600)


def _serves(found: Certificates, clock: Clock, hosts: Sequence[str]) -> bool:
    if not (found.certificate.exists() and found.key.exists()):
        return False
    certificate = x509.load_pem_x509_certificate(found.certificate.read_bytes())
    if certificate.not_valid_after_utc < clock.now() + timedelta(days=_RENEW_DAYS):
        return False
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    known = {str(name.value) for name in names}
    return known.issuperset(hosts)


def _make_ca(path: Path, key_path: Path, clock: Clock) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("sampan-ca")
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, name, key.public_key(), Life.of(clock, timedelta(days=_CA_DAYS)))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(key_path, _pem(key), 0o600)
    _write(path, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _make_server(found: Certificates, clock: Clock, hosts: Sequence[str]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    life = Life.of(clock, timedelta(days=_SERVER_DAYS))
    builder = _builder_for(found, _name("sampan-apiserver"), key.public_key(), life, usage)
    builder = builder.add_extension(
        x509.SubjectAlternativeName([_general(host) for host in hosts]), False
    )
    certificate = _signed(found, builder)
    _write(found.key, _pem(key), 0o600)
    _write(found.certificate, certificate, 0o644)


def _builder_for(
    found: Certificates,
    subject: x509.Name,
    public: CertificatePublicKeyTypes,
    life: Life,
    usage: x509.ExtendedKeyUsage,
) -> x509.CertificateBuilder:
    """What the certificates that the CA signs have in common."""
    authority = x509.load_pem_x509_certificate(found.ca.read_bytes())
    return (
        _builder(subject, authority.subject, public, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=False)
    )


def _signed(found: Certificates, builder: x509.CertificateBuilder) -> bytes:
    signer = serialization.load_pem_private_key(found.ca_key.read_bytes(), None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{found.ca_key} does not hold an EC private key")
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    certificate = builder.add_extension(issuer, critical=False).sign(signer, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: CertificatePublicKeyTypes, life: Life
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(life.begin)
        .not_valid_after(life.end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    """In one step, so that nobody reads half of it, and never readable by others in between."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
    draft.replace(path)
