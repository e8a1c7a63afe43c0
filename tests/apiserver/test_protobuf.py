"""Bodies in protobuf: recorded ones from kubectl 1.32, made ones, and broken ones."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.apiserver import protobuf
from sampan.kube.errors import BadRequest


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def piece(number: int, value: bytes | str | int) -> bytes:
    """One field as protobuf writes it."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value & (2**64 - 1))
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def body(api_version: str, kind: str, raw: bytes) -> bytes:
    return b"k8s\0" + piece(1, piece(1, api_version) + piece(2, kind)) + piece(2, raw)


EMPTY_META = b'\n\x10\n\x00\x12\x00\x1a\x00"\x00*\x002\x008\x00B\x00'


@pytest.mark.parametrize(
    ("recorded", "manifest"),
    [
        pytest.param(
            b"k8s\x00\n2\n\x17authorization.k8s.io/v1\x12\x17SelfSubjectAccessReview\x12?"
            + EMPTY_META
            + b'\x12!\n\x1f\n\x07default\x12\x06create\x1a\x00"\x00*\x04pods2\x00:\x00'
            b'\x1a\x08\x08\x00\x12\x00\x1a\x00 \x00\x1a\x00"\x00',
            {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
             "spec": {"resourceAttributes": {
                 "namespace": "default", "verb": "create", "resource": "pods"}}},
            id="can-i",
        ),
        pytest.param(
            b"k8s\x00\n-\n\x18authentication.k8s.io/v1\x12\x11SelfSubjectReview\x12\x1a"
            + EMPTY_META + b'\x12\x06\n\x04\n\x00\x12\x00\x1a\x00"\x00',
            {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
            id="whoami",
        ),
        pytest.param(
            b"k8s\x00\n(\n\x18authentication.k8s.io/v1\x12\x0cTokenRequest\x12\x1a"
            + EMPTY_META + b'\x12\x00\x1a\x04\n\x00\x12\x00\x1a\x00"\x00',
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
            id="token",
        ),
    ],
)  # fmt: skip
def test_recorded_bodies(recorded: bytes, manifest: dict[str, Any]) -> None:
    assert protobuf.decode(recorded) == manifest


def test_a_pod_is_flattened_and_zeros_are_dropped() -> None:
    container = (
        piece(1, "main") + piece(2, "busybox") + piece(5, "") + piece(16, 0) + piece(8, b"")
        + piece(3, "sh") + piece(7, piece(1, "A") + piece(2, ""))
        + piece(10, piece(1, piece(2, piece(1, "/") + piece(2, piece(1, 1) + piece(3, "web"))))
                + piece(2, 0) + piece(4, 5))
    )  # fmt: skip
    volume = piece(1, "data") + piece(2, piece(2, piece(1, "")))
    limits = piece(1, piece(1, "cpu") + piece(2, piece(1, "500m")))
    container += piece(8, limits)
    spec = piece(1, volume) + piece(2, container) + piece(4, 0) + piece(11, 0) + piece(3, "")
    meta = piece(1, "p") + piece(11, piece(1, "a") + piece(2, "b")) + piece(8, b"") + piece(7, 0)
    raw = piece(1, meta) + piece(2, spec) + piece(3, piece(1, "") + piece(5, ""))
    assert protobuf.decode(body("v1", "Pod", raw)) == {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}},
        "spec": {
            "volumes": [{"name": "data", "emptyDir": {}}],
            "containers": [{
                "name": "main", "image": "busybox", "command": ["sh"], "env": [{"name": "A"}],
                "resources": {"limits": {"cpu": "500m"}},
                "livenessProbe": {"httpGet": {"path": "/", "port": "web"}, "periodSeconds": 5},
            }],
            "terminationGracePeriodSeconds": 0,
        },
    }  # fmt: skip


def test_times_bytes_and_negative_numbers() -> None:
    meta = piece(1, "s") + piece(8, piece(1, 1_795_000_000) + piece(2, 5))
    raw = piece(1, meta) + piece(2, piece(1, "k") + piece(2, b"\x00\xff")) + piece(3, "Opaque")
    assert protobuf.decode(body("v1", "Secret", raw)) == {
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {"k": "AP8="},
        "metadata": {"name": "s", "creationTimestamp": "2026-11-18T11:06:40Z"},
    }  # fmt: skip
    raw = piece(1, piece(1, "p")) + piece(2, -5)
    assert protobuf.decode(body("scheduling.k8s.io/v1", "PriorityClass", raw))["value"] == -5


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (b"{}", "lacks the prefix"),
        (body("v1", "Nonsense", b""), 'no kind "Nonsense" is registered for version "v1"'),
        (b"k8s\0", 'no kind "" is registered'),
        (body("v1", "Pod", b"\x0a\x05abc"), "unexpected end of data"),
        (body("v1", "Pod", b"\x0b"), "wire type 3"),
        (body("v1", "Pod", b"\xff" * 20), "unexpected end of a number"),
        (body("v1", "Pod", piece(1, piece(1, b"\xff\xfe"))), "cannot be read as protobuf"),
        (body("v1", "Pod", piece(1, 7)), "bytes were expected"),
    ],
)
def test_broken_bodies_are_bad_requests(broken: bytes, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        protobuf.decode(broken)


@given(st.binary(max_size=200), st.sampled_from(["Pod", "ConfigMap", "Secret", "Service"]))
def test_random_bytes_are_read_or_refused(raw: bytes, kind: str) -> None:
    with contextlib.suppress(BadRequest):
        protobuf.decode(body("v1", kind, raw))


@given(st.recursive(
    st.builds(piece, st.integers(1, 12), st.integers(-(2**63), 2**64 - 1) | st.binary(max_size=6)),
    lambda inner: st.builds(piece, st.integers(1, 40), st.lists(inner, max_size=4).map(b"".join)),
    max_leaves=20,
))  # fmt: skip
def test_random_messages_are_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(BadRequest):
        protobuf.decode(body("v1", "Pod", raw))


def test_delete_options_come_under_any_group() -> None:
    sent = body("rbac.authorization.k8s.io/v1", "DeleteOptions", piece(4, "Background"))
    assert protobuf.decode(sent)["propagationPolicy"] == "Background"
