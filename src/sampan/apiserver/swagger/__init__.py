"""OpenAPI v2: what kubectl 1.27 and 1.28 read before they create, apply, explain or diff.

Every kubectl reads it to check files whose kind is List. One document of everything that is served,
in JSON or in protobuf, made when first asked for and kept until the served resources change:

    resources -> document (said in OpenAPI v3, then put into v2) -> JSON | wire (protobuf)
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import orjson
from msgspec import Struct

from sampan.apiserver.components import Served
from sampan.apiserver.openapi import Registry
from sampan.apiserver.swagger.contents import document
from sampan.apiserver.swagger.wire import encode
from sampan.kube.errors import NotAcceptable

_JSON = "application/json"
_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_ACCEPTED = {
    _JSON: _JSON,
    "application/*": _JSON,
    "*/*": _JSON,
    "": _JSON,
    _PROTOBUF: _PROTOBUF,
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf": _PROTOBUF,
}
_ENCODERS: dict[str, Callable[[Any], bytes]] = {
    _JSON: orjson.dumps,
    _PROTOBUF: partial(encode, "Document"),
}


class Encoded(Struct, frozen=True):
    """`tag` is another for another body."""

    body: bytes
    tag: str
    content_type: str


class Swagger:
    """The encoded document of what a registry serves."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._changed = -1
        self._made: dict[str, Encoded] = {}
        self._making = asyncio.Lock()

    async def serve(self, accept: str) -> Encoded:
        """The document in the first form of an Accept header that there is. Raises
        NotAcceptable."""
        form = _accepted(accept)
        async with self._making:
            if self._changed != self._registry.changed:
                self._made.clear()
                self._changed = self._registry.changed
            if form not in self._made:
                # Many large CRDs take most of a second, in which others want answers.
                served = list(self._registry)
                self._made[form] = await asyncio.to_thread(_encoded, form, served)
            return self._made[form]


def _encoded(form: str, served: Sequence[Served]) -> Encoded:
    body = _ENCODERS[form](document(served))
    return Encoded(body, hashlib.blake2b(body, digest_size=16).hexdigest().upper(), form)


@lru_cache(100)
def _accepted(header: str) -> str:
    for choice in header.split(","):
        form = _ACCEPTED.get(choice.partition(";")[0].strip())
        if form:
            return form
    raise NotAcceptable(f"406: Not Acceptable\n\nAvailable representations: {_JSON}, {_PROTOBUF}")
