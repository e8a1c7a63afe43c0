"""Short ways to ask the validator, and the WorkflowTemplates that it finds."""

from __future__ import annotations

from typing import Any

from kinds.workflows.makers import call, echo, leaf
from sampan.kinds.workflows import spelling
from sampan.kinds.workflows.validate import manifests
from sampan.kube.keys import Manifest

LIBRARY: dict[str, Any] = {
    "namespaced/lib": {"templates": [leaf("work"), echo("say", "word")]},
    "cluster/lib": {"templates": [leaf("shared")], "entrypoint": "shared"},
    "namespaced/bad": {"templates": [leaf("ok"), {"name": "none"}], "entrypoint": "ok"},
}


def said(manifest: Manifest, *, kind: str = "Workflow", lint: bool = False) -> list[str]:
    manifest = {**manifest, "kind": kind}
    spelling.workflow(manifest)
    return [problem.message for problem in manifests.problems(manifest, LIBRARY, lint=lint)]


def tagged(name: str, tag: str, **fields: Any) -> dict[str, Any]:
    """A leaf with a tag among its arguments."""
    return {"name": name, "container": {"image": "busybox", "args": [tag]}, **fields}


def outputs(name: str, *parameters: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return leaf(name, outputs={"parameters": list(parameters)}, **fields)


def asking(value: str, **fields: Any) -> dict[str, Any]:
    return {**call("b", "say", word=value), **fields}


def parameters(*listed: dict[str, Any]) -> dict[str, Any]:
    return {"arguments": {"parameters": list(listed)}}


SAY = echo("say", "word")
PATH = {"name": "out", "valueFrom": {"path": "/tmp/out"}}
