"""`sampan runs`: list runs of pipelines, show one, its logs, end it, try it again, delete it.

A run is named by its id, the beginning of it, its name, or `@latest`.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

from sampan.cli.pipelines import follow, server, shown
from sampan.cli.pipelines.server import Server, Work
from sampan.kube.errors import UserMistake
from sampan.lib import yaml

_LISTED = 20
_CHANGES = {
    "terminate": ("end a run", "asked to end"),
    "retry": ("try a run again, from what succeeded", "tried again"),
    "archive": ("put a run away", "put away"),
    "unarchive": ("take a run out again", "taken out again"),
}
_RUN = "its id, the beginning of it, its name, or @latest"


def arguments(parser: argparse.ArgumentParser) -> None:
    _common(parser, _list)
    _listing(parser)
    verbs = parser.add_subparsers(dest="action", metavar="ACTION")
    _listing(_verb(verbs, "list", "show the newest runs", _list, named=False))
    get = _verb(verbs, "get", "show the tasks of a run", _get)
    get.add_argument("--why", action="store_true", help="why tasks were not taken from the cache")
    get.add_argument("-f", "--follow", action="store_true", help="until it is over")
    get.add_argument("-o", "--output", default="", choices=["yaml"], help="all there is")
    logs = _verb(verbs, "logs", "print what tasks of a run wrote", _logs)
    logs.add_argument(
        "task", nargs="?", default="", metavar="TASK", help="its name; else those that failed"
    )
    logs.add_argument("-f", "--follow", action="store_true", help="go on until it ends")
    for verb, (summary, _) in _CHANGES.items():
        _verb(verbs, verb, summary, _change)
    _verb(verbs, "delete", "forget a run", _delete)


def _verb(
    verbs: Any, name: str, summary: str, work: Work, *, named: bool = True
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=summary, description=summary.capitalize() + "."
    )
    if named:
        parser.add_argument("run", metavar="RUN", help=_RUN)
    _common(parser, work)
    return parser


def _common(parser: argparse.ArgumentParser, work: Work) -> None:
    parser.set_defaults(work=work)
    server.options(parser)


def _listing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--limit", type=int, default=_LISTED, metavar="NUMBER", help=f"how many ({_LISTED})"
    )
    parser.add_argument("--experiment", metavar="NAME", default="", help="only its runs")


def run(args: argparse.Namespace) -> int:
    return server.run(args, args.work)


async def _list(connection: Server, args: argparse.Namespace) -> int:
    query = {}
    if args.experiment:
        query["experiment_id"] = await connection.experiment(args.experiment)
    found = await connection.runs(max(1, args.limit), **query)
    print(shown.listed(found, _now()) if found else "there are no runs\n", end="")
    return 0


async def _get(connection: Server, args: argparse.Namespace) -> int:
    found = await connection.run(args.run)
    if args.follow:
        return await follow.until_over(connection, found["run_id"])
    if args.output:
        print(yaml.dump(found), end="")
        return 0
    tasks = await connection.tasks(found["run_id"])
    print(shown.whole(shown.with_notes(found, tasks, why=args.why), _now()), end="")
    return 0


async def _logs(connection: Server, args: argparse.Namespace) -> int:
    found = await connection.run(args.run)
    if not args.task:
        await follow.print_failures(connection, found)
        return 0
    task = _task(found, args.task)
    async for piece in connection.log(found["run_id"], follow.node_of(task), follow=args.follow):
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    return 0


def _task(run: shown.Run, word: str) -> shown.Task:
    """The task of that name or id; of several the last one that began."""
    tasks = (run.get("run_details") or {}).get("task_details") or ()
    found = [each for each in tasks if word in (each.get("display_name"), each["task_id"])]
    if not found:
        raise UserMistake(f"run {run['run_id']} has no task {word}")
    return max(found, key=lambda each: str(each.get("start_time") or ""))


async def _change(connection: Server, args: argparse.Namespace) -> int:
    found = await connection.run(args.run)
    await connection.post("runs", f"{found['run_id']}:{args.action}")
    print(f"run {found['run_id']} is {_CHANGES[args.action][1]}")
    return 0


async def _delete(connection: Server, args: argparse.Namespace) -> int:
    found = await connection.run(args.run)
    await connection.delete("runs", found["run_id"])
    print(f"run {found['run_id']} is deleted")
    return 0


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251
