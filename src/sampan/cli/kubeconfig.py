"""`sampan kubeconfig`: the path of the kubeconfig, for `export KUBECONFIG=$(sampan kubeconfig)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sampan.cli.home import home_of
from sampan.kube.errors import UserMistake

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--show", action="store_true", help="print the file, not its path")


def run(args: argparse.Namespace) -> int:
    path = home_of(args).kubeconfig
    if not path.exists():
        raise UserMistake(f"there is no {path} yet; `sampan up` writes it")
    print(path.read_text() if args.show else path, end="" if args.show else "\n")
    return 0
