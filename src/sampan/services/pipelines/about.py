"""What the server says of itself: its health and version, and what the caller may do.

Upstream: backend/src/apiserver/main.go, server/{healthz_server,auth_server}.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from sampan.kube import names
from sampan.services.errors import UNIMPLEMENTED, Refused, denied, invalid
from sampan.services.kube import Resource
from sampan.services.pipelines.call import Call, Row
from sampan.services.pipelines.messages import enum, read

_RESOURCES = enum("UNASSIGNED_RESOURCES", "VIEWERS")
_VERBS = enum("UNASSIGNED_VERBS", "CREATE", "GET", "DELETE")


async def healthz(call: Call) -> Mapping[str, Any]:
    """multi_user is false: with true, clients ask for a namespace where there is none to tell."""
    return {
        "multi_user": False,
        "pipeline_store": "kubernetes",
        "commit_sha": "unknown",
        "tag_name": f"sampan-{version('sampan')}",
    }


async def may_i(call: Call) -> Mapping[str, Any]:
    """{} if the caller may, 403 if not."""
    namespace = call.query("namespace")
    if not namespace:
        raise invalid("Namespace is empty. Please specify a valid namespace")
    resource = _chosen(_RESOURCES, call.query("resources"), "resources")
    verb = _chosen(_VERBS, call.query("verb") or call.query("verbs"), "verb")
    if "UNASSIGNED" in resource + verb:
        raise invalid("Please specify a valid resource type and verb")
    asked = Resource(names.SCHEDULES_GROUP, "v1beta1", resource.lower(), "Viewer")
    if not await call.kube.may_i(verb.lower(), asked, namespace):
        raise denied(f"User '{call.caller.name}' is not authorized with reason: (none)")
    return {}


def _chosen(kind: Any, given: str, place: str) -> str:
    found: str = read(kind, int(given) if given.isdecimal() and len(given) < 9 else given, place)
    return found


async def filters(call: Call) -> Mapping[str, Any]:
    """Upstream's stand-in that makes its clients know the message Filter."""
    return {}


async def report(call: Call) -> Mapping[str, Any]:
    """Upstream's agents tell its server what becomes of workflows; here it follows the cluster."""
    raise invalid(
        "nothing is reported to this server: it follows Workflows and ScheduledWorkflows itself"
    )


async def visualize(call: Call) -> Mapping[str, Any]:
    raise Refused(UNIMPLEMENTED, "visualizations by programs of users are not served here")


_ROOTS = ("apis/v2beta1", "apis/v1beta1")
_REPORTED = ("workflows", "scheduledworkflows")
ROWS: Sequence[Row] = (
    *(("GET", f"{root}/healthz", healthz) for root in _ROOTS),
    *(("GET", f"{root}/auth", may_i) for root in _ROOTS),
    ("GET", "apis/v2beta1/filters", filters),
    *(("POST", f"{root}/{kind}", report) for root in _ROOTS for kind in _REPORTED),
    *(("POST", f"{root}/visualizations/{{namespace}}", visualize) for root in _ROOTS),
)
