"""Artifacts of runs that are Workflows: the output of a node, as its template declares it.

Secrets on the way to it are read as the caller. Upstream: server/run_artifact_server.go.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from sampan.artifacts import Secrets
from sampan.kinds.workflows.artifacts import lookup
from sampan.kube import locations
from sampan.kube.locations import Location
from sampan.services import files
from sampan.services.errors import not_found
from sampan.services.kube import SECRET
from sampan.services.pipelines import artifacts, workflows
from sampan.services.pipelines.call import Call, Row, Streamed


async def read(call: Call) -> Streamed:
    found = await workflows.find(call)
    if not workflows.is_workflow(found):
        return await artifacts.read(call)
    node, name = call.path["node_id"], call.path["artifact_name"]
    try:
        place = lookup.find(found.run, node, name, "outputs")
    except lookup.NoSuch as error:
        raise not_found(str(error)) from None
    namespace, reader = found.namespace, call.parts.artifacts()
    secrets = await _secrets(call, namespace, place)
    opened = await files.tried(lambda: reader.open_at(place, secrets, namespace=namespace))
    return artifacts.as_json(opened)


async def _secrets(call: Call, namespace: str, place: Location) -> Secrets:
    """Raises ApiStatus."""
    found: dict[tuple[str, str], bytes] = {}
    for name, key in locations.secrets(place):
        data = (await call.kube.get(SECRET, namespace, name)).get("data") or {}
        if key in data:
            found[name, key] = base64.b64decode(data[key])
    return lambda name, key: found[name, key]


_OUTPUT = "apis/v1beta1/runs/{run_id}/nodes/{node_id}/artifacts/{artifact_name}:read"
ROWS: Sequence[Row] = (("GET", _OUTPUT, read),)
