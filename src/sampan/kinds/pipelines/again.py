"""A run that is tried again: what succeeded stays, all else is undecided once more.

`spec.retries` says how often a retry was asked for, `status.retries` how often one began. A task
runs again if it did not end well or if what it needs runs again; so does an exit task, as what it
is told has changed. DAGs and loops that go on in part are opened again. Attempts go on counting, so
that no pod has the name of an old one.
Upstream: backend/src/apiserver/resource/resource_manager.go RetryRun.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kinds.pipelines import status, tasks
from sampan.kinds.pipelines.ir.pipeline import ROOT
from sampan.kinds.pipelines.snapshot import Run
from sampan.kinds.pipelines.tasks import Entry
from sampan.kube import runs
from sampan.kube.keys import Manifest
from sampan.kube.plan import NOTHING, Plan
from sampan.kube.times import rfc3339

_KEPT = tasks.GOOD | {"SKIPPED"}
_OF_ITS_END = ("finishedAt", "error", "outputs")


def is_asked(manifest: Manifest) -> bool:
    told = manifest.get("status") or {}
    wanted = (manifest.get("spec") or {}).get("retries") or 0
    return told.get("state") in runs.UNDONE and wanted > (told.get("retries") or 0)


def begin(run: Run) -> Plan:
    """The plan of the look that finds a retry asked for."""
    kept: dict[str, Entry] = {}
    root = run.tasks.get(tasks.ROOT)
    if root is not None:
        kept[tasks.ROOT] = _opened(root)
        kept |= _of_dag(run, tasks.ROOT, ROOT)
    attempts = dict(run.status.get("attempts") or {})
    for path, entry in run.tasks.items():
        if path not in kept and "attempt" in entry:
            attempts[path] = entry["attempt"] + 1
    said: dict[str, Any] = tasks.told(run.status, "PENDING", run.now)
    said = status.with_condition(run.status, said, rfc3339(run.now))
    said |= {"tasks": kept, "retries": run.spec.get("retries") or 0}
    if attempts:
        said["attempts"] = attempts
    patch = status.patched(run.key, run.manifest, said, {}, ("error", "finishedAt", "expiresAt"))
    return Plan(actions=(patch,)) if patch else NOTHING


def _of_dag(run: Run, path: str, component: str) -> dict[str, Entry]:
    """What stays of the tasks of a DAG that is opened again."""
    graph = run.pipeline.graph(component)
    kept: dict[str, Entry] = {}
    again: set[str] = set()
    for name, task in graph.tasks.items():
        child = tasks.joined(path, name)
        entry = run.tasks.get(child)
        if entry is None or not again.isdisjoint(graph.needs[name]):
            again.add(name)
        elif entry["state"] in _KEPT:
            kept |= dict(_below(run.tasks, child))
        else:
            again.add(name)
            kept |= _opened_task(run, child, task.componentRef.name, entry)
    return kept


def _opened_task(run: Run, path: str, component: str, entry: Entry) -> dict[str, Entry]:
    """A task that did not end well: what in it stays."""
    ran = any(each["state"] == "RUNNING" for each in entry.get("history") or ())
    if entry["type"] not in tasks.GROUPS or not ran:
        return {}
    opened = {path: _opened(entry)}
    if entry["type"] != "Loop":
        return opened | _of_dag(run, path, component)
    for index in range(int(entry.get("iterations") or 0)):
        inner = tasks.joined(path, f"[{index}]")
        found = run.tasks.get(inner)
        if found is None:
            continue
        if found["state"] in _KEPT:
            opened |= dict(_below(run.tasks, inner))
        else:
            opened |= _opened_task(run, inner, component, found)
    return opened


def _opened(entry: Entry) -> Entry:
    """A DAG or a loop that goes on."""
    rest = {key: value for key, value in entry.items() if key not in _OF_ITS_END}
    return {**rest, "state": "RUNNING"}


def _below(entries: Mapping[str, Entry], path: str) -> Iterator[tuple[str, Entry]]:
    """A task, and all that is in it."""
    yield path, entries[path]
    if entries[path]["type"] in tasks.GROUPS:
        for each, entry in entries.items():
            if each.startswith(f"{path}/"):
                yield each, entry
