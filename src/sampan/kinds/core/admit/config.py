"""ConfigMap and Secret: keys, sizes, encodings, and immutability."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kube import formats, meta, names
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, forbidden, invalid, required, too_long
from sampan.kube.keys import Manifest

LIMIT = 1 << 20
"""Bytes of data in one object."""

OPAQUE = "Opaque"
_TYPED = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


def validate_config_map(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    text, binary = manifest.get("data") or {}, manifest.get("binaryData") or {}
    found = list(_keys(text, "data"))
    if binary:
        found += _keys(binary, "binaryData")
        found += [
            invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
            for key in text
            if key in binary
        ]
        found += _encoded(binary, "binaryData")
    size = sum(len(value.encode()) for value in text.values()) + _size(binary)
    if size > LIMIT:
        found.append(too_long("", LIMIT))
    if old is not None and old.get("immutable"):
        found += _unchanged(manifest, old, ("data", "binaryData"))
    return found


def default_secret(manifest: Manifest) -> None:
    manifest.setdefault("type", OPAQUE)


def prepare_secret(manifest: Manifest, old: Manifest | None) -> None:
    """`stringData` is write-only: it is encoded into `data` and not kept. Encoded text may be
    wrapped, as by `base64` and in YAML blocks; upstream keeps it unwrapped."""
    data = manifest.get("data") or {}
    wrapped = {key: value for key, value in data.items() if value and "\n" in value}
    for key, value in wrapped.items():
        data[key] = value.replace("\r", "").replace("\n", "")
    plain = manifest.pop("stringData", None)
    if plain:
        encoded = {key: b64encode(value.encode()).decode() for key, value in plain.items()}
        manifest["data"] = {**(manifest.get("data") or {}), **encoded}


def validate_secret(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    data = manifest.get("data") or {}
    found = [*_keys(data, "data"), *_encoded(data, "data")]
    if _size(data) > LIMIT:
        found.append(too_long("data", LIMIT))
    found += _typed(manifest, data)
    if old is not None:
        if manifest.get("type") != old.get("type"):
            found.append(invalid("type", manifest.get("type"), "field is immutable"))
        if old.get("immutable"):
            found += _unchanged(manifest, old, ("data",))
    return found


def _typed(manifest: Manifest, data: Mapping[str, Any]) -> Iterator[Problem]:
    """Keys and annotations that a type of Secret asks for."""
    type_ = manifest.get("type", OPAQUE)
    for key in _TYPED.get(type_, ()):
        if key not in data:
            yield required(f"data[{key}]")
    if type_ == "kubernetes.io/basic-auth" and not {"username", "password"} & set(data):
        yield required("data[username]")
        yield required("data[password]")
    annotations = meta.annotations_of(manifest)
    if type_ == names.ACCOUNT_TOKEN and not annotations.get(names.ANNOTATION_ACCOUNT_NAME):
        yield required(f"metadata.annotations[{names.ANNOTATION_ACCOUNT_NAME}]")


def _keys(data: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for key in data:
        if fault := formats.config_key(key):
            yield invalid(f"{path}[{key}]", key, fault)


def _encoded(data: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for key, value in data.items():
        try:
            b64decode(value or "", validate=True)
        except (binascii.Error, ValueError):
            yield invalid(f"{path}[{key}]", "<value>", "must be base64 encoded")


def _size(data: Mapping[str, Any]) -> int:
    return sum(len(value or "") * 3 // 4 for value in data.values())


def _unchanged(manifest: Manifest, old: Manifest, fields: tuple[str, ...]) -> Iterator[Problem]:
    if not manifest.get("immutable"):
        yield forbidden("immutable", "field is immutable when `immutable` is set")
    for field in fields:
        if (manifest.get(field) or {}) != (old.get(field) or {}):
            yield forbidden(field, "field is immutable when `immutable` is set")


CONFIG_RULES: Mapping[str, Rules] = {
    names.CONFIG_MAP: Rules(validate=validate_config_map),
    names.SECRET: Rules(default=default_secret, prepare=prepare_secret, validate=validate_secret),
}
