"""The service that a driver of artifacts offers on its socket: its messages, and the calls.

    Load, Save, Delete (artifact, path)  ->  {success, error}

Messages are protocol buffers, written by hand: there are few fields, and none that repeats.
Upstream: argo-workflows pkg/apiclient/artifact/artifact.proto, workflow/artifacts/plugin.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Mapping
from typing import Any

from sampan.nodes import unary
from sampan.nodes.grpc import varint

_SERVICE = "/artifact.ArtifactService/"
_TEXTS = {"name": 1, "path": 2, "from": 4, "subPath": 7, "fromExpression": 9}
_FLAGS = {"optional": 6, "recurseMode": 8, "deleted": 10}
_USUAL = 5
"""Seconds to connect."""
_AGAIN = 0.02


class Refused(Exception):
    """The driver could not do it; the text says why."""


async def load(socket: str, artifact: Mapping[str, Any], path: str) -> None:
    """Have the artifact put at a path that the driver sees. Refused, OSError."""
    message = _field(1, _artifact(artifact)) + _text(2, path)
    await _call(socket, artifact, ("Load", message))


async def save(socket: str, artifact: Mapping[str, Any], path: str) -> None:
    message = _text(1, path) + _field(2, _artifact(artifact))
    await _call(socket, artifact, ("Save", message))


async def delete(socket: str, artifact: Mapping[str, Any]) -> None:
    await _call(socket, artifact, ("Delete", _field(1, _artifact(artifact))))


async def _call(socket: str, artifact: Mapping[str, Any], asked: tuple[str, bytes]) -> None:
    method, message = asked
    plugin = artifact["plugin"]
    failed = f"plugin {plugin['name']} {method.lower()} failed"
    timeout = int(plugin.get("connectionTimeoutSeconds") or 0) or _USUAL
    try:
        if not stat.S_ISSOCK(os.lstat(socket).st_mode):
            raise Refused(f"{failed}: what it offers is no socket")
        async with asyncio.timeout(timeout):
            reader, writer = await _connected(socket)
    except TimeoutError:
        raise Refused(
            f"timeout waiting for plugin {plugin['name']} connection to become ready, last state: "
            "TRANSIENT_FAILURE"
        ) from None
    try:
        fields = _parsed(await unary.call(reader, writer, _SERVICE + method, message))
    except unary.Unanswered as error:
        raise Refused(f"{failed}: {error}") from error
    finally:
        writer.close()
    if not fields.get(1):
        said = fields.get(2, b"")
        raise Refused(f"{failed}: {said.decode(errors='replace') if said else ''}")


async def _connected(socket: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A socket is there a moment before anybody listens."""
    while True:
        try:
            return await asyncio.open_unix_connection(socket)
        except ConnectionRefusedError:
            await asyncio.sleep(_AGAIN)


def _artifact(artifact: Mapping[str, Any]) -> bytes:
    plugin = artifact["plugin"]
    where = _text(1, plugin.get("name")) + _text(2, plugin.get("configuration"))
    where += _number(3, plugin.get("connectionTimeoutSeconds")) + _text(4, plugin.get("key"))
    found = b"".join(_text(number, artifact.get(name)) for name, number in _TEXTS.items())
    found += b"".join(_number(number, artifact.get(name)) for name, number in _FLAGS.items())
    return found + _number(3, artifact.get("mode")) + _field(5, where)


def _text(number: int, value: Any) -> bytes:
    """A default is not sent."""
    return _field(number, str(value).encode()) if value else b""


def _number(number: int, value: Any) -> bytes:
    return varint(number << 3) + varint(int(value) & 0xFFFFFFFF) if value else b""


def _field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def _parsed(message: bytes) -> dict[int, bytes]:
    """Fields by number: the bytes of texts; of numbers, b"" for 0."""
    found: dict[int, bytes] = {}
    at = 0
    try:
        while at < len(message):
            key, at = _varint(message, at)
            if key & 7 == 2:
                size, at = _varint(message, at)
                found[key >> 3], at = message[at : at + size], at + size
            elif key & 7 == 0:
                value, at = _varint(message, at)
                found[key >> 3] = b"\x01" if value else b""
            else:
                raise Refused("the driver's answer makes no sense")
    except IndexError:
        raise Refused("the driver's answer makes no sense") from None
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at
