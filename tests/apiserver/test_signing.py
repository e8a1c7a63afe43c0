"""CertificateSigningRequests: who asks, who approves, and what comes out."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sampan.apiserver import certificates, signing
from sampan.kube.access import Attributes, User
from sampan.lib.clock import SystemClock

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"


@cache
def pem(name: str = "jane", group: str = "dev") -> bytes:
    pairs = ((NameOID.ORGANIZATION_NAME, group), (NameOID.COMMON_NAME, name))
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    made = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def request(name: str = "r", *, body: bytes = b"", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {
            "signerName": signing.SIGNER,
            "usages": ["client auth"],
            "request": b64encode(body or pem()).decode(),
            "expirationSeconds": 3600,
            **spec,
        },
    }


def condition(kind: str) -> dict[str, Any]:
    return {"status": {"conditions": [{"type": kind, "status": "True", "reason": "test"}]}}


@pytest.fixture
def sign(certs: certificates.Certificates) -> signing.Sign:
    return lambda body, seconds: certificates.sign_request(certs, body, seconds, SystemClock())


def test_an_approved_request_gets_a_certificate(serve: Any, certs: Any, sign: Any) -> None:
    async def scenario(client: Any) -> None:
        made = await client.post(REQUESTS, request())
        assert made.body["spec"]["username"] == "admin"
        async with client.watch(f"{REQUESTS}?watch=true") as watching:
            await watching.next()
            said = await client.merge(f"{REQUESTS}/r/approval", condition("Approved"))
            assert said.body["status"]["conditions"][0]["lastUpdateTime"]
            await watching.next()
            _, signed = await watching.next()
        found = x509.load_pem_x509_certificate(b64decode(signed["status"]["certificate"]))
        found.verify_directly_issued_by(x509.load_pem_x509_certificate(certs.ca.read_bytes()))
        assert found.subject.rfc4514_string() == "CN=jane,O=dev"
        usage = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
        life = found.not_valid_after_utc - found.not_valid_before_utc
        assert life == timedelta(hours=1, minutes=5)

    serve(scenario, sign=sign)


def test_only_who_may_approve_for_a_signer_approves(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        doors = client.server.asgi._access.authorizer
        rights = {"sign": "example.com/x"}

        def allowed(user: User, asks: Attributes) -> bool:
            return asks.resource != "signers" or rights.get(asks.verb) == asks.name

        doors.allowed = allowed
        await client.post(REQUESTS, request(signerName="example.com/x"))
        path = f"{REQUESTS}/r"
        approved = condition("Approved")
        for part in ("approval", "status"):
            refused = await client.merge(f"{path}/{part}", approved, token="reader")
            assert refused.code == 403
            assert refused.message.endswith(
                'user not permitted to approve requests with signerName "example.com/x"'
            )
        certificate = {
            "status": {"certificate": b64encode(b"-----BEGIN CERTIFICATE-----").decode()}
        }
        assert (await client.merge(f"{path}/status", certificate, token="reader")).code == 200
        rights["approve"] = "example.com/*"
        assert (await client.merge(f"{path}/approval", approved, token="reader")).code == 200
        undone = {"status": {"conditions": []}}
        assert (await client.merge(f"{path}/approval", undone)).code == 422

    serve(scenario)


def test_an_update_changes_neither_spec_nor_status(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        made = (await client.post(REQUESTS, request() | condition("Approved"))).body
        assert not made["status"]
        changed = {**made, "spec": {**made["spec"], "username": "eve"}, **condition("Approved")}
        after = await client("PUT", f"{REQUESTS}/r", changed)
        assert (after.body["spec"], after.body["status"]) == (made["spec"], {})
        got = await client.get(f"{REQUESTS}/r/approval")
        assert got.meta["uid"] == made["metadata"]["uid"]

    serve(scenario)


def test_nobody_asks_to_be_one_of_those_who_may_all(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        made = await client.post(REQUESTS, request(body=pem("eve", "system:masters")))
        assert made.code == 403
        assert "signer with system:masters group is not allowed" in made.message

    serve(scenario)


def test_a_request_for_other_usages_fails(serve: Any, sign: Any) -> None:
    async def scenario(client: Any) -> None:
        await client.post(REQUESTS, request(usages=["server auth"]))
        async with client.watch(f"{REQUESTS}?watch=true") as watching:
            await watching.next()
            await client.merge(f"{REQUESTS}/r/approval", condition("Approved"))
            await watching.next()
            _, failed = await watching.next()
        assert failed["status"]["conditions"][-1]["type"] == "Failed"
        assert "certificate" not in failed["status"]

    serve(scenario, sign=sign)


WRONG = [
    pytest.param({"body": b"junk"}, "spec.request", id="no-pem"),
    pytest.param({"usages": []}, "spec.usages", id="no-usage"),
    pytest.param({"usages": ["fun"]}, "spec.usages[0]", id="odd-usage"),
    pytest.param({"usages": ["any", "any"]}, "spec.usages[1]", id="twice"),
    pytest.param({"signerName": ""}, "spec.signerName", id="no-signer"),
    pytest.param({"signerName": "me"}, "spec.signerName", id="no-domain"),
    pytest.param({"signerName": "kubernetes.io/legacy-unknown"}, "spec.signerName", id="legacy"),
    pytest.param({"expirationSeconds": 60}, "spec.expirationSeconds", id="too-short"),
]


@pytest.mark.parametrize(("change", "field"), WRONG)
def test_what_a_request_may_not_say(change: Any, field: str) -> None:
    assert [each.field for each in signing.validate(request(**change), None)] == [field]
