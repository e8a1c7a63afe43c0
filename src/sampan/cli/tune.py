"""`sampan tune FILE.py:FUNCTION -p NAME=SPACE …`: search for the best parameters of a function.

The function runs in pods, one for each trial, and what it returns is compared: see `tuning`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import re
import secrets
import sys
from functools import partial
from pathlib import Path
from typing import Any

from sampan.cli import connect
from sampan.cli.tuning import follow, objects, space
from sampan.kube.errors import AlreadyExists, ApiStatus, UserMistake

_HOLDING: dict[str, dict[str, Any]] = {
    "suspend": {"suspend": True},
    "resume": {"suspend": False},
    "stop": {"shutdown": "Stop"},
}
"""Option -> what it makes of the Experiment's spec."""
_LONGEST = 34
"""Letters of a name that are the file's: upstream takes forty of an Experiment."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", metavar="FILE.py:FUNCTION", help="called in each trial")
    parser.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=SPACE",
        help="loguniform(1e-4,1e-1), uniform(0,1), int(1,5), logint(1,99), choice(a,b), or a value "
        "for all trials (again for each)",
    )  # fmt: skip
    parser.add_argument("--trials", type=_count, default=20, metavar="N", help="(20)")
    parser.add_argument("--parallel", type=_count, default=2, metavar="N", help="at once (2)")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--minimize", action="store_true", help="the least is the best (default)")
    way.add_argument("--maximize", action="store_true", help="the most is the best")
    parser.add_argument("--metric", default="objective", metavar="NAME", help="of the value")
    parser.add_argument("--goal", type=float, metavar="VALUE", help="end when it is reached")
    parser.add_argument("--algorithm", metavar="NAME", help="(tpe; without numpy, random)")
    parser.add_argument(
        "-s", "--setting", action="append", default=[], metavar="NAME=VALUE",
        help="of the algorithm, such as random_state=1",
    )  # fmt: skip
    parser.add_argument("--early-stopping", default="", metavar="NAME", help="such as medianstop")
    parser.add_argument("--image", default=_image(), help=f"of the trials ({_image()})")
    parser.add_argument("--include", action="append", default=[], type=Path, metavar="FILE",
                        help="what the file imports or reads beside it")  # fmt: skip
    parser.add_argument("--cpu", default="", help="for each trial, such as 500m")
    parser.add_argument("--memory", default="", help="for each trial, such as 1Gi")
    parser.add_argument("--name", help="of the Experiment; else the file's, and five letters")
    parser.add_argument("--detach", action="store_true", help="print its name, and leave it")
    parser.add_argument("--attach", metavar="NAME", help="show one that was begun before")
    for name, what in (
        ("suspend", "let no more trials of it begin; those that run go on"),
        ("resume", "let it go on"),
        ("stop", "end it when the trials that run have ended"),
    ):
        parser.add_argument(f"--{name}", metavar="NAME", help=what)
    connect.options(parser)


def run(args: argparse.Namespace) -> int:
    if args.attach:
        return connect.run(args, _attach)
    for option, spec in _HOLDING.items():
        if name := getattr(args, option):
            return connect.run(args, partial(_hold, name=name, spec=spec))
    search = _search(args)
    return connect.run(args, lambda client, args: _tune(client, args, search))


def _search(args: argparse.Namespace) -> objects.Search:
    file, _, function = (args.what or "").rpartition(":")
    if not file.endswith(".py") or not function.isidentifier():
        raise UserMistake("say which function: sampan tune FILE.py:FUNCTION -p NAME=SPACE …")
    path = Path(file)
    searched = space.parse(args.parameter)
    resources = {name: text for name in ("cpu", "memory") if (text := getattr(args, name))}
    return objects.Search(
        name=args.name or _name(path.stem),
        files=objects.files(path, function, args.include),
        file=path.name,
        function=function,
        space=searched,
        metric=args.metric,
        minimize=not args.maximize,
        trials=args.trials,
        parallel=min(args.parallel, args.trials),
        algorithm=args.algorithm or _algorithm(),
        settings=_settings(args.setting),
        image=args.image,
        goal=args.goal,
        stopping=args.early_stopping,
        resources=resources,
    )


def _settings(pairs: list[str]) -> dict[str, str]:
    for each in pairs:
        if not each.partition("=")[1]:
            raise UserMistake(f"{each}: a setting is given as NAME=VALUE")
    return {name: value for name, _, value in (each.partition("=") for each in pairs)}


def _name(stem: str) -> str:
    """Katib's names begin with a letter."""
    slug = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-").lstrip("0123456789-")
    alphabet = "bcdfghjklmnpqrstvwxz2456789"
    end = "".join(secrets.choice(alphabet) for _ in range(5))
    return f"{slug[:_LONGEST].rstrip('-') or 'tune'}-{end}"


def _image() -> str:
    return f"python:{sys.version_info.major}.{sys.version_info.minor}"


def _algorithm() -> str:
    return "tpe" if importlib.util.find_spec("numpy") else "random"


def _count(text: str) -> int:
    try:
        found = int(text)
    except ValueError:
        found = 0
    if found < 1:
        raise argparse.ArgumentTypeError("it has to be a whole number, 1 or more")
    return found


async def _tune(client: connect.Client, args: argparse.Namespace, search: objects.Search) -> int:
    await _create(client, args.namespace, search)
    if args.detach:
        print(search.name)
        print(f"follow it: sampan tune --attach {search.name}", file=sys.stderr)
        return 0
    return await follow.until_over(client, args.namespace, search.name)


async def _create(client: connect.Client, namespace: str, search: objects.Search) -> None:
    """The program before the Experiment, whose pods would wait for it; it goes with that."""
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    experiments = f"{objects.BASE}/{namespace}/experiments"
    try:
        await client.send("POST", maps, objects.config_map(search))
    except AlreadyExists:
        text = f"there is a search {search.name}, or a ConfigMap of that name, in {namespace}"
        raise UserMistake(f"{text} already") from None
    made: dict[str, Any] = {}
    try:
        made = await client.send("POST", experiments, objects.experiment(search))
    finally:
        if not made:
            with contextlib.suppress(ApiStatus, asyncio.CancelledError):
                await client.send("DELETE", f"{maps}/{search.name}", None)
    patch = "application/merge-patch+json"
    await client.send("PATCH", f"{maps}/{search.name}", objects.owner(made), kind=patch)


async def _attach(client: connect.Client, args: argparse.Namespace) -> int:
    path = f"{objects.BASE}/{args.namespace}/experiments/{args.attach}"
    await client.get(path)  # NotFound is told at once
    return await follow.until_over(client, args.namespace, args.attach)


async def _hold(
    client: connect.Client, args: argparse.Namespace, *, name: str, spec: dict[str, Any]
) -> int:
    path = f"{objects.BASE}/{args.namespace}/experiments/{name}"
    await client.send("PATCH", path, {"spec": spec}, kind="application/merge-patch+json")
    return 0
