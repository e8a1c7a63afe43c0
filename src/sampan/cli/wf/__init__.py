"""`sampan wf VERB …`: what people do with Argo Workflows, over the Argo Server's API.

One file per group of verbs; `argo` is the way to the server. Verbs and options are those of the
`argo` command that people use.
"""

from __future__ import annotations

import argparse
import importlib

GROUPS = {
    "submit": ("submit",),
    "show": ("list", "get"),
    "follow": ("logs", "watch", "wait"),
    "change": ("suspend", "resume", "stop", "terminate", "retry", "resubmit", "delete", "set"),
    "lint": ("lint",),
    "stored": ("template", "cluster-template", "cron"),
    "archive": ("archive",),
    "copy": ("cp",),
}
"""File -> its verbs."""


def arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for group in GROUPS:
        _module(group).arguments(verbs)


def run(args: argparse.Namespace) -> int:
    from sampan.cli.wf import argo

    return argo.run(args, args.work)


def _module(group: str):  # type: ignore[no-untyped-def]
    return importlib.import_module(f"sampan.cli.wf.{group}")
