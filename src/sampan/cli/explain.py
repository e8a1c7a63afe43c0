"""`sampan explain TYPE/NAME`: why an object is not ready, followed down to the containers.

What is read here is told by `sampan.explain`; it works on any cluster. Exit code 0 when all is
well, 3 when something is not.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from sampan.cli import connect, resources
from sampan.kube import names
from sampan.kube.errors import ApiStatus, UserMistake

if TYPE_CHECKING:
    import argparse

    from sampan.engine.discovery import Resource

NOT_WELL = 3
SIGNS = {"ok": "✓ ", "waiting": "… ", "bad": "✗ ", "note": "", "advice": "→ "}
COLOURS = {"ok": "\033[32m", "waiting": "\033[33m", "bad": "\033[31m", "advice": "\033[36m"}
AROUND = (
    "pods", "replicasets.apps", "jobs.batch", "persistentvolumeclaims", "statefulsets.apps",
    "storageclasses.storage.k8s.io", "nodes", "events", f"trials.{names.KUBEFLOW_GROUP}",
    f"suggestions.{names.KUBEFLOW_GROUP}", f"workflows.{names.ARGO_GROUP}",
)  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="+", metavar="TYPE NAME | TYPE/NAME")
    connect.options(parser)


def run(args: argparse.Namespace) -> int:
    return connect.run(args, _explain)


async def _explain(client: connect.Client, args: argparse.Namespace) -> int:
    from sampan.explain.facts import Known
    from sampan.explain.story import tell

    found = await resources.Resources.of(client)
    wanted = resources.targets(found, args.words)
    worst = 0
    for resource, name in wanted:
        if not name:
            raise UserMistake(f"name one of the {resource.plural}, such as {resource.plural}/NAME")
        about = await client.get(resource.path(args.namespace, name))
        known = Known(*await _around(client, found, about))
        lines = tell(about, known)
        show(lines)
        if any(line.sign in ("bad", "waiting") for line in lines):
            worst = NOT_WELL
    return worst


async def _around(
    client: connect.Client, known: resources.Resources, about: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(objects, events) of the object's namespace. What may not be read is left out."""
    namespace = about["metadata"].get("namespace") or about["metadata"]["name"]
    objects: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for word in (*AROUND, about["kind"]):
        try:
            resource = known.named(word)
            listed = await _list(client, resource, namespace)
        except (ApiStatus, UserMistake):
            continue
        (events if resource.kind == "Event" else objects).extend(listed)
    return objects, events


async def _list(client: connect.Client, resource: Resource, namespace: str) -> list[dict[str, Any]]:
    listed = await client.get(resource.path(namespace))
    typed = {"apiVersion": resource.api_version, "kind": resource.kind}
    return [typed | item for item in listed["items"]]


def show(lines: list[Any]) -> None:
    colours = COLOURS if sys.stdout.isatty() else {}
    for line in lines:
        colour = colours.get(line.sign, "")
        end = "\033[0m" if colour else ""
        print(f"{'  ' * line.depth}{colour}{SIGNS[line.sign]}{line.text}{end}")
