"""Short ways to write workflows and to run them in the toy cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kinds.toy import Toy
from sampan.kinds.workflows import COMPONENT
from sampan.kube.keys import Key, Manifest

WORKFLOW = Key("Workflow.argoproj.io", "u", "wf")
Template = dict[str, Any]


def workflow(*templates: Template, entrypoint: str = "main", **spec: Any) -> Manifest:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "wf", "namespace": "u"},
        "spec": {"entrypoint": entrypoint, "templates": list(templates), **spec},
    }


def leaf(name: str = "work", **fields: Any) -> Template:
    return {"name": name, "container": {"image": "busybox", "command": ["true"]}, **fields}


def echo(name: str, *parameters: str, **fields: Any) -> Template:
    """A leaf whose arguments are its parameters."""
    inputs = {"parameters": [{"name": each} for each in parameters]}
    args = [f"{{{{inputs.parameters.{each}}}}}" for each in parameters]
    container = {"image": "busybox", "command": ["echo"], "args": args}
    return {"name": name, "inputs": inputs, "container": container, **fields}


def call(name: str, template: str = "work", **arguments: str) -> dict[str, Any]:
    body: dict[str, Any] = {"name": name, "template": template}
    if arguments:
        given = [{"name": key, "value": value} for key, value in arguments.items()]
        body["arguments"] = {"parameters": given}
    return body


def steps(*groups: list[dict[str, Any]], name: str = "main", **fields: Any) -> Template:
    return {"name": name, "steps": list(groups), **fields}


def task(name: str, after: str = "", template: str = "work", **arguments: str) -> dict[str, Any]:
    """`after`: names to depend on, or with an operator a `depends` text."""
    body = call(name, template, **arguments)
    if any(sign in after for sign in "&|!."):
        body["depends"] = after
    elif after:
        body["dependencies"] = after.split()
    return body


def dag(*tasks: dict[str, Any], name: str = "main", **fields: Any) -> Template:
    return {"name": name, "dag": {"tasks": list(tasks), **fields}}


def started(manifest: Manifest) -> Toy:
    toy = Toy(COMPONENT)
    toy.create(manifest)
    toy.settle()
    return toy


def pod_names(toy: Toy) -> list[str]:
    """The steps or tasks whose pods exist, by the last part of the node's name."""
    noted = (pod["metadata"]["annotations"] for pod in toy.pods())
    return sorted(n["workflows.argoproj.io/node-name"].rpartition(".")[2] for n in noted)


def phases(toy: Toy) -> dict[str, str]:
    """Phases by display name."""
    return {node["displayName"]: node["phase"] for node in nodes(toy).values()}


def nodes(toy: Toy) -> dict[str, Any]:
    return dict(status(toy).get("nodes") or {})


def node(toy: Toy, display: str) -> dict[str, Any]:
    (found,) = [each for each in nodes(toy).values() if each["displayName"] == display]
    return dict(found)


def status(toy: Toy) -> dict[str, Any]:
    return dict(toy.objects[WORKFLOW].get("status") or {})


def finish(toy: Toy, **ends: str) -> Toy:
    """Run all pods to their end: Succeeded, or what `ends` says for a step or task."""
    while toy.step_pods(how(**ends)):
        pass
    return toy


def how(**ends: str) -> Callable[[Manifest], str | None]:
    def end(pod: Manifest) -> str | None:
        name = pod["metadata"]["annotations"]["workflows.argoproj.io/node-name"]
        return ends.get(name.rpartition(".")[2].replace("-", "_"), "Succeeded") or None

    return end
