"""Downloads: artifacts of a workflow's nodes, as files, and as pages where they are directories.

Who may get a workflow may get its artifacts; Secrets on the way to them are read as the caller.
What is sent is told to be in a sandbox: it was made by a workflow, and may be a page with scripts.
Upstream: argo-workflows server/artifacts/artifact_server.go.
"""

from __future__ import annotations

import base64
import mimetypes
import posixpath
from collections.abc import Callable, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from sampan.artifacts import Artifacts, Opened, Secrets
from sampan.kinds.workflows.artifacts import lookup
from sampan.kube import locations
from sampan.kube.keys import Manifest
from sampan.kube.locations import Location
from sampan.services import errors
from sampan.services.argo import archived
from sampan.services.argo.call import Call, Download, Page
from sampan.services.argo.listing import Archive
from sampan.services.argo.workflows import find
from sampan.services.errors import Refused, invalid, not_found
from sampan.services.files import pieces, tried
from sampan.services.kube import SECRET


class Downloads:
    """`artifacts` answers with the way to them, which may be there only after the start."""

    def __init__(self, artifacts: Callable[[], Artifacts], archive: Archive | None) -> None:
        self._artifacts = artifacts
        self._archive = archive

    async def output(self, call: Call) -> Any:
        return await self._send(call, await find(call, self._archive), "outputs")

    async def input(self, call: Call) -> Any:
        return await self._send(call, await find(call, self._archive), "inputs")

    async def output_by_uid(self, call: Call) -> Any:
        return await self._send(call, await archived.found(call, self._archive, "get"), "outputs")

    async def input_by_uid(self, call: Call) -> Any:
        return await self._send(call, await archived.found(call, self._archive, "get"), "inputs")

    async def file(self, call: Call) -> Any:
        """An artifact, or one of the files of a directory: its page ends in a slash."""
        direction = call.path["artifactDiscriminator"]
        if direction not in ("outputs", "inputs"):
            raise invalid(f"{direction!r} is neither outputs nor inputs")
        workflow = await self._workflow(call)
        artifact = _artifact(workflow, call.path["nodeId"], call.path["artifactName"], direction)
        return await self._file(call, workflow, artifact, call.path["file"])

    async def _workflow(self, call: Call) -> Manifest:
        discriminator, id = call.path["idDiscriminator"], call.path["id"]
        if discriminator == "workflows":
            call.path = {**call.path, "name": id}
            return await find(call, self._archive)
        if discriminator != "archived-workflows":
            raise invalid(f"{discriminator!r} is neither workflows nor archived-workflows")
        call.path = {**call.path, "uid": id}
        workflow = await archived.found(call, self._archive, "get")
        if workflow["metadata"]["namespace"] != call.namespace:
            raise not_found()
        return workflow

    async def _send(self, call: Call, workflow: Manifest, direction: str) -> Any:
        artifact = _artifact(workflow, call.path["nodeId"], call.path["artifactName"], direction)
        return await self._open(call, workflow, artifact)

    async def _file(self, call: Call, workflow: Manifest, artifact: Location, path: str) -> Any:
        if ".." in path.split("/"):
            raise invalid("a path in an artifact has no ..")
        place = locations.below(artifact, path) if path.strip("/") else artifact
        here = call.request.raw_path
        if here.endswith("/"):
            return await self._listed(call, workflow, place)
        try:
            return await self._open(call, workflow, place)
        except Refused as refused:
            if refused.code != errors.NOT_FOUND or not await self._keys(call, workflow, place):
                raise
        return Page(307, b"", {"location": f"{here}/"})

    async def _listed(self, call: Call, workflow: Manifest, place: Location) -> Page:
        base = locations.key_of(place).rstrip("/") + "/"
        keys = [key.removeprefix(base) for key in await self._keys(call, workflow, place)]
        if not keys:
            raise not_found("there is nothing at this path")
        if "index.html" in keys:
            return Page(307, b"", {"location": f"{call.request.raw_path}index.html"})
        return Page(200, _page(base, keys).encode())

    async def _keys(self, call: Call, workflow: Manifest, place: Location) -> Sequence[str]:
        namespace = workflow["metadata"]["namespace"]
        secrets = await _secrets(call, namespace, place)
        artifacts = self._artifacts()
        found: Sequence[str] = await tried(
            lambda: artifacts.keys(place, secrets, namespace=namespace)
        )
        return found

    async def _open(self, call: Call, workflow: Manifest, place: Location) -> Download:
        namespace = workflow["metadata"]["namespace"]
        secrets = await _secrets(call, namespace, place)
        artifacts = self._artifacts()
        opened: Opened = await tried(lambda: artifacts.open(place, secrets, namespace=namespace))
        kind = mimetypes.guess_type(opened.name)[0] or opened.content_type
        return Download(pieces(opened), opened.name, kind, opened.size)


async def _secrets(call: Call, namespace: str, place: Location) -> Secrets:
    """What is needed on the way, read as the caller. Raises ApiStatus."""
    found: dict[tuple[str, str], bytes] = {}
    for name, key in locations.secrets(place):
        data = (await call.kube.get(SECRET, namespace, name)).get("data") or {}
        if key in data:
            found[name, key] = base64.b64decode(data[key])
    return lambda name, key: found[name, key]


def _artifact(workflow: Manifest, node: str, name: str, end: str) -> Location:
    """The artifact with its whole location. Raises Refused."""
    try:
        return lookup.find(workflow, node, name, end)
    except lookup.NoSuch as error:
        raise not_found(str(error)) from None


def _page(base: str, keys: Sequence[str]) -> str:
    names = sorted({key.partition("/")[0] + ("/" if "/" in key else "") for key in keys})
    rows = "".join(f'<li><a href="{quote(name)}">{escape(name)}</a></li>' for name in names)
    title = escape(posixpath.basename(base.rstrip("/")))
    return f"<!doctype html><title>{title}</title><h1>{title}</h1><ul>{rows}</ul>"
