"""`sampan VERB …`: finds the verb's file, runs it, and turns mistakes into one readable line.

A verb's module has `arguments(parser)` and `run(args) -> int`. It is imported only when it is asked
for, so `sampan --help` costs no more than Python's own start.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = {
    "up": "start everything",
    "down": "stop everything that `up` started",
    "status": "say what is running, and where",
    "apply": "create or change objects from YAML",
    "get": "show objects",
    "delete": "delete objects",
    "wait": "wait until objects have a condition, a value, or are gone",
    "logs": "print what a pod's container wrote",
    "exec": "run a command in a pod's container",
    "events": "say what has happened to objects",
    "explain": "say why an object is not ready, and what to do",
    "run": "run a pipeline from Python or YAML",
    "tune": "search for the best parameters of a Python function",
    "runs": "show and look after runs of pipelines",
    "wf": "run and look after Argo Workflows",
    "backup": "write everything that has to be kept into one file",
    "restore": "make a home from such a file",
    "images": "show, fetch, map and move images",
    "doctor": "say how pods are isolated here, and why not better",
    "token": "print a token for the API and the SDKs",
    "kubeconfig": "print the path of the kubeconfig, or the file itself",
    "env": "print what makes programs of a shell find the cluster",
    "completion": "print a completion script for bash or zsh",
}


def main(argv: Sequence[str] | None = None) -> int:
    """The entry point; answers with the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    verb = next((word for word in given if not word.startswith("-")), "")
    parser = build(only=verb)
    args = parser.parse_args(given)
    if not args.verb:
        parser.print_help()
        return 2
    from sampan.kube.errors import SampanError

    try:
        return int(load(args.verb).run(args))
    except SampanError as error:
        print(f"sampan: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; give the interpreter nothing to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def build(only: str = "") -> argparse.ArgumentParser:
    """The parser. Arguments are filled in for the verb `only`, or for all when it names none."""
    from sampan import __version__

    parser = argparse.ArgumentParser(
        prog="sampan", description="The whole of Kubeflow as one Python program."
    )
    parser.add_argument("--version", action="version", version=f"sampan {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    for verb, summary in VERBS.items():
        sub = verbs.add_parser(verb, help=summary, description=summary.capitalize() + ".")
        sub.add_argument("--home", metavar="DIR", help="instead of $SAMPAN_HOME (~/.sampan)")
        if only in (verb, "completion"):
            load(verb).arguments(sub)
    return parser


def load(verb: str):  # type: ignore[no-untyped-def]
    """The module of a verb."""
    return importlib.import_module(f"sampan.cli.{verb}")


if __name__ == "__main__":
    sys.exit(main())
