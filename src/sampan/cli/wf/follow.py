"""`sampan wf logs, watch, wait`: follow workflows until they are over."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

from sampan.cli.wf import argo, tree
from sampan.cli.wf.argo import Argo
from sampan.kube.errors import UserMistake

_CLEAR = "\x1b[H\x1b[2J"
OVER = ("Succeeded", "Failed", "Error")


def arguments(verbs: Any) -> None:
    parser = verbs.add_parser("logs", help="print what a workflow's pods wrote")
    parser.add_argument("workflow", help="@latest is the newest")
    parser.add_argument("pod", nargs="?", default="")
    parser.add_argument("-f", "--follow", action="store_true")
    parser.add_argument("-c", "--container", help="instead of main")
    parser.add_argument("-l", "--selector", help="of the pods, by their labels")
    parser.add_argument("--grep", metavar="PATTERN", help="only lines that match")
    parser.add_argument("--tail", type=int, metavar="LINES")
    parser.add_argument("--timestamps", action="store_true")
    parser.add_argument("--no-pod", action="store_true", help="do not say which pod wrote it")
    argo.options(parser, _logs)
    parser = verbs.add_parser("watch", help="show a workflow until it is over")
    parser.add_argument("workflow")
    argo.options(parser, _watch)
    parser = verbs.add_parser("wait", help="wait until workflows are over")
    parser.add_argument("workflows", nargs="+")
    argo.options(parser, _wait)


async def _logs(server: Argo, args: argparse.Namespace) -> int:
    query = {
        "podName": args.pod,
        "logOptions__container": args.container,
        "logOptions__follow": args.follow,
        "logOptions__tailLines": args.tail,
        "logOptions__timestamps": args.timestamps,
        "selector": args.selector,
        "grep": args.grep,
    }
    await print_logs(server, server.namespace, args.workflow, query, pods=not args.no_pod)
    return 0


async def print_logs(
    server: Argo, namespace: str, name: str, query: dict[str, Any], *, pods: bool = True
) -> None:
    async for entry in server.results("workflows", namespace, name, "log", **query):
        content = entry.get("content") or ""
        print(f"{entry.get('podName')}: {content}" if pods else content, flush=True)


async def _watch(server: Argo, args: argparse.Namespace) -> int:
    return await watch(server, server.namespace, args.workflow)


async def _wait(server: Argo, args: argparse.Namespace) -> int:
    codes = [await until_over(server, server.namespace, name) for name in args.workflows]
    return max(codes)


async def watch(server: Argo, namespace: str, name: str) -> int:
    """Show each state: one over the other on a terminal, one after the other elsewhere."""
    last: Any = None
    async for workflow in _states(server, namespace, name):
        text = tree.shown(workflow, datetime.now(UTC))  # noqa: TID251
        print((_CLEAR if sys.stdout.isatty() else "") + text, flush=True)
        last = workflow
    return _code(last)


async def until_over(server: Argo, namespace: str, name: str) -> int:
    """Wait, and say how it ended; 1 unless it has succeeded."""
    last: Any = None
    async for workflow in _states(server, namespace, name):
        last = workflow
    status = (last or {}).get("status") or {}
    what = f"{name} {status.get('phase')} at {status.get('finishedAt')}"
    print(f"{what}: {status['message']}" if status.get("message") else what)
    return _code(last)


async def _states(server: Argo, namespace: str, name: str) -> Any:
    """Each state until it is over or deleted. A watch that ends is begun again."""
    found = await server.get("workflows", namespace, name)
    name = found["metadata"]["name"]
    while True:
        events = server.results(
            "workflow-events", namespace, listOptions__fieldSelector=f"metadata.name={name}"
        )
        async for event in events:
            if event.get("type") == "DELETED":
                raise UserMistake(f"workflow {name} has been deleted")
            yield event["object"]
            if _phase(event["object"]) in OVER:
                return


def _phase(workflow: Any) -> str:
    return str((workflow.get("status") or {}).get("phase") or "")


def _code(workflow: Any) -> int:
    return 0 if workflow is not None and _phase(workflow) == "Succeeded" else 1
