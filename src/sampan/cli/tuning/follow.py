"""A search until it is over: a live table on a terminal, a line per trial elsewhere; then the best.

Experiment and Trials are followed by watches. Who interrupts this leaves the search going on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
from typing import Any
from urllib.parse import urlencode

from sampan.cli import connect
from sampan.cli.painting import Painter
from sampan.cli.tuning import objects, shown
from sampan.kube import names
from sampan.kube.errors import ApiStatus, Expired, UserMistake

Manifest = dict[str, Any]
_REPAINT = 0.1
"""Seconds between two paintings, however much has happened."""
_TICK = 1.0
"""Seconds after which times that run are painted anew."""
_HEAD = 5
"""Lines of a picture that are no trials."""
_COLLECTOR = "metrics-logger-and-collector"
"""Where what a trial printed stands: upstream's name of its collector."""
_TAIL = 15
"""Lines of the log of a trial that failed."""


class Followed:
    """What is known by now."""

    def __init__(self) -> None:
        self.experiment: Manifest = {}
        self.trials: dict[str, Manifest] = {}
        self.told: set[str] = set()
        self.news = asyncio.Event()

    @property
    def ordered(self) -> list[Manifest]:
        """As they were made; within a second as they were seen."""
        made = "creationTimestamp"
        return sorted(self.trials.values(), key=lambda each: str(each["metadata"][made]))

    def learn(self, event: str, found: Manifest) -> None:
        name = found["metadata"]["name"]
        if found["kind"] == "Experiment":
            if event == "DELETED":
                raise UserMistake(f"experiment {name} was deleted")
            self.experiment = found
        elif event == "DELETED":
            self.trials.pop(name, None)
        else:
            self.trials[name] = found
        self.news.set()


async def until_over(client: connect.Client, namespace: str, name: str) -> int:
    """Show it; 0 if it has succeeded, else 1."""
    known = Followed()
    try:
        await _watched(client, namespace, name, known)
    except asyncio.CancelledError:
        if known.experiment:
            print("\n" + shown.best(known.experiment), end="")
        print(f"experiment {name} goes on: sampan tune --attach {name}", file=sys.stderr)
        for what, how in (("pause", "suspend"), ("end", "stop")):
            print(f"to {what} it: sampan tune --{how} {name} -n {namespace}", file=sys.stderr)
        raise
    print(shown.ending(known.experiment, known.ordered), end="")
    if shown.has(known.experiment, "Succeeded"):
        return 0
    await _print_failure(client, namespace, known)
    return 1


async def _watched(client: connect.Client, namespace: str, name: str, known: Followed) -> None:
    base = f"{objects.BASE}/{namespace}"
    of_trials = {"labelSelector": f"{names.LABEL_KATIB_EXPERIMENT}={name}"}
    of_experiment = {"fieldSelector": f"metadata.name={name}"}
    trials = f"{base}/trials?{urlencode(of_trials)}"
    tasks = [
        asyncio.create_task(_learn(client, f"{base}/trials", of_trials, known)),
        asyncio.create_task(_learn(client, f"{base}/experiments", of_experiment, known)),
        asyncio.create_task(_show(known)),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for each in (await client.get(trials))["items"]:  # the end may be heard of before theirs
        known.learn("MODIFIED", {"kind": "Trial", **each})
    if not sys.stdout.isatty():
        _tell(known)


async def _learn(client: connect.Client, path: str, query: dict[str, str], known: Followed) -> None:
    """What is there, and then each change of it."""
    while True:
        listed = await client.get(f"{path}?{urlencode(query)}")
        for each in listed["items"]:
            known.learn("ADDED", {"kind": listed["kind"].removesuffix("List"), **each})
        version = listed["metadata"]["resourceVersion"]
        asked = urlencode({**query, "watch": "true", "resourceVersion": version})
        with contextlib.suppress(Expired):
            async for line in client.lines(f"{path}?{asked}"):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    break
                known.learn(event["type"], event["object"])


async def _show(known: Followed) -> None:
    """Until the experiment is over."""
    painter = Painter("trials") if sys.stdout.isatty() else None
    over = False
    while not over:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TICK):
                await known.news.wait()
        known.news.clear()
        over = shown.is_over(known.experiment)
        if painter is None:
            _tell(known)
        elif known.experiment:
            rows = shutil.get_terminal_size().lines - _HEAD
            painter.paint(shown.picture(known.experiment, known.ordered, rows))
        await asyncio.sleep(0 if over else _REPAINT)
    if painter is not None:
        painter.wipe()


def _tell(known: Followed) -> None:
    """A line for each trial that has ended."""
    best = shown.best_name(known.experiment)
    for each in known.ordered:
        name = each["metadata"]["name"]
        if name not in known.told and shown.ended(each):
            known.told.add(name)
            print(shown.line(each, best), flush=True)


async def _print_failure(client: connect.Client, namespace: str, known: Followed) -> None:
    """The end of the log of a trial that failed, where there is one yet."""
    trial = shown.failed(known.ordered)
    if trial is None:
        return
    name = trial["metadata"]["name"]
    pods = f"/api/v1/namespaces/{namespace}/pods"
    label = urlencode({"labelSelector": f"{names.LABEL_TRIAL}={name}"})
    for pod in (await client.get(f"{pods}?{label}"))["items"]:
        for container in (_COLLECTOR, objects.CONTAINER):
            where = f"{pods}/{pod['metadata']['name']}/log?container={container}&tailLines={_TAIL}"
            text = await _log(client, where)
            if text:
                print(f"\n── log of trial {name} " + "─" * 30)
                print(text, end="" if text.endswith("\n") else "\n")
                return


async def _log(client: connect.Client, path: str) -> str:
    try:
        return b"".join([each async for each in client.chunks(path)]).decode(errors="replace")
    except ApiStatus:
        return ""
