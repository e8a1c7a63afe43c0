"""Artifacts as files: an output of a task, or what lies at a place in a store.

A directory is sent as a compressed tar. An output may be read by who may see its run; a place, by
who may see the runs of its namespace, as the stores of a namespace are those of all its runs.
Upstream: server/run_artifact_server.go, frontend/server/handlers/artifacts.ts.
"""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from sampan.artifacts import Opened, uris
from sampan.artifacts.uris import BadUri
from sampan.services import files
from sampan.services.errors import denied, invalid, not_found
from sampan.services.pipelines import nodes, runs
from sampan.services.pipelines.call import RUN, Call, Row, Streamed

_SCHEMES = {"minio": "minio", "s3": "s3", "gcs": "gs", "gs": "gs"}
"""What the user interface calls stores."""


async def read(call: Call) -> Streamed:
    """Upstream does not have this for pipelines that are IR."""
    found = await runs.find(call)
    node, name = call.path["node_id"], call.path["artifact_name"]
    entry = nodes.find(found.run, node) or {}
    held = ((entry.get("outputs") or {}).get("artifacts") or {}).get(name) or ()
    uri = next((each.get("uri") for each in held if each.get("uri")), None)
    if uri is None:
        where = f"runs/{call.path['run_id']}/nodes/{node}/artifacts/{name}"
        raise not_found(f"artifact {where} not found")
    return as_json(await _opened(call, uri, found.namespace))


def as_json(opened: Opened) -> Streamed:
    """The file as text of base64 in an object: `{"data": …}`."""
    return Streamed(_encoded(opened), "application/json")


async def _encoded(opened: Opened) -> AsyncGenerator[bytes, None]:
    yield b'{"data":"'
    rest = b""
    async with aclosing(files.pieces(opened)) as pieces:
        async for piece in pieces:
            whole = rest + piece
            cut = len(whole) - len(whole) % 3
            rest = whole[cut:]
            yield base64.b64encode(whole[:cut])
    yield base64.b64encode(rest) + b'"}'


async def get(call: Call) -> Streamed:
    source, bucket, key = call.query("source"), call.query("bucket"), call.query("key")
    if source not in _SCHEMES:
        known = ", ".join(sorted(_SCHEMES))
        raise invalid(f"Storage source {source!r} is not supported: there are {known}")
    if not bucket or not key:
        raise invalid("Storage bucket and key are missing from artifact request")
    if not await call.kube.may_i("get", RUN, call.namespace):
        raise denied(f"{call.caller.name} may not read artifacts of namespace {call.namespace}")
    peek = _peek(call)
    opened = await _opened(call, f"{_SCHEMES[source]}://{bucket}/{key}", call.namespace)
    kind = mimetypes.guess_type(opened.name)[0] or opened.content_type
    return Streamed(files.pieces(opened, peek), kind, files.SANDBOX)


async def _opened(call: Call, uri: str, namespace: str) -> Opened:
    """Raises Refused."""
    try:
        uris.split(uri)
    except BadUri as error:
        raise invalid(str(error)) from None
    reader = call.parts.artifacts()
    return await files.tried(lambda: reader.open(uri, namespace=namespace))


def _peek(call: Call) -> int | None:
    """How many bytes are asked for, None for all."""
    given = call.query("peek")
    if not given:
        return None
    if not given.isascii() or not given.isdecimal() or len(given) > 12:
        raise invalid("peek must be a number of bytes")
    return int(given) or None


_OUTPUT = "apis/v2beta1/runs/{run_id}/nodes/{node_id}/artifacts/{artifact_name}:read"
ROWS: Sequence[Row] = (
    ("GET", _OUTPUT, read),
    ("GET", "artifacts/get", get),
)
