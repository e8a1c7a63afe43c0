"""The order in which a DAG's tasks may begin: what each waits for, and when it waits in vain.

    a need is open                          the task waits
    all needs SUCCEEDED or CACHED           it begins
    one FAILED, CANCELED, SKIPPED, OMITTED  it is OMITTED
    ALL_UPSTREAM_TASKS_COMPLETED            it begins once all are over and one of them ran

When a task of the DAG has failed nothing else of it begins, but for what runs anyway and what comes
behind that. Upstream: backend/src/v2/compiler/argocompiler/dag.go (depends, exit hooks), and
failFast of Argo's DAGs; that a task behind one that ignores a failure runs too is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from sampan.kinds.pipelines.ir.messages import Task
from sampan.kinds.pipelines.ir.pipeline import Graph
from sampan.kinds.pipelines.tasks import BROKEN, GOING, GOOD, NEVER_RAN

Verdict = Literal["wait", "begin", "omit"]


def verdict(task: Task, needs: Iterable[str], states: Mapping[str, str]) -> Verdict:
    """What becomes of a task that has not begun. states: of its siblings; "" is not decided."""
    found = [states[name] for name in needs]
    if task.runs_anyway:
        if any(not state or state in GOING for state in found):
            return "wait"
        return "omit" if found and all(state in NEVER_RAN for state in found) else "begin"
    if all(state in GOOD for state in found):
        return "begin"
    return "omit" if any(state in BROKEN or state in NEVER_RAN for state in found) else "wait"


def undeterred(graph: Graph) -> frozenset[str]:
    """The tasks that a failure beside them does not keep from beginning."""
    found: set[str] = set()
    for name, task in graph.tasks.items():
        if task.runs_anyway or not found.isdisjoint(graph.needs[name]):
            found.add(name)
    return frozenset(found)
