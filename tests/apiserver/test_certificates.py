"""The CA and what it signs; the kubeconfig."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from sampan.apiserver import certificates
from sampan.lib import yaml
from sampan.lib.clock import ManualClock

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DAY = 86_400


def names(path: Path) -> set[str]:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return {str(name.value) for name in alternative.value}


def test_keys_are_private_and_certificates_chain(tmp_path: Path) -> None:
    made = certificates.ensure(tmp_path, ManualClock(NOW))
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600
    assert made.key.stat().st_mode & 0o777 == 0o600
    authority = x509.load_pem_x509_certificate(made.ca.read_bytes())
    server = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    server.verify_directly_issued_by(authority)
    assert {"127.0.0.1", "localhost", "kubernetes.default.svc"} <= names(made.certificate)


@pytest.mark.parametrize(
    ("days", "hosts", "renewed"),
    [
        pytest.param(1, (), False, id="soon-after"),
        pytest.param(350, (), True, id="about-to-end"),
        pytest.param(1, ("10.0.0.1", "sea.example"), True, id="another-host"),
    ],
)
def test_only_the_server_certificate_is_renewed(
    tmp_path: Path, days: int, hosts: tuple[str, ...], renewed: bool
) -> None:
    clock = ManualClock(NOW)
    made = certificates.ensure(tmp_path, clock)
    before = made.certificate.read_bytes(), made.ca.read_bytes()
    clock.advance(days * DAY)
    again = certificates.ensure(tmp_path, clock, hosts)
    assert again.ca.read_bytes() == before[1]
    assert (again.certificate.read_bytes() != before[0]) is renewed
    assert set(hosts) <= names(again.certificate)


def test_a_kubeconfig_is_for_its_owner_alone(tmp_path: Path) -> None:
    made = certificates.ensure(tmp_path / "keys", ManualClock(NOW))
    path = tmp_path / "kubeconfig"
    path.write_text("old")
    path.chmod(0o644)
    certificates.write_kubeconfig(
        path, server="https://127.0.0.1:1", ca=made.ca, token="t", name="sampan"
    )
    assert path.stat().st_mode & 0o777 == 0o600
    config = yaml.load(path.read_text())
    cluster = config["clusters"][0]["cluster"]
    assert cluster["server"] == "https://127.0.0.1:1"
    assert base64.b64decode(cluster["certificate-authority-data"]) == made.ca.read_bytes()
    assert config["users"][0]["user"] == {"token": "t"}


def test_a_client_is_named_by_its_certificate(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    made = certificates.ensure(tmp_path / "keys", clock)
    client = certificates.for_client(made, "anna", ["crew", "captains"], clock)
    path = tmp_path / "kubeconfig"
    certificates.write_kubeconfig(
        path, server="https://127.0.0.1:1", ca=made.ca, token="t", name="sampan", client=client
    )
    user = yaml.load(path.read_text())["users"][0]["user"]
    assert base64.b64decode(user["client-key-data"]) == client.key
    shown = x509.load_pem_x509_certificate(base64.b64decode(user["client-certificate-data"]))
    assert shown.subject.rfc4514_string() == "CN=anna,O=captains,O=crew"
    shown.verify_directly_issued_by(x509.load_pem_x509_certificate(made.ca.read_bytes()))
