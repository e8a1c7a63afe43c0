"""`sampan doctor`: how pods are isolated on this machine, what is missing, and what would help."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sampan.cli.home import home_of

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")


def run(args: argparse.Namespace) -> int:
    from msgspec import to_builtins

    from sampan.config import load
    from sampan.nodes.doctor import examine

    home = home_of(args)
    findings = examine(load(home.config), home.path)
    if args.output == "json":
        print(json.dumps([to_builtins(finding) for finding in findings], indent=2))
        return 0
    for finding in findings:
        print(f"{finding.level:8}{finding.subject}: {finding.message}")
        if finding.remedy:
            print(f"{'':8}→ {finding.remedy}")
    return 0
