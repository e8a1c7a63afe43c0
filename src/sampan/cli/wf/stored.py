"""`sampan wf template, cluster-template, cron`: what workflows are made from.

sampan wf template create FILE…  update FILE…  list  get NAME  delete NAME…  lint FILE…
sampan wf cron    … the same, and  suspend NAME…  resume NAME…
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from sampan.cli import files
from sampan.cli.wf import argo, tree
from sampan.cli.wf.argo import Argo
from sampan.cli.wf.show import as_text
from sampan.kube.errors import UserMistake
from sampan.kube.times import parse


class Kind(Struct, frozen=True):
    """`path` is that of the API; `field` is how bodies call the object."""

    name: str
    path: str
    field: str
    namespaced: bool = True

    def at(self, server: Argo, namespace: str = "") -> tuple[str, ...]:
        return (self.path, namespace or server.namespace) if self.namespaced else (self.path,)


KINDS = {
    "template": Kind("WorkflowTemplate", "workflow-templates", "template"),
    "cluster-template": Kind(
        "ClusterWorkflowTemplate", "cluster-workflow-templates", "template", False
    ),
    "cron": Kind("CronWorkflow", "cron-workflows", "cronWorkflow"),
}


def arguments(verbs: Any) -> None:
    for word, kind in KINDS.items():
        parser = verbs.add_parser(word, help=f"{kind.name}s: create, update, list, get, …")
        actions = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
        for what in ("create", "update", "lint"):
            one = actions.add_parser(what)
            one.add_argument("files", nargs="+", metavar="FILE")
            argo.options(one, _write)
        one = actions.add_parser("list")
        argo.options(one, _list, every=True)
        one = actions.add_parser("get")
        one.add_argument("names", nargs="+", metavar="NAME")
        one.add_argument("-o", "--output", default="yaml", help="json or yaml")
        argo.options(one, _get)
        for what in ("delete", *(("suspend", "resume") if word == "cron" else ())):
            one = actions.add_parser(what)
            one.add_argument("names", nargs="+", metavar="NAME")
            argo.options(one, _change)


async def _write(server: Argo, args: argparse.Namespace) -> int:
    kind = KINDS[args.action]
    found = [each for each in files.manifests(args.files) if each.get("kind") == kind.name]
    if not found:
        raise UserMistake(f"there is no {kind.name} in the files")
    for each in found:
        meta = each.get("metadata") or {}
        at, body = kind.at(server, meta.get("namespace") or ""), {kind.field: each}
        if args.what == "update":
            old = await server.get(*at, meta["name"])
            version = old["metadata"]["resourceVersion"]
            new = {**each, "metadata": {**meta, "resourceVersion": version}}
            await server.put(*at, meta["name"], body={kind.field: new})
        else:
            await server.post(*at, *(["lint"] if args.what == "lint" else []), body=body)
        done = {"create": "created", "update": "updated", "lint": "is fine"}[args.what]
        print(f"{kind.name} {meta.get('name') or meta.get('generateName')} {done}")
    return 0


async def _list(server: Argo, args: argparse.Namespace) -> int:
    kind, now = KINDS[args.action], datetime.now(UTC)  # noqa: TID251
    found = await server.get(*_every(kind, server, args))
    cron = args.action == "cron"
    rows: list[tuple[str, ...]] = [
        ("NAME", "AGE", *(("LAST RUN", "SCHEDULE", "SUSPENDED") if cron else ()))
    ]
    for each in found.get("items") or ():
        meta, spec = each["metadata"], each.get("spec") or {}
        old = (now - parse(meta["creationTimestamp"])).total_seconds()
        row: tuple[str, ...] = (meta["name"], tree.age(old))
        if cron:
            last = (each.get("status") or {}).get("lastScheduledTime")
            past = tree.age((now - parse(last)).total_seconds()) if last else "N/A"
            schedule = ",".join(spec.get("schedules") or ())
            row = (*row, past, schedule, str(bool(spec.get("suspend"))).lower())
        rows.append(row)
    print(tree.columns(rows), end="")
    return 0


def _every(kind: Kind, server: Argo, args: argparse.Namespace) -> tuple[str, ...]:
    if not kind.namespaced:
        return (kind.path,)
    return (kind.path, "" if args.all_namespaces else server.namespace)


async def _get(server: Argo, args: argparse.Namespace) -> int:
    kind = KINDS[args.action]
    found = [await server.get(*kind.at(server), name) for name in args.names]
    print(as_text(args.output, found[0] if len(found) == 1 else found), end="")
    return 0


async def _change(server: Argo, args: argparse.Namespace) -> int:
    kind = KINDS[args.action]
    for name in args.names:
        if args.what == "delete":
            await server.delete(*kind.at(server), name)
        else:
            await server.put(*kind.at(server), name, args.what, body={})
        done = {"delete": "deleted", "suspend": "suspended", "resume": "resumed"}[args.what]
        print(f"{kind.name} {name} {done}")
    return 0
