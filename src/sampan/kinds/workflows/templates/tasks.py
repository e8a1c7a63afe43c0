"""The tasks of a dag as a graph: what waits for what, in which order, under which condition.

Read from the template once and kept for the next looks: a dag may have ten thousand tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from sampan.kinds.workflows import naming
from sampan.kinds.workflows.templates import depends

Task = Mapping[str, Any]
_MOST_KNOWN = 16
"""Nodes of one dag template whose tasks' ids are kept."""


class Tasks:
    """The tasks of a dag in an order in which each comes after those that it waits for.

    order: those that are needed for the targets, nothing else is run; targets: by name. Raises
    depends.Mistake.
    """

    def __init__(self, dag: Mapping[str, Any]) -> None:
        listed: list[Task] = dag["tasks"]
        self.tasks = {task["name"]: task for task in listed}
        texts = {task["name"]: depends.of(task) for task in listed}
        self.waits_for = {
            name: [each for each in depends.words(text) if each in self.tasks]
            for name, text in texts.items()
        }
        self.tests = {
            name: depends.parse(text, self.tasks) if text else None for name, text in texts.items()
        }
        waited = {each for found in self.waits_for.values() for each in found}
        named = str(dag.get("target") or "").split()
        leaves = sorted(name for name in self.tasks if name not in waited)
        self.targets = [name for name in named if name in self.tasks] or leaves
        needed = self._all(self.targets)
        self._ids: dict[tuple[str, str], Mapping[str, str]] = {}
        self.order = [name for name in _sorted(self.waits_for) if name in needed]

    def ids(self, workflow: str, around: str) -> Mapping[str, str]:
        """The ids of the tasks' nodes, below the node of this name."""
        known = self._ids.get((workflow, around))
        if known is None:
            named = {each: naming.child_name(around, each) for each in self.tasks}
            known = {each: naming.node_id(workflow, name) for each, name in named.items()}
            if len(self._ids) >= _MOST_KNOWN:
                self._ids.clear()
            self._ids[workflow, around] = known
        return known

    def before(self, name: str) -> set[str]:
        """All tasks that this one waits for, directly or not."""
        return self._all(self.waits_for[name])

    def _all(self, names: list[str]) -> set[str]:
        """These tasks, and all that they wait for."""
        found: set[str] = set()
        queue = list(names)
        while queue:
            each = queue.pop()
            if each not in found:
                found.add(each)
                queue += self.waits_for[each]
        return found


def tasks_of(dag: Mapping[str, Any]) -> Tasks:
    """The graph of a `dag` object, which nobody changes."""
    return _read(_Dag(dag))


class _Dag:
    """A dag that can be a key: equal ones are one."""

    def __init__(self, dag: Mapping[str, Any]) -> None:
        self.dag = dag

    def __hash__(self) -> int:
        tasks = self.dag["tasks"]
        return hash((len(tasks), *(each["name"] for each in (*tasks[:1], *tasks[-1:]))))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Dag) and (self.dag is other.dag or self.dag == other.dag)


@lru_cache(maxsize=128)
def _read(dag: _Dag) -> Tasks:
    return Tasks(dag.dag)


def _sorted(waits_for: Mapping[str, list[str]]) -> Iterator[str]:
    """Depth first without recursion; a cycle (refused at admission) is cut, not followed."""
    entered: set[str] = set()
    for root in waits_for:
        if root in entered:
            continue
        entered.add(root)
        stack = [(root, iter(waits_for[root]))]
        while stack:
            name, rest = stack[-1]
            following = next((each for each in rest if each not in entered), None)
            if following is None:
                stack.pop()
                yield name
            else:
                entered.add(following)
                stack.append((following, iter(waits_for[following])))
