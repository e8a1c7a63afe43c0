"""`sampan restore FILE`: make a home from what `sampan backup` has written.

With the same keys, tokens and kubeconfigs from before are good again. Pods that ran when the
backup was made are not there, and the next start says so of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sampan.cli.home import home_of, is_held
from sampan.cli.progress import told
from sampan.kube.errors import UserMistake

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="what `sampan backup` has written")
    parser.add_argument("--force", action="store_true", help="although the home is in use already")


def run(args: argparse.Namespace) -> int:
    from sampan.backup.restore import restore

    home = home_of(args)
    if is_held(home):
        raise UserMistake(f"Sampan runs in {home.path}: stop it first with `sampan down`")
    with told("checking"):
        manifest, aside = restore(home, Path(args.file), force=args.force)
    print(f"{home.path} is as it was at {manifest.get('made')}; start it with `sampan up`.")
    if aside:
        print(f"What was there before is in {aside}.")
    return 0
