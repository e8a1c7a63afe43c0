"""Volumes that are files made from objects: configMap, secret, downwardAPI, projected.

Pure but for `find`; tokens have been fetched before. Upstream: kubernetes pkg/volume/{configmap,
secret,downwardapi,projected}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from sampan.kube import names
from sampan.kube.keys import Manifest
from sampan.nodes import facts as fields
from sampan.nodes.environment import decoded
from sampan.nodes.facts import PodFacts
from sampan.nodes.volumes.trees import File

KINDS = ("configMap", "secret", "downwardAPI", "projected")
_DEFAULT_MODE = 0o644
_TOKEN_SECONDS = 3600


class VolumeError(Exception):
    """A volume is not ready: the message of the event FailedMount. `final` when waiting is no
    help, because this node does not know such a volume."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


class TokenWish(Struct, frozen=True):
    """A service account token that a volume wants."""

    path: str
    audience: str
    seconds: int


def token_wishes(volume: Mapping[str, Any]) -> list[TokenWish]:
    sources = (volume.get("projected") or {}).get("sources") or ()
    return [
        TokenWish(
            token["path"], token.get("audience") or "",
            token.get("expirationSeconds") or _TOKEN_SECONDS,
        )
        for source in sources
        if (token := source.get("serviceAccountToken"))
    ]  # fmt: skip


def references(volume: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(kind, name) of each ConfigMap and Secret that a volume shows."""
    for source in (volume.get("projected") or {}).get("sources") or ():
        yield from references(source)
    if volume.get("configMap"):
        yield names.CONFIG_MAP, volume["configMap"].get("name", "")
    if volume.get("secret"):
        yield names.SECRET, _secret_name(volume["secret"])


def tree(
    facts: PodFacts, volume: Mapping[str, Any], tokens: Mapping[TokenWish, str]
) -> dict[str, File]:
    """The files of a volume of one of `KINDS`. VolumeError, ConfigError."""
    if (source := volume.get("projected")) is None:
        return _source(facts, volume, _mode(volume))
    mode = source.get("defaultMode", _DEFAULT_MODE)
    found: dict[str, File] = {}
    for part in source.get("sources") or ():
        if "serviceAccountToken" not in part:
            found |= _source(facts, part, mode)
    for wish in token_wishes(volume):
        found[wish.path] = File(tokens[wish].encode(), mode)
    return found


def _mode(volume: Mapping[str, Any]) -> int:
    body = volume.get("configMap") or volume.get("secret") or volume.get("downwardAPI") or {}
    return int(body.get("defaultMode", _DEFAULT_MODE))


def _source(facts: PodFacts, source: Mapping[str, Any], mode: int) -> dict[str, File]:
    if "configMap" in source:
        body = source["configMap"] or {}
        return _of_object(facts, names.CONFIG_MAP, body.get("name", ""), body, mode)
    if "secret" in source:
        body = source["secret"] or {}
        return _of_object(facts, names.SECRET, _secret_name(body), body, mode)
    if "downwardAPI" in source:
        return _downward(facts, source["downwardAPI"] or {}, mode)
    unknown = ", ".join(key for key in source if key != "name")
    raise VolumeError(f"projected source {unknown} is not supported by this node", final=True)


def _of_object(
    facts: PodFacts, kind: str, name: str, body: Mapping[str, Any], mode: int
) -> dict[str, File]:
    found = facts.find(kind, name)
    if found is None:
        if body.get("optional"):
            return {}
        raise VolumeError(f'{kind.lower()} "{name}" not found')
    content = _contents(found)
    items = body.get("items")
    if not items:
        return {key: File(value, mode) for key, value in content.items()}
    chosen: dict[str, File] = {}
    for item in items:
        if item["key"] in content:
            chosen[item["path"]] = File(content[item["key"]], item.get("mode", mode))
        elif not body.get("optional"):
            raise VolumeError(f"{kind.lower()} references non-existent config key: {item['key']}")
    return chosen


def _contents(source: Manifest) -> dict[str, bytes]:
    data = source.get("data") or {}
    if source["kind"] == names.SECRET:
        return {key: decoded(value) for key, value in data.items()}
    binary = source.get("binaryData") or {}
    return {key: value.encode() for key, value in data.items()} | {
        key: decoded(value) for key, value in binary.items()
    }


def _downward(facts: PodFacts, body: Mapping[str, Any], mode: int) -> dict[str, File]:
    found: dict[str, File] = {}
    for item in body.get("items") or ():
        if item.get("fieldRef"):
            text = fields.field(facts, item["fieldRef"]["fieldPath"])
        else:
            text = fields.resource(facts, {}, item["resourceFieldRef"])
        found[item["path"]] = File(text.encode(), item.get("mode", mode))
    return found


def _secret_name(body: Mapping[str, Any]) -> str:
    """A volume says secretName, a projected source says name."""
    return str(body.get("secretName") or body.get("name") or "")
