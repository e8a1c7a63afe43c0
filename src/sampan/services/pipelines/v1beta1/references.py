"""Whose a thing is, and what it was made from: the resource references of v1beta1.

Upstream: backend/src/apiserver/server/{api_util,list_request_util}.go, api_converter.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sampan.kube import meta, names
from sampan.services.errors import invalid
from sampan.services.pipelines import messages, sources
from sampan.services.pipelines.call import EXPERIMENT, Call
from sampan.services.pipelines.v1beta1.messages import RESOURCE_TYPE

_CREATORS = ("JOB", "PIPELINE_VERSION", "PIPELINE")
"""Of these only the first that there is is told."""

_KINDS = {
    "EXPERIMENT": names.EXPERIMENT,
    "JOB": names.SCHEDULED_WORKFLOW,
    "PIPELINE": names.PIPELINE,
    "PIPELINE_VERSION": names.PIPELINE_VERSION,
}


class Scope(Struct, frozen=True):
    """What a list is of. experiment_id: "" for all of the namespace."""

    namespace: str
    experiment_id: str = ""


def of(given: Mapping[str, Any], kind: str) -> str:
    """The id that a message refers to in this way, "" for none."""
    for reference in given.get("resource_references") or ():
        key = reference.get("key") or {}
        if key.get("type") == kind:
            return str(key.get("id") or "")
    return ""


def shown(**ids: str) -> list[dict[str, Any]]:
    """References by the type of what is referred to; "" is none."""
    owners = ("NAMESPACE", "EXPERIMENT")
    creators = [kind for kind in _CREATORS if ids.get(kind)][:1]
    return [
        {
            "key": {"type": kind, "id": ids[kind]},
            "relationship": "OWNER" if kind in owners else "CREATOR",
        }
        for kind in (*owners, *creators)
        if ids.get(kind)
    ]


def name(call: Call, message: dict[str, Any]) -> dict[str, Any]:
    """The message, its references saying what is called how, as far as that is there still and in
    its own namespace: ids are labels, which anybody may write on what is theirs."""
    namespace = of(message, "NAMESPACE")
    for each in message.get("resource_references") or ():
        kind = _KINDS.get(each["key"]["type"])
        if found := kind and call.parts.ids.name(kind, namespace, each["key"]["id"]):
            each["name"] = found
    return message


def owner(kind: str, id: str) -> list[dict[str, Any]]:
    return [{"key": {"type": kind, "id": id}, "relationship": "OWNER"}] if id else []


async def experiment(call: Call, given: Mapping[str, Any]) -> tuple[str, str]:
    """The id of the message's experiment, and the namespace. Raises Refused."""
    return await sources.experiment(call, of(given, "EXPERIMENT"), of(given, "NAMESPACE"))


def asked(call: Call, name: str = "resource_reference_key") -> tuple[str, str]:
    """The type and the id that a query names, "" and "" for none. Raises Refused."""
    kind, id = call.query(f"{name}.type"), call.query(f"{name}.id")
    if not kind:
        return "", id
    wanted: Any = int(kind) if kind.isdecimal() and len(kind) < 9 else kind
    found: str = messages.read(RESOURCE_TYPE, wanted, f"{name}.type")
    return found, id


async def scope(call: Call) -> Scope:
    """Raises Refused."""
    kind, id = asked(call)
    if kind == "EXPERIMENT":
        return Scope(meta.namespace_of(await call.get(EXPERIMENT, id)), id)
    if kind in ("", "NAMESPACE"):
        return Scope(id or call.namespace)
    raise invalid(f"Unrecognized resource reference type: lists cannot be of a {kind}")
