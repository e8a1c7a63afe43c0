"""Katib: trials of an objective that costs nothing, each in a process and a sandbox of its own.

The first trial's time begins when the request for the Experiment is answered, and ends when a watch
says that the Trial has succeeded; the program itself tells when it began. Others do the same search
in the same run: Ray Tune, where `RAY_PYTHON` or `.venvs/ray` has it, and a loop that starts the
program as a bare process, two at a time, with nothing beside it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import http
from benchmarks.program import Program, program, seconds
from benchmarks.table import Table

OBJECTIVE = """
import sys, time
began = time.time()
x, y, k = (float(each.partition("=")[2]) for each in sys.argv[1:])
print(f"loss={x * x + y + (k - 3) ** 2}")
print(f"began={began}")
"""
_ARGUMENTS = ["--x=${trialParameters.x}", "--y=${trialParameters.y}", "--k=${trialParameters.k}"]
_COLD = ["python3", "-E"]  # an option that a fork does not know
_WARM = ["python3"]
_PEER = Path(__file__).with_name("raytune.py")
_ENVIRONMENT = Path(__file__).parent.parent / ".venvs" / "ray"
_PEERS = {"default": ("Ray", 12, 10), "reuse": ("Ray, reuse_actors", 100, 1)}
"""By mode: what to call it, how many trials, and how many times as fast to be."""
_LONGEST = 900.0
_TRIES = 5


def run(table: Table) -> None:
    spawned = bare_rate(100)
    peers = {mode: beside(mode, count) for mode, (_, count, _) in _PEERS.items()}
    floor = {"floor": spawned, "floor_name": "bare python processes"}
    with program() as sampan:
        search = Searches(sampan)
        _, first = search.first(_WARM)
        table.at_most("the first trial of all has succeeded", first, "s", 0.5)
        search.rate(10, _WARM)  # makes the interpreter warm
        table.at_least("trials, 2 at once, started cold", search.rate(100, _COLD), "/s", 5, **floor)
        rate = search.rate(100, _WARM)
        table.at_least("trials, 2 at once, warm", rate, "/s", 8, **floor)
        for mode, (title, _, goal) in _PEERS.items():
            for name, peer in zip((title, f"{title}, started"), peers[mode] or ()):  # noqa: B905
                table.at_least(f"the same / {name} ({peer:.3g}/s)", rate / peer, "×", goal)
        firsts = [search.first(_WARM) for _ in range(_TRIES)]
        began, ended = (statistics.median(each) for each in zip(*firsts, strict=True))
        table.at_most("first trial's program begins", began, "s", 0.5)
        table.at_most("first trial has succeeded", ended, "s", 0.5)
    _thousand(table)


def _thousand(table: Table) -> None:
    """What a trial costs in an experiment of many, and what stays of it."""
    with program() as sampan:
        search = Searches(sampan)
        search.rate(10, _WARM)
        few = search.cost(100)
        idle = sampan.pss()
        many = search.cost(1000)
        table.at_least("trials, 1,000, 2 at once, warm", 1000 / many[0], "/s", 8)
        each, before = 1000 * many[1], 1000 * few[1]
        table.at_most(
            "processor of the control plane, each", each, "ms", 1.5 * before,
            floor=before, floor_name="of 100",
        )  # fmt: skip
        table.at_most("memory after 1,000 trials more", sampan.pss() / idle, "×", 2)


def bare_rate(count: int) -> float:
    """Programs a second, two at a time, as a script that starts them would."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file, ThreadPoolExecutor(2) as two:
        file.write(OBJECTIVE)
        file.flush()
        command = [sys.executable, file.name, "--x=0.5", "--y=0.5", "--k=3"]
        began = time.perf_counter()
        started = (two.submit(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)
                   for _ in range(count))  # fmt: skip
        for each in list(started):
            each.result()
        return count / (time.perf_counter() - began)


def beside(mode: str, count: int) -> tuple[float, float] | None:
    """Trials a second of Ray Tune without its start, and with it; None where it is not there."""
    python = os.environ.get("RAY_PYTHON") or str(_ENVIRONMENT / "bin" / "python")
    if not Path(python).exists():
        print(f"Ray Tune is not installed: {python}", file=sys.stderr)
        return None
    done = subprocess.run(
        [python, "-P", str(_PEER), mode, str(count)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"Ray Tune:\n{done.stderr[-2000:]}")
    alone, whole = map(float, done.stdout.split()[-2:])
    return alone, whole


class Searches:
    """Experiments of the default namespace."""

    def __init__(self, sampan: Program) -> None:
        self._sampan = sampan
        self._tls = http.trusting(sampan.ca)
        where = urlsplit(sampan.api).netloc
        self._connection = HTTPSConnection(where, context=self._tls, timeout=60)
        self._number = 0
        self._of = f"{sampan.api}/apis/kubeflow.org/v1beta1/namespaces/default"
        about = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "objective"}}
        where = f"{sampan.api}/api/v1/namespaces/default/configmaps"
        self._ask("POST", where, {**about, "data": {"objective.py": OBJECTIVE}})

    def rate(self, count: int, python: list[str]) -> float:
        """Trials a second, from the answer to the request until the last one is counted."""
        return count / self._timed(count, python)

    def cost(self, count: int) -> tuple[float, float]:
        """Seconds until it is over, and seconds of the control plane's processor for each trial."""
        before = seconds(self._sampan.pid)
        taken = self._timed(count, _WARM)
        return taken, (seconds(self._sampan.pid) - before) / count

    def first(self, python: list[str]) -> tuple[float, float]:
        """Seconds from the answer until the first trial's program begins, and until it is seen to
        have succeeded."""
        name = self._create(1, python)
        answered, since = time.time(), time.perf_counter()
        for trial in self._watch(name):
            if _holds(trial, "Succeeded"):
                ended = time.perf_counter() - since
                metrics = {each["name"]: each for each in trial["status"]["observation"]["metrics"]}
                return float(metrics["began"]["latest"]) - answered, ended
        raise SystemExit("the watch has ended")

    def _timed(self, count: int, python: list[str]) -> float:
        name = self._create(count, python)
        began = time.perf_counter()
        while True:
            found = self._ask("GET", f"{self._of}/experiments/{name}")
            if _holds(found, "Succeeded"):
                break
            taken = time.perf_counter() - began
            if _holds(found, "Failed") or taken > _LONGEST:
                raise SystemExit(f"after {taken:.0f} s: {found.get('status')}")
            time.sleep(max(0.005, taken / 100))
        assert found["status"]["trialsSucceeded"] == count
        return time.perf_counter() - began

    def _create(self, count: int, python: list[str]) -> str:
        self._number += 1
        name = f"bench{self._number}"
        self._ask("POST", f"{self._of}/experiments", _experiment(name, count, python))
        return name

    def _watch(self, name: str) -> Iterator[Any]:
        query = f"watch=true&labelSelector=katib.kubeflow.org/experiment={name}"
        request = self._request("GET", f"{self._of}/trials?{query}")
        with urllib.request.urlopen(request, context=self._tls, timeout=60) as stream:
            for line in stream:
                yield json.loads(line)["object"]

    def _ask(self, method: str, url: str, body: Any = None) -> Any:
        """Over one connection: to make others would cost more than a trial does."""
        request = self._request(method, url, body)
        self._connection.request(
            method, request.selector, request.data, dict(request.header_items())
        )
        with self._connection.getresponse() as answer:
            found = json.load(answer)
        if answer.status >= 300:
            raise SystemExit(f"{method} {url}: {found.get('message')}")
        return found

    def _request(self, method: str, url: str, body: Any = None) -> urllib.request.Request:
        headers = {
            "Authorization": f"Bearer {self._sampan.token}", "Content-Type": "application/json",
        }  # fmt: skip
        text = None if body is None else json.dumps(body).encode()
        return urllib.request.Request(url, text, headers, method=method)


def _holds(manifest: Any, condition: str) -> bool:
    said = manifest.get("status", {}).get("conditions", ())
    return any(each["type"] == condition and each["status"] == "True" for each in said)


def _experiment(name: str, count: int, python: list[str]) -> dict[str, Any]:
    space = {"parameterType": "double", "feasibleSpace": {"min": "-1", "max": "1"}}
    whole = {"parameterType": "int", "feasibleSpace": {"min": "1", "max": "5"}}
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": name},
        "spec": {
            "objective": {
                "type": "minimize", "objectiveMetricName": "loss",
                "additionalMetricNames": ["began"],
            },
            "algorithm": {"algorithmName": "random"},
            "parallelTrialCount": min(2, count),
            "maxTrialCount": count,
            "maxFailedTrialCount": 0,
            "parameters": [
                {"name": "x", **space}, {"name": "y", **space}, {"name": "k", **whole},
            ],
            "trialTemplate": {
                "primaryContainerName": "main",
                "trialParameters": [{"name": each, "reference": each} for each in "xyk"],
                "trialSpec": _job([*python, "/program/objective.py", *_ARGUMENTS]),
            },
        },
    }  # fmt: skip


def _job(command: list[str]) -> dict[str, Any]:
    container = {
        "name": "main", "image": "python:3", "command": command,
        "volumeMounts": [{"name": "program", "mountPath": "/program"}],
    }  # fmt: skip
    volume = {"name": "program", "configMap": {"name": "objective"}}
    pod = {"restartPolicy": "Never", "containers": [container], "volumes": [volume]}
    return {
        "apiVersion": "batch/v1", "kind": "Job",
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }  # fmt: skip
