"""`sampan logs POD` or `TYPE/NAME`: what a container wrote; `-f` goes on until it ends."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sampan.cli import connect, resources
from sampan.cli.wait import duration
from sampan.kube.errors import UserMistake

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("word", metavar="POD | TYPE/NAME")
    connect.options(parser)
    parser.add_argument("-c", "--container", default="", help="needed when there are several")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until it ends")
    parser.add_argument("-p", "--previous", action="store_true", help="of the run before")
    parser.add_argument("--tail", type=int, help="only so many last lines")
    parser.add_argument("--since", help="only what is newer than 30s, 5m, …")
    parser.add_argument("--timestamps", action="store_true")


def run(args: argparse.Namespace) -> int:
    return connect.run(args, _logs)


async def _logs(client: connect.Client, args: argparse.Namespace) -> int:
    known = await resources.Resources.of(client)
    query = {
        "container": args.container,
        "follow": "true" if args.follow else "",
        "previous": "true" if args.previous else "",
        "timestamps": "true" if args.timestamps else "",
        "tailLines": "" if args.tail is None else str(args.tail),
        "sinceSeconds": str(int(duration(args.since))) if args.since else "",
    }
    pods = known.named("pods")
    for name in await _pods(client, args, known):
        async for piece in client.chunks(pods.path(args.namespace, name, "log", **query)):
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
    return 0


async def _pods(
    client: connect.Client, args: argparse.Namespace, known: resources.Resources
) -> list[str]:
    """The pod that is named, or those that the named object selects."""
    kind, slash, name = args.word.partition("/")
    if not slash:
        return [args.word]
    resource = known.named(kind)
    if resource.plural == "pods":
        return [name]
    found = await client.get(resource.path(args.namespace, name))
    labels = ((found.get("spec") or {}).get("selector") or {}).get("matchLabels")
    if not labels:
        raise UserMistake(f"{args.word} selects no pods by labels; name a pod")
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    listed = await client.get(known.named("pods").path(args.namespace, labelSelector=selector))
    if not listed["items"]:
        raise UserMistake(f"{args.word} has no pods")
    return [item["metadata"]["name"] for item in listed["items"]]
