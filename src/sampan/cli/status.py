"""`sampan status`: what is running, and where. Exit code 0 only when all of it is ready."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

from sampan.cli.home import home_of, is_held

if TYPE_CHECKING:
    import argparse

    from sampan.config import Home

PATIENCE = 5.0  # seconds for an answer from the same machine


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")


def run(args: argparse.Namespace) -> int:
    report = ask(home_of(args))
    if args.output == "json":
        print(json.dumps(report, indent=2))
    else:
        show(report)
    return 0 if report["ready"] else 1


def ask(home: Home) -> dict[str, Any]:
    """The report of the contract in design.md; `ready` is false when nothing answers."""
    state = home.running() if is_held(home) else None
    if state is None:
        return {
            "ready": False,
            "gateway": "",
            "api": "",
            "kubeconfig": str(home.kubeconfig),
            "components": {},
        }
    report = {"gateway": state.gateway, "api": state.api, "kubeconfig": state.kubeconfig}
    report |= {"argo": state.argo} if state.argo else {}
    report |= {"s3": state.s3} if state.s3 else {}
    report |= {"grpc": state.grpc_proxy.rpartition("@")[2]} if state.grpc_proxy else {}
    try:
        with urllib.request.urlopen(f"{state.gateway}/readyz.json", timeout=PATIENCE) as answer:
            components = json.load(answer)
    except (OSError, ValueError) as error:
        return {"ready": False, **report, "components": {"gateway": _down(str(error))}}
    ready = all(component["ready"] for component in components.values())
    return {"ready": ready, **report, "components": components}


def show(report: dict[str, Any]) -> None:
    if not report["components"]:
        print("Sampan is not running; start it with `sampan up`.")
        return
    for name in ("gateway", "api", "argo", "s3", "grpc", "kubeconfig"):
        if name in report:
            print(f"{name:12}{report[name]}")
    for name, component in report["components"].items():
        sign = "ready" if component["ready"] else "not ready"
        print(f"{name:12}{sign}{': ' if component['message'] else ''}{component['message']}")


def _down(message: str) -> dict[str, Any]:
    return {"ready": False, "message": message}
