"""`sampan wf list, get`: workflows in a table, and one of them with its tree."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import Any

from sampan.cli.wf import argo, tree
from sampan.cli.wf.argo import Argo
from sampan.kube.times import parse
from sampan.lib import yaml

_FIELDS = (
    "metadata,items.metadata.name,items.metadata.namespace,items.metadata.creationTimestamp,"
    "items.status.phase,items.status.startedAt,items.status.finishedAt,items.status.message,"
    "items.status.progress,items.spec.suspend"
)


def arguments(verbs: Any) -> None:
    parser = verbs.add_parser("list", help="show workflows")
    parser.add_argument("--status", metavar="PHASE,PHASE", help="only those")
    parser.add_argument("--running", action="store_true")
    parser.add_argument("--completed", action="store_true")
    parser.add_argument("--prefix", help="of their names")
    parser.add_argument("-l", "--selector", help="by labels")
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("-o", "--output", default="", help="name, json or yaml")
    argo.options(parser, _list, every=True)
    parser = verbs.add_parser("get", help="show a workflow and its steps")
    parser.add_argument("workflow", help="@latest is the newest")
    parser.add_argument("-o", "--output", default="", help="json or yaml")
    argo.options(parser, _get)


async def _list(server: Argo, args: argparse.Namespace) -> int:
    whole = args.output in ("json", "yaml")
    found = await server.get(
        "workflows",
        server.namespace,
        listOptions__labelSelector=args.selector,
        listOptions__limit=args.limit,
        fields="" if whole else _FIELDS,
    )
    wanted = _phases(args)
    items = [
        each
        for each in found.get("items") or ()
        if each["metadata"]["name"].startswith(args.prefix or "")
        and (not wanted or _status(each).get("phase") in wanted)
    ]
    if args.output == "name":
        print("".join(f"{each['metadata']['name']}\n" for each in items), end="")
    elif whole:
        print(as_text(args.output, items), end="")
    else:
        print(table(items, datetime.now(UTC), spaces=args.all_namespaces), end="")  # noqa: TID251
    return 0


async def _get(server: Argo, args: argparse.Namespace) -> int:
    workflow = await server.get("workflows", server.namespace, args.workflow)
    if args.output:
        print(as_text(args.output, workflow), end="")
    else:
        print(tree.shown(workflow, datetime.now(UTC)), end="")  # noqa: TID251
    return 0


def table(items: list[Any], now: datetime, *, spaces: bool) -> str:
    """NAME STATUS AGE DURATION MESSAGE, as `argo list` has them."""
    head = ("NAMESPACE",) * spaces + ("NAME", "STATUS", "AGE", "DURATION", "MESSAGE")
    rows = [head]
    for each in items:
        meta, status = each["metadata"], _status(each)
        old = (now - parse(meta["creationTimestamp"])).total_seconds()
        phase = status.get("phase") or "Pending"
        if (each.get("spec") or {}).get("suspend") and phase == "Running":
            phase = "Running (Suspended)"
        said = (phase, tree.age(old), tree.duration(status, now), status.get("message") or "")
        rows.append((meta.get("namespace") or "",) * spaces + (meta["name"], *said))
    return tree.columns(rows)


def as_text(output: str, value: Any) -> str:
    if output == "json":
        return json.dumps(value, indent=4) + "\n"
    return str(yaml.dump(value))


def _phases(args: argparse.Namespace) -> tuple[str, ...]:
    if args.running:
        return ("Running",)
    if args.completed:
        return ("Succeeded", "Failed", "Error")
    return tuple(filter(None, (args.status or "").split(",")))


def _status(workflow: Any) -> dict[str, Any]:
    found: dict[str, Any] = workflow.get("status") or {}
    return found
