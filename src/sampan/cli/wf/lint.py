"""`sampan wf lint FILE…`: what is wrong with workflows and templates, without creating them."""

from __future__ import annotations

import argparse
from typing import Any

from sampan.cli import files
from sampan.cli.wf import argo
from sampan.cli.wf.argo import Argo
from sampan.cli.wf.stored import KINDS
from sampan.kube.errors import UserMistake


def arguments(verbs: Any) -> None:
    parser = verbs.add_parser("lint", help="say what is wrong with workflows and templates")
    parser.add_argument("files", nargs="+", metavar="FILE")
    argo.options(parser, _lint)


async def _lint(server: Argo, args: argparse.Namespace) -> int:
    """1 if anything is wrong; objects of other kinds are passed over."""
    wrong, seen = 0, 0
    for each in files.manifests(args.files):
        place = _place(server, each)
        if place is None:
            continue
        path, field = place
        seen += 1
        name = (each.get("metadata") or {}).get("name") or "(no name yet)"
        try:
            await server.post(*path, "lint", body={field: each})
        except UserMistake as mistake:
            wrong += 1
            print(f"✖ {each['kind']} {name}: {mistake}")
    if not seen:
        raise UserMistake("there is no workflow and no template in the files")
    print(f"✔ no linting errors found in {seen}" if not wrong else f"{wrong} of {seen} are wrong")
    return 1 if wrong else 0


def _place(server: Argo, manifest: dict[str, Any]) -> tuple[tuple[str, ...], str] | None:
    """The path and the name of the field for this kind."""
    namespace = (manifest.get("metadata") or {}).get("namespace") or server.namespace
    if manifest.get("kind") == "Workflow":
        return ("workflows", namespace), "workflow"
    for kind in KINDS.values():
        if manifest.get("kind") == kind.name:
            return kind.at(server, namespace), kind.field
    return None
