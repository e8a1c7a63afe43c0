"""Uploads: a package in a form becomes a pipeline with its first version, or one more version.

Upstream: server/pipeline_upload_server.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from sampan.kube.keys import Manifest
from sampan.services.errors import invalid
from sampan.services.http import TooMuch
from sampan.services.pipelines import messages, multipart, packages, pipelines, versions
from sampan.services.pipelines.call import PIPELINE, Call, Row

FIELD = "uploadfile"
_FORM = 64 << 10  # bytes of a form beside its file


async def upload(call: Call) -> Mapping[str, Any]:
    return pipelines.shown(await new_pipeline(call))


async def upload_version(call: Call) -> Mapping[str, Any]:
    pipeline_id = call.query("pipelineid")
    version = await new_version(call)
    return {**versions.shown(version), "pipeline_id": pipeline_id}


async def new_pipeline(call: Call) -> Manifest:
    """The Pipeline that was made of what is sent. Raises Refused."""
    file, spec = await _sent(call)
    given = _given(call, file.name)
    namespace = {"namespace": call.namespace}
    return await versions.make_both(call, {**given, **namespace}, _without_tags(given), spec)


async def new_version(call: Call) -> Manifest:
    """The PipelineVersion that was made of what is sent. Raises Refused."""
    pipeline_id = call.query("pipelineid")
    if not pipeline_id:
        raise invalid("Failed to create a pipeline version: the query names no pipelineid")
    pipeline = await call.get(PIPELINE, pipeline_id)
    file, spec = await _sent(call)
    return await versions.make(call, pipeline, _given(call, file.name), spec)


async def _sent(call: Call) -> tuple[multipart.File, dict[str, Any]]:
    try:
        body = await call.request.body(packages.MOST + _FORM)
    except TooMuch:
        size = call.request.header("content-length") or str(packages.MOST)
        raise packages.too_large(int(size) if size.isdecimal() else packages.MOST) from None
    file = multipart.file(call.request.header("content-type"), body, FIELD)
    return file, await asyncio.to_thread(packages.read, file.name, file.data)


def _given(call: Call, file: str) -> dict[str, Any]:
    """What the query says, as a message."""
    given = {
        "name": call.query("name") or call.query("display_name") or file,
        "display_name": call.query("display_name"),
        "description": call.query("description"),
        "code_source_url": call.query("code_source_url"),
    }
    if tags := call.query("tags"):
        given["tags"] = _tags(tags)
    return given


def _tags(text: str) -> Any:
    try:
        return messages.read(messages.Map(messages.text), orjson.loads(text), "tags")
    except orjson.JSONDecodeError:
        raise invalid(
            "Failed to parse tags query parameter. Expected JSON object with string keys and values"
        ) from None


def _without_tags(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != "tags"}


ROWS: Sequence[Row] = (
    ("POST", "apis/v2beta1/pipelines/upload", upload),
    ("POST", "apis/v2beta1/pipelines/upload_version", upload_version),
)
