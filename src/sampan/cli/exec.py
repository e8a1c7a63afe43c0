"""`sampan exec POD -- COMMAND …`: run a command in a container; its exit code is ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sampan.cli import connect, resources
from sampan.kube.errors import UserMistake

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pod", metavar="POD")
    connect.options(parser)
    parser.add_argument("-c", "--container", default="", help="the first one, if not given")
    parser.add_argument("-i", "--stdin", action="store_true", help="pass standard input on")
    parser.add_argument("-t", "--tty", action="store_true", help="give the command a terminal")
    parser.add_argument("command", nargs="+", metavar="-- COMMAND", help="and its arguments")


def run(args: argparse.Namespace) -> int:
    return connect.run(args, _exec)


async def _exec(client: connect.Client, args: argparse.Namespace) -> int:
    from sampan.cli import terminal

    kind, slash, name = args.pod.partition("/")
    if slash and kind not in ("pod", "pods", "po"):
        raise UserMistake("commands run in pods: name one")
    pods = (await resources.Resources.of(client)).named("pods")
    pod = name or args.pod
    container = args.container
    if not container:
        found = await client.get(pods.path(args.namespace, pod))
        container = found["spec"]["containers"][0]["name"]
    return await terminal.run_in(
        client,
        pods.path(args.namespace, pod, "exec"),
        container,
        args.command,
        stdin=args.stdin,
        tty=args.tty,
    )
