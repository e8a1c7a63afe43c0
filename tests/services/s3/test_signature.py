"""Signatures: what was signed is let in, and anything else is not."""

from __future__ import annotations

import contextlib
import hashlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sampan.services.s3.chunks import Chunks
from sampan.services.s3.errors import S3Error
from sampan.services.s3.signature import Sent, Signed, verified
from services.s3.signing import EMPTY, NOW, SCOPE, STAMP, key, sign, signed

SECRETS = {"ns.key": "secret"}


def verify(sent: Sent, **later: float) -> Signed:
    return verified(sent, SECRETS.get, NOW + timedelta(**later))


def refused(sent: Sent, **later: float) -> str:
    with pytest.raises(S3Error) as raised:
        verify(sent, **later)
    return raised.value.code


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_key_can_be_signed(text: str) -> None:
    assert verify(signed(path=f"/bucket/{text}")).access_key == "ns.key"


def test_what_is_changed_afterwards_is_refused() -> None:
    sent = signed("PUT", "/b/k", headers={"x-amz-meta-a": "1"})
    for changed in (
        replace(sent, method="DELETE"),
        replace(sent, path="/b/other"),
        replace(sent, query="acl="),
        replace(sent, headers=tuple((k, "2" if v == "1" else v) for k, v in sent.headers)),
        signed(secret="other"),
    ):
        assert refused(changed) == "SignatureDoesNotMatch"
    added = replace(sent, headers=(*sent.headers, ("x-amz-copy-source", "/b/secret")))
    assert refused(added) == "AccessDenied"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(Sent("GET", "/", "", ()), "AccessDenied", id="anonymous"),
        pytest.param(
            Sent("GET", "/", "", (("authorization", "AWS ns.key:x"),)), "AccessDenied", id="old"
        ),
        pytest.param(
            Sent("GET", "/", "", (("authorization", "AWS4-HMAC-SHA256 nonsense"),)),
            "AuthorizationHeaderMalformed",
            id="nonsense",
        ),
        pytest.param(signed(access="nobody"), "InvalidAccessKeyId", id="stranger"),
        pytest.param(
            Sent("GET", "/", "X-Amz-Algorithm=AWS4-HMAC-SHA256", ()),
            "AuthorizationQueryParametersError",
            id="half-presigned",
        ),
    ],
)
def test_what_is_not_signed_well_is_refused(sent: Sent, code: str) -> None:
    assert refused(sent) == code


def test_a_signature_is_good_for_a_quarter_of_an_hour() -> None:
    assert verify(signed(), minutes=14).access_key == "ns.key"
    assert refused(signed(), minutes=16) == "RequestTimeTooSkewed"
    assert refused(signed(), minutes=-16) == "RequestTimeTooSkewed"


def in_pieces(pieces: list[bytes]) -> tuple[Signed, bytes]:
    """A body as a client signs it, piece after piece."""
    by = Signed(
        "ns.key", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", STAMP, SCOPE, key("secret"), "0" * 64
    )
    last, body = by.signature, b""
    for piece in (*pieces, b""):
        hashed = hashlib.sha256(piece).hexdigest()
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{STAMP}\n{SCOPE}\n{last}\n{EMPTY}\n{hashed}"
        last = sign("secret", text)
        body += f"{len(piece):x};chunk-signature={last}\r\n".encode() + piece + b"\r\n"
    return by, body


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.integers(1, 40))
def test_pieces_come_however_they_are_cut(pieces: list[bytes], size: int) -> None:
    by, body = in_pieces(pieces)
    chunks = Chunks(by)
    cut = [body[n : n + size] for n in range(0, len(body), size)]
    assert b"".join(b"".join(chunks.feed(each)) for each in cut) == b"".join(pieces)
    assert chunks.over


@given(st.data())
def test_no_byte_of_a_piece_can_be_changed(data: st.DataObject) -> None:
    by, body = in_pieces([b"content", b"more"])
    at = data.draw(st.integers(0, len(body) - 3))
    changed = body[:at] + bytes([body[at] ^ data.draw(st.integers(1, 255))]) + body[at + 1 :]
    chunks = Chunks(by)
    try:
        found = b"".join(chunks.feed(changed))
    except S3Error:
        return
    assert not chunks.over or found == b"contentmore"  # a length may be written in capitals


@given(st.binary(max_size=300), st.sampled_from([
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"]))  # fmt: skip
def test_any_body_is_content_or_refused(body: bytes, payload: str) -> None:
    chunks = Chunks(Signed("a", payload, STAMP, SCOPE, b"", ""))
    with contextlib.suppress(S3Error):
        assert len(b"".join(chunks.feed(body))) <= len(body)
