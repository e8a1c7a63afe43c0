"""`sampan backup FILE`: all objects and keys of a home in one file, while everything goes on.

The running program hands out a consistent copy of its store; of a home where nothing runs, the
file itself is copied.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sampan.cli.home import home_of, is_held
from sampan.cli.progress import told

if TYPE_CHECKING:
    import argparse

    from sampan.cli import connect

PATH = "/sampan/snapshot"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="FILE.tar, or FILE.tar.gz to compress it")
    parser.add_argument(
        "--volumes",
        action="store_true",
        help="with the files of persistent volumes and the artifacts of workflows",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    from sampan.backup.make import make
    from sampan.lib.clock import SystemClock

    home, target = home_of(args), Path(args.file).absolute()
    fetch = (lambda path: _fetch(args, path)) if is_held(home) else None
    with told("copying"):
        skipped = make(home, target, SystemClock(), fetch=fetch, volumes=args.volumes)
    left = "" if args.volumes else " but its volumes and artifacts"
    print(f"{target} holds all of {home.path}{left}.")
    for path in skipped:
        print(f"sampan: left out, as it is no file: {path}", file=sys.stderr)
    return 0


def _fetch(args: argparse.Namespace, path: Path) -> None:
    """Have the running program copy its store."""
    from sampan.cli import connect

    args.namespace, args.kubeconfig = None, None

    async def fetch(client: connect.Client, _: argparse.Namespace) -> int:
        with path.open("wb") as file:
            async for piece in client.chunks(PATH):
                file.write(piece)
        return 0

    connect.run(args, fetch)
