"""`sampan wf cp WORKFLOW DIRECTORY`: bring a workflow's artifacts here, as they lie there."""

from __future__ import annotations

import argparse
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sampan.cli.wf import argo
from sampan.cli.wf.argo import Argo
from sampan.kube import locations


def arguments(verbs: Any) -> None:
    parser = verbs.add_parser("cp", help="copy a workflow's artifacts to this machine")
    parser.add_argument("workflow")
    parser.add_argument("directory")
    parser.add_argument("--node-id", help="only of this node")
    parser.add_argument("--template-name", help="only of nodes of this template")
    parser.add_argument("--artifact-name", help="only artifacts of this name")
    argo.options(parser, _copy)


async def _copy(server: Argo, args: argparse.Namespace) -> int:
    workflow = await server.get("workflows", server.namespace, args.workflow)
    name, count = workflow["metadata"]["name"], 0
    for node, artifact in chosen(workflow, args):
        path = Path(args.directory, node["id"], file_name(artifact))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:  # noqa: ASYNC230  (nothing else runs in this loop)
            async for piece in server.file(
                "artifacts", server.namespace, name, node["id"], artifact["name"]
            ):
                file.write(piece)
        count += 1
        print(path)
    if not count:
        print("there are no such artifacts")
    return 0


def chosen(workflow: Mapping[str, Any], args: argparse.Namespace) -> Iterator[tuple[Any, Any]]:
    """The nodes and their output artifacts that are asked for."""
    for node in ((workflow.get("status") or {}).get("nodes") or {}).values():
        if args.node_id and node["id"] != args.node_id:
            continue
        if args.template_name and node.get("templateName") != args.template_name:
            continue
        if node.get("type") not in ("Pod", "Container"):
            continue  # groups say once more what their members have made
        for artifact in (node.get("outputs") or {}).get("artifacts") or ():
            if not args.artifact_name or artifact["name"] == args.artifact_name:
                yield node, artifact


def file_name(artifact: Mapping[str, Any]) -> str:
    """The last part of its key, which nothing leads out of the directory with."""
    name = posixpath.basename(locations.key_of(artifact).rstrip("/")) or artifact["name"]
    return str(artifact["name"] if name in (".", "..") else name)
