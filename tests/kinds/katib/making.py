"""Short ways to write experiments, and a toy cluster in which their jobs are played."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from itertools import islice
from typing import Any

from kinds.toy import Toy
from sampan.kinds.katib import COMPONENT
from sampan.kube import names, searching
from sampan.kube.keys import Key, Manifest
from sampan.kube.searching import (
    Assignment,
    Earlier,
    Metric,
    ObservationAnswer,
    ObservationQuestion,
    SuggestAnswer,
    Suggested,
    SuggestQuestion,
)
from sampan.kube.times import rfc3339

NAME = "square"
EXPERIMENT = Key(names.KATIB_EXPERIMENT, "u", NAME)
SUGGESTION = EXPERIMENT.as_kind(names.SUGGESTION)
DEPLOYMENT = Key(names.DEPLOYMENT, "u", f"{NAME}-random")
JOB: Manifest = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "spec": {
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "containers": [
                    {"name": "main", "image": "busybox", "args": ["--x=${trialParameters.x}"]}
                ],
            }
        }
    },
}
Values = Callable[[str], str]


def parameter(name: str = "x", kind: str = "double", **space: Any) -> dict[str, Any]:
    return {
        "name": name,
        "parameterType": kind,
        "feasibleSpace": space or {"min": "0", "max": "1"},
    }


def template(**fields: Any) -> dict[str, Any]:
    given = {
        "primaryContainerName": "main",
        "trialParameters": [{"name": "x", "reference": "x"}],
        "trialSpec": JOB,
    }
    return {field: value for field, value in {**given, **fields}.items() if value is not None}


def experiment(name: str = NAME, **spec: Any) -> Manifest:
    """None takes a field away."""
    given = {
        "objective": {"type": "minimize", "objectiveMetricName": "loss"},
        "algorithm": {"algorithmName": "random"},
        "parallelTrialCount": 2,
        "maxTrialCount": 4,
        "parameters": [parameter()],
        "trialTemplate": template(),
        **spec,
    }
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": name, "namespace": "u"},
        "spec": {field: value for field, value in given.items() if value is not None},
    }


class World(Toy):
    """`values`: of the objective by the trial's name, "" for none; `space`: how many suggestions
    there are. `refused` and `silent` are what the search says, or that it says nothing."""

    def __init__(self) -> None:
        super().__init__(COMPONENT)
        self.values: Values = lambda name: "0.5"
        self.why = ""
        self.space = 10**6
        self.settings: Mapping[str, str] = {}
        self.earlier: Earlier | None = None
        self.refused = ""
        self.silent: Any = None
        self.asked: list[SuggestQuestion] = []
        self.answer = self._answer

    def _answer(self, source: str, question: Hashable) -> Any:
        if self.silent is not None:
            return self.silent
        if isinstance(question, SuggestQuestion):
            self.asked.append(question)
            return self._suggested(question)
        assert isinstance(question, ObservationQuestion)
        assert source == searching.OBSERVATIONS
        value = self.values(question.trial)
        metrics = (Metric(name="loss", min=value, max=value, latest=value),) if value else ()
        return ObservationAnswer(metrics=metrics, why=self.why)

    def _suggested(self, asked: SuggestQuestion) -> SuggestAnswer:
        known = {each["name"] for each in suggested(self)}
        free = (f"{asked.name}-{place:03}" for place in range(self.space))
        unused = (name for name in free if name not in known)
        fresh = list(islice(unused, asked.want - asked.have))
        return SuggestAnswer(
            suggestions=tuple(
                Suggested(name=name, parameterAssignments=(Assignment(name="x", value="0.5"),))
                for name in fresh
            ),
            settings=self.settings,
            earlier=self.earlier,
            over=len(fresh) < asked.want - asked.have,
            refused=self.refused,
        )

    # -- playing the rest of the cluster ----------------------------------------------------------
    def step(self, ends: Callable[[str], str | None] | None = None) -> bool:
        """Deployments become available, jobs end as `ends` says ("Complete", "Failed", None: they
        run on), what is deleted in the foreground goes. Whether anything happened."""
        before = dict(self.objects)
        for key in sorted(before):
            if key.kind == names.DEPLOYMENT:
                self.say(key, "Available")
            elif key.kind == names.JOB and not over(self.objects.get(key)):
                end = "Complete" if ends is None else ends(key.name)
                if end is not None:
                    self.end(key.name, end)
        self.settle()
        return before != self.objects

    def say(self, key: Key, type: str, **more: str) -> None:
        live = self.objects[key]
        said = (live.get("status") or {}).get("conditions") or []
        if any(each["type"] == type for each in said):
            return
        when = rfc3339(self.time)
        new = {"type": type, "status": "True", "lastTransitionTime": when, **more}
        self.put({**live, "status": {"conditions": [*said, new]}})

    def end(self, trial: str, how: str = "Complete", **more: str) -> None:
        key = Key(names.JOB, "u", trial)
        if key in self.objects:
            self.say(key, how, **more)

    def go(self, ends: Callable[[str], str | None] | None = None, limit: int = 300) -> World:
        """Until nothing happens any more."""
        for _ in range(limit):
            if not self.step(ends):
                return self
        raise AssertionError("the experiment never ends")


def over(job: Manifest | None) -> bool:
    return bool(((job or {}).get("status") or {}).get("conditions"))


def started(manifest: Manifest | None = None, **world: Any) -> World:
    """The toy cluster, with the Experiment and what its first looks made."""
    made = World()
    for field, value in world.items():
        setattr(made, field, value)
    made.create(manifest or experiment())
    made.settle()
    made.step(lambda _: None)
    return made


# -- reading --------------------------------------------------------------------------------------
def status(toy: Toy, key: Key = EXPERIMENT) -> dict[str, Any]:
    return toy.objects[key].get("status") or {}


def said(toy: Toy, key: Key = EXPERIMENT) -> list[str]:
    """Conditions, those that are not True with a minus."""
    listed = status(toy, key).get("conditions") or []
    return [("" if each["status"] == "True" else "-") + each["type"] for each in listed]


def condition(toy: Toy, key: Key = EXPERIMENT, type: str = "") -> dict[str, Any]:
    """The last one, or that of the type."""
    listed = status(toy, key)["conditions"]
    return next(each for each in reversed(listed) if each["type"] == type or not type)


def suggested(toy: Toy) -> list[dict[str, Any]]:
    return status(toy, SUGGESTION).get("suggestions") or [] if SUGGESTION in toy.objects else []


def trials(toy: Toy) -> list[Manifest]:
    return [o for k, o in sorted(toy.objects.items()) if k.kind == names.TRIAL]


def jobs(toy: Toy) -> list[str]:
    return [k.name for k in sorted(toy.objects) if k.kind == names.JOB]


def trial_key(name: str) -> Key:
    return Key(names.TRIAL, "u", name)


def events(toy: Toy) -> list[str]:
    return [each.reason for each in toy.events]


def budget(toy: Toy, **spec: int | None) -> None:
    toy.patch(EXPERIMENT, {"spec": spec})
    toy.settle()


def delete(toy: Toy, key: Key) -> None:
    toy.delete(key)
    toy.settle()
