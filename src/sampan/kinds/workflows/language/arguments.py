"""Parameters: what a template is given, and what the tags in it stand for.

Values are texts; numbers and booleans in YAML become texts as Go writes them. A parameter takes its
argument, else its default (`default`, or in a template also `value`), else it is missing.
Upstream: argo-workflows workflow/common/{util,params}.go, docs/variables.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sampan.kube.keys import Manifest
from sampan.kube.times import parse

Arguments = Mapping[str, Any]
"""`arguments` of a call as it is written: parameters, artifacts."""
Inputs = dict[str, Any]
"""`inputs` of a node: what the template declares, each with its value."""
Scope = dict[str, str]


class Missing(Exception):
    """A template cannot be given its parameters; the text says why."""


def text(value: Any) -> str:
    """`15` -> "15", `1.0` -> "1", `1e3` -> "1000", `true` -> "true"; other values as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        plain = format(Decimal(repr(value)), "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    return str(value) if isinstance(value, int) else json.dumps(value, separators=(",", ":"))


def given(arguments: Mapping[str, Any] | None) -> dict[str, str]:
    """The values in an `arguments` object, by name."""
    listed = (arguments or {}).get("parameters") or ()
    return {each["name"]: text(each["value"]) for each in listed if each.get("value") is not None}


def resolve(template: Mapping[str, Any], arguments: Arguments) -> Inputs:
    """The template's inputs with their values. Raises Missing."""
    values = given(arguments)
    found: list[dict[str, str]] = []
    for parameter in (template.get("inputs") or {}).get("parameters") or ():
        name = parameter["name"]
        value = values.get(name, default_of(parameter))
        if value is None:
            raise Missing(f"inputs.parameters.{name} was not supplied")
        allowed = [text(each) for each in parameter.get("enum") or ()]
        if allowed and value not in allowed:
            raise Missing(f"inputs.parameters.{name}: {value!r} is not one of {allowed}")
        found.append({"name": name, "value": value})
    return {"parameters": found} if found else {}


def default_of(parameter: Mapping[str, Any]) -> str | None:
    for field in ("value", "default"):
        if parameter.get(field) is not None:
            return text(parameter[field])
    return None


def workflow(manifest: Manifest) -> Scope:
    """What `workflow.…` tags stand for, in every template."""
    meta, spec = manifest["metadata"], manifest["spec"]
    scope = {
        "workflow.name": meta["name"],
        "workflow.namespace": meta.get("namespace") or "",
        "workflow.uid": meta.get("uid") or "",
        "workflow.mainEntrypoint": spec.get("entrypoint") or "",
        "workflow.serviceAccountName": spec.get("serviceAccountName") or "default",
    }
    if created := meta.get("creationTimestamp"):
        scope |= _moment("workflow.creationTimestamp", parse(created))
    for field in ("labels", "annotations"):
        pairs = meta.get(field) or {}
        scope |= {f"workflow.{field}.{key}": value for key, value in pairs.items()}
        scope[f"workflow.{field}"] = scope[f"workflow.{field}.json"] = compact(pairs)
    values = workflow_arguments(manifest)
    scope |= {f"workflow.parameters.{name}": value for name, value in values.items()}
    listed = [{"name": name, "value": value} for name, value in values.items()]
    scope["workflow.parameters"] = scope["workflow.parameters.json"] = compact(listed)
    return scope


def of_workflow(manifest: Manifest) -> Arguments:
    """What the entry template is given: the workflow's own arguments, each with its value."""
    listed = [{"name": k, "value": v} for k, v in workflow_arguments(manifest).items()]
    return {"parameters": listed} if listed else {}


def workflow_arguments(manifest: Manifest) -> dict[str, str]:
    """`spec.arguments.parameters` by name: they also go to the entry template."""
    return {
        each["name"]: value
        for each in (manifest["spec"].get("arguments") or {}).get("parameters") or ()
        if (value := default_of(each)) is not None
    }


def compact(value: Any) -> str:
    """JSON as Go writes it: no spaces, keys of maps sorted."""
    return json.dumps(value, separators=(",", ":"), sort_keys=isinstance(value, dict))


def _moment(name: str, moment: datetime) -> Scope:
    """A time, whole and by the letters of strftime."""
    letters = {f"{name}.{each}": moment.strftime(f"%{each}") for each in "aAbBcdHIjmMpSUwWxXyYZ"}
    return {
        **letters,
        name: f"{moment:%Y-%m-%d %H:%M:%S +0000 UTC}",
        f"{name}.s": str(int(moment.timestamp())),
        f"{name}.RFC3339": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
    }


TIMES = ("startedAt", "finishedAt")
