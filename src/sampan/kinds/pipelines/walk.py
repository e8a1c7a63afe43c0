"""One look at a run: what it knows, what it changes, what it asks for.

A Walk lives for one decision and is the only thing in it that changes. `dags` goes through the
tasks of a DAG, `execute` begins one and goes on with one, each kind of task is a file. Whoever
needs what lies deeper asks the walk (`start`, `go_on`, `descend`), so no kind knows another.
Finished subtrees are not entered: a look costs one question of a dictionary for each task of the
DAGs that go on.
Nothing is remembered between looks; `status.tasks` and the pods are all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from sampan.kinds.pipelines import tasks
from sampan.kinds.pipelines.ir.messages import Component, Task
from sampan.kinds.pipelines.ir.resolve import Values
from sampan.kinds.pipelines.pods import claims, naming
from sampan.kinds.pipelines.snapshot import Run
from sampan.kinds.pipelines.tasks import Entry, State, Type
from sampan.kube.lineage import CacheAnswer, CacheQuestion
from sampan.kube.plan import Action, Unanswered

MOST_BEGUN = 128
"""Tasks that one look begins. The others follow in the next, which comes at once: first pods run
while later ones are made, and no plan is too long to be repeated."""
MOST_PENDING = 128
"""Pods that wait to run. More would only wait in another queue, and each costs a look."""
MOST_TASKS = 20_000
"""Entries of one run: its status is one object, which is written as a whole."""
MOST_VALUES = 64 * 1024 * 1024
"""Bytes of all inputs and outputs of one run, for the same reason."""
MOST_DEEP = 64
"""DAGs in DAGs."""
_SMALL = 50
_REST = 0.0002
"""Seconds for each entry beyond so many in which a run is not looked at again. What a look and a
write cost grows with the entries; so they take a small part of the time, and bring more."""


class Steps(Protocol):
    """How a walk goes; `run` puts it together."""

    def start(self, walk: Walk, call: Call, inputs: Values) -> None:
        """Begin a task that is no loop, or one iteration, whose inputs are known."""

    def go_on(self, walk: Walk, call: Call) -> None:
        """Look at a task that is PENDING or RUNNING."""

    def descend(self, walk: Walk, frame: Frame) -> None:
        """Go on with the tasks of a DAG whose entry is RUNNING."""


class Walk:
    """asking: the questions for the cache are all that matters, so nothing expensive is made."""

    def __init__(self, run: Run, steps: Steps, *, asking: bool = False) -> None:
        self.run = run
        self.now = run.now
        self.pipeline = run.pipeline
        self.facts = run.facts
        self.asking = asking
        self.stop = ""  # why all that runs has to end; "" when nothing has to
        self.stop_state: State = "CANCELED"  # of what is ended so
        self.changed: dict[str, Entry] = {}
        self.late: dict[str, Entry] = {}  # changes that can wait for others to be written with
        self.actions: list[Action] = []
        self.questions: list[CacheQuestion] = []
        self.again_in: float | None = None
        self.loops: dict[str, tuple[Values, Sequence[Any]]] = {}  # inputs and items, by path
        self.begun = 0
        self.pending = sum(
            1 for path in run.pods if tasks.state_of(run.tasks.get(path)) == "PENDING"
        )
        self.entries = len(run.tasks)
        self.values = int(run.status.get("valueBytes") or 0)  # bytes of inputs and outputs
        self._steps = steps

    # -- entries ----------------------------------------------------------------------------------
    def entry(self, path: str) -> Entry | None:
        return self.changed.get(path) or self.run.tasks.get(path)

    def put(self, path: str, entry: Entry) -> Entry:
        before = self.entry(path)
        if before is None:
            self.entries += 1
        for field in ("inputs", "outputs"):
            if field in entry and (before is None or field not in before):
                self.values += len(msgspec.json.encode(entry[field]))
        self.changed[path] = entry
        return entry

    def turn(self, path: str, state: State, error: str | None = None, **more: Any) -> Entry:
        """What is there already goes on."""
        entry = self.entry(path)
        assert entry is not None
        return self.put(path, tasks.turned(entry, state, self.now, error, **more))

    def born(self, call: Call, state: State, error: str | None = None, **more: Any) -> Entry:
        """The entry of what has been decided just now."""
        fields: dict[str, Any] = {
            "id": call.id(self),
            "name": call.name,
            "type": call.type(self),
        }
        if (shown := call.task.taskInfo.name) not in ("", call.name):
            fields["displayName"] = shown
        if call.frame is not None:
            fields["parent"] = call.around
        if call.iteration is not None:
            fields["iteration"] = call.iteration
        if call.component:
            fields["component"] = call.component
        return self.put(call.path, tasks.turned(fields, state, self.now, error, **more))

    def postpone(self, path: str, entry: Entry, seconds: float) -> None:
        """A change that is written with others that have to be, or alone after so many seconds."""
        if seconds <= 0:
            self.put(path, entry)
            return
        self.late[path] = entry
        self.wait(seconds)

    # -- limits -----------------------------------------------------------------------------------
    @property
    def is_full(self) -> bool:
        """Whether what could begin has to wait: for the next look, or for pods that wait to run."""
        if self.begun >= MOST_BEGUN:
            self.wait(0.0)
            return True
        return self.pending >= MOST_PENDING

    @property
    def fault(self) -> str:
        """Why no task may begin any more; "" when one may."""
        if self.entries >= MOST_TASKS:
            return f"a run has at most {MOST_TASKS} tasks, iterations counted"
        if self.values >= MOST_VALUES:
            return f"inputs and outputs of a run have at most {MOST_VALUES} bytes together"
        return ""

    @property
    def rest(self) -> float:
        return max(self.entries - _SMALL, 0) * _REST

    def wait(self, seconds: float) -> None:
        """Ask to be called again, at the latest after so many seconds."""
        self.again_in = seconds if self.again_in is None else min(self.again_in, seconds)

    # -- asking and going deeper ------------------------------------------------------------------
    def ask(self, question: CacheQuestion) -> CacheAnswer | Unanswered | None:
        """None: the answer is not known yet, and there will be another look when it is. Who waits
        for one takes the place of a pod that waits to run."""
        self.questions.append(question)
        answer = self.run.answers.get(question)
        self.pending += answer is None
        return answer

    def start(self, call: Call, inputs: Values) -> None:
        self._steps.start(self, call, inputs)

    def go_on(self, call: Call) -> None:
        self._steps.go_on(self, call)

    def descend(self, frame: Frame) -> None:
        self._steps.descend(self, frame)


class Frame(Struct, frozen=True, kw_only=True):
    """A DAG that goes on, as `ir.resolve.Scope` wants to see it.

    path: its own, that of the iteration if it is one. component: its name.
    """

    walk: Walk
    path: str
    component: str
    inputs: Values
    depth: int = 0

    def child(self, name: str) -> str:
        return tasks.joined(self.path, name)

    def outputs(self, task: str) -> Values | None:
        entry = self.walk.entry(self.child(task))
        if entry is None or entry["state"] not in tasks.GOOD:
            return None
        return tasks.outputs_of(entry)

    def state(self, task: str) -> str:
        return tasks.state_of(self.walk.entry(self.child(task)))

    def states(self, names: Mapping[str, Any]) -> dict[str, str]:
        return {name: self.state(name) for name in names}


class Call(Struct, frozen=True, kw_only=True):
    """A task in its place, or one iteration of it.

    path: the key of its entry. name: in its DAG. component: the name of what it runs; "" is the
    root. frame: the DAG around it; None for the root itself. iteration: its index, if it is one.
    """

    path: str
    name: str
    component: str
    task: Task
    frame: Frame | None = None
    iteration: int | None = None

    @property
    def around(self) -> str:
        """The path of the entry that it is part of."""
        if self.iteration is not None:
            return self.path.rpartition("/")[0]
        return self.frame.path if self.frame is not None else ""

    @property
    def depth(self) -> int:
        return 0 if self.frame is None else self.frame.depth

    @property
    def scope(self) -> Frame:
        assert self.frame is not None
        return self.frame

    def id(self, walk: Walk) -> str:
        return naming.unique(walk.run.uid, self.path)

    def definition(self, walk: Walk) -> Component:
        return walk.pipeline.component(self.component)

    def type(self, walk: Walk) -> Type:
        definition = self.definition(walk)
        if self.task.loops and self.iteration is None:
            return "Loop"
        if definition.dag is not None:
            return "Dag" if self.iteration is None else "Iteration"
        if walk.pipeline.executor(definition).importer is not None:
            return "Importer"
        container = walk.pipeline.container(definition)
        return (
            "Pvc"
            if container and container.image in (claims.CREATE, claims.DELETE)
            else "Container"
        )
