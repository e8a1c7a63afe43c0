"""Experiments on the real API server, with the real controllers and the process that searches; only
the pods are played, and what they report."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sampan.apiserver.api import ApiServer
from sampan.engine.local import LocalCluster
from sampan.engine.loop import Engine
from sampan.kinds.core import COMPONENT as CORE
from sampan.kinds.katib import COMPONENT as KATIB
from sampan.kinds.katib.optimization.experiment import ANNOTATION_ASSIGNMENTS
from sampan.kinds.workloads import COMPONENT as WORKLOADS
from sampan.kube import custom, meta, names
from sampan.kube.errors import BadRequest, Invalid
from sampan.kube.keys import Key, Manifest
from sampan.kube.searching import (
    OBSERVATIONS,
    SUGGESTIONS,
    Metric,
    ObservationAnswer,
    ObservationQuestion,
)
from sampan.lib.clock import SystemClock
from sampan.records.katib import store as observations
from sampan.services.katib.searcher import Searcher
from sampan.services.katib.suggesting import Suggesting
from sampan.store.objects import Store
from services.asgi import Doors

pytestmark = pytest.mark.slow
COMPONENTS = (CORE, WORKLOADS, KATIB)
LABELS = {names.LABEL_COLLECTS_METRICS: "enabled"}


def experiment(name: str = "square", **spec: Any) -> Manifest:
    container = {"name": "main", "image": "busybox", "args": ["${trialParameters.x}"]}
    pod = {"restartPolicy": "Never", "containers": [container]}
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": name, "namespace": "u"},
        "spec": {
            "objective": {"type": "minimize", "objectiveMetricName": "loss"},
            "algorithm": {"algorithmName": "random"},
            "parallelTrialCount": 3,
            "maxTrialCount": 12,
            "parameters": [
                {
                    "name": "x",
                    "parameterType": "double",
                    "feasibleSpace": {"min": "-3", "max": "3"},
                }
            ],
            "trialTemplate": {
                "primaryContainerName": "main",
                "trialParameters": [{"name": "x", "reference": "x"}],
                "trialSpec": {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "spec": {"template": {"spec": pod}},
                },
            },
            **spec,
        },
    }


class World:
    def __init__(self, cluster: LocalCluster, engine: Engine) -> None:
        self.cluster = cluster
        self.engine = engine
        self.most = 0  # trials that ran at once

    def get(self, kind: str, name: str = "square") -> Manifest:
        found = self.cluster.get(Key(kind, "u", name))
        assert found is not None
        return found

    @property
    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.get(names.KATIB_EXPERIMENT).get("status") or {}
        return status

    @property
    def end(self) -> str:
        said = self.status.get("conditions") or [{}]
        return str(said[-1].get("reason")) if said[-1].get("type") != "Running" else ""

    async def play(self, phase: str = "Succeeded") -> None:
        """Pods end until the experiment does."""
        async with asyncio.timeout(30):
            while True:
                await self.engine.idle()
                self.most = max(self.most, self.status.get("trialsRunning") or 0)
                if self.end.startswith(("ExperimentMax", "ExperimentFailed")):
                    return
                for pod in self.cluster.list(names.POD, "u"):
                    if (pod.get("status") or {}).get("phase") == "Pending":
                        await self.cluster.replace(
                            {**pod, "status": {**pod["status"], "phase": phase}},
                            subresource="status",
                        )


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[World]:
    store = Store(path / "objects.db")
    doors = Doors()
    server = ApiServer(store, authenticator=doors, authorizer=doors, components=COMPONENTS)
    server.ready()
    cluster, searcher = LocalCluster(server.inprocess), Searcher()
    for crd in KATIB.crds:
        await cluster.apply(crd)

    reported = observations.Store.at(path / "katib.db", present=frozenset)

    def nobody() -> Any:
        raise AssertionError

    async def observe(questions: Sequence[ObservationQuestion]) -> Sequence[ObservationAnswer]:
        return [observed(cluster, each) for each in questions]

    engine = Engine(
        cluster,
        [each for component in COMPONENTS for each in component.controllers],
        clock=SystemClock(),
        debug=True,
        sources={
            SUGGESTIONS: Suggesting(cluster, searcher, reported, nobody),
            OBSERVATIONS: observe,
        },
    )
    await engine.start()
    about = {"name": "u", "labels": LABELS}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": about}
    if cluster.get(Key(names.NAMESPACE, "", "u")) is None:
        await cluster.create(namespace)
    try:
        yield World(cluster, engine)
    finally:
        await engine.stop()
        await searcher.stop()
        await server.stop()
        await store.close()


def observed(cluster: LocalCluster, question: ObservationQuestion) -> ObservationAnswer:
    trial = cluster.get(Key(names.TRIAL, question.namespace, question.trial))
    assert trial is not None
    if trial["spec"]["runSpec"]["kind"] == "TrainJob":
        return ObservationAnswer()  # which says itself
    value = str(float(trial["spec"]["parameterAssignments"][0]["value"]) ** 2)
    return ObservationAnswer(metrics=(Metric(name="loss", min=value, max=value, latest=value),))


def scenario(path: Path, act: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        async with running(path) as world:
            await act(world)

    asyncio.run(run())


def test_twelve_trials_and_the_best_of_them(tmp_path: Path) -> None:
    async def act(world: World) -> None:
        await world.cluster.create(experiment())
        await world.play()
        assert world.end == "ExperimentMaxTrialsReached"
        assert world.status["trialsSucceeded"] == 12
        assert world.most <= 3
        trials = world.cluster.list(names.TRIAL, "u")
        losses = {
            meta.name_of(each): float(each["status"]["observation"]["metrics"][0]["min"])
            for each in trials
        }
        best = world.status["currentOptimalTrial"]["bestTrialName"]
        assert losses[best] == min(losses.values())
        assert len(set(losses.values())) == 12
        assert not world.cluster.list(names.JOB, "u")
        assert not world.cluster.list(names.DEPLOYMENT, "u")

    scenario(tmp_path, act)


def test_what_was_suggested_outlives_the_program(tmp_path: Path) -> None:
    async def begin(world: World) -> None:
        await world.cluster.create(experiment(maxTrialCount=6))
        await world.engine.idle()

    async def go_on(world: World) -> None:
        before = world.get(names.SUGGESTION)["status"]["suggestions"]
        assert len(before) == 3
        await world.play()
        after = world.get(names.SUGGESTION)["status"]["suggestions"]
        assert after[:3] == before
        assert world.status["trialsSucceeded"] == 6

    scenario(tmp_path, begin)
    scenario(tmp_path, go_on)


def test_failures_end_it(tmp_path: Path) -> None:
    async def act(world: World) -> None:
        made = experiment(maxFailedTrialCount=2, parallelTrialCount=1)
        job = made["spec"]["trialTemplate"]["trialSpec"]["spec"]
        job["backoffLimit"] = 0
        await world.cluster.create(made)
        await world.play("Failed")
        assert world.end == "ExperimentFailed"
        assert world.status["trialsFailed"] == 2
        failed = world.cluster.list(names.TRIAL, "u")[0]["status"]["conditions"][-1]
        assert failed["reason"] == "TrialFailed. Job reason: BackoffLimitExceeded"

    scenario(tmp_path, act)


def test_a_job_has_to_be_one(tmp_path: Path) -> None:
    async def act(world: World) -> None:
        made = experiment()
        pod = made["spec"]["trialTemplate"]["trialSpec"]["spec"]["template"]["spec"]
        pod["containers"][0]["comand"] = ["true"]
        with pytest.raises(BadRequest, match=r'unknown field "spec.template.spec.containers\[0\]'):
            await world.cluster.create(made)
        del pod["containers"][0]["comand"]
        pod["containers"][0]["args"] = "${trialParameters.x}"
        with pytest.raises(BadRequest, match=r"invalid spec\.trialTemplate: .*cannot unmarshal"):
            await world.cluster.create(made)

    scenario(tmp_path, act)


def test_a_trial_that_the_server_refuses_to_run_fails_with_its_words(tmp_path: Path) -> None:
    async def act(world: World) -> None:
        made = experiment(maxFailedTrialCount=1)
        pod = made["spec"]["trialTemplate"]["trialSpec"]["spec"]["template"]["spec"]
        pod["containers"][0]["image"] = ""
        await world.cluster.create(made)
        await world.play()
        assert world.end == "ExperimentFailed"
        failed = world.cluster.list(names.TRIAL, "u")[0]["status"]["conditions"][-1]
        assert "spec.template.spec.containers[0].image: Required value" in failed["message"]

    scenario(tmp_path, act)


# -- OptimizationJob ------------------------------------------------------------------------------
OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
TRAIN_JOBS = custom.crd(names.TRAIN_JOB, "v1alpha1", OPEN)


def optimization(**spec: Any) -> Manifest:
    space = {"logUniform": {"min": "1e-4", "max": "1e-1"}}
    trainer = {"image": "python:3.11", "env": [{"name": "A", "value": "1"}]}
    return {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "OptimizationJob",
        "metadata": {"name": "tuned", "namespace": "plain"},
        "spec": {
            "objectives": [{"metric": "loss"}],
            "parameters": [{"name": "learning-rate", "searchSpace": space}],
            "numTrials": 3,
            "parallelTrials": 2,
            "trainJobTemplate": {"spec": {"runtimeRef": {"name": "torch"}, "trainer": trainer}},
            **spec,
        },
    }


async def train(world: World) -> None:
    """Each TrainJob ends, with the learning rate as its loss."""
    while True:
        await world.engine.idle()
        waiting = [
            each for each in world.cluster.list(names.TRAIN_JOB, "plain") if "status" not in each
        ]
        if not waiting:
            return
        for job in waiting:
            value = job["spec"]["trainer"]["env"][1]["value"]
            done = {"type": "Complete", "status": "True"}
            said = {"metrics": [{"name": "loss", "value": value}]}
            status = {"conditions": [done], "trainerStatus": said}
            await world.cluster.replace({**job, "status": status}, subresource="status")


def test_an_optimization_job_waits_for_train_jobs_and_then_searches(tmp_path: Path) -> None:
    async def act(world: World) -> None:
        about = {"name": "plain"}  # no label: no pod of Katib's is to be changed
        await world.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": about})
        made = await world.cluster.create(optimization())
        key = Key(names.OPTIMIZATION_JOB, "plain", "tuned")
        await world.engine.idle()
        (said,) = (world.cluster.get(key) or {})["status"]["conditions"]
        assert (said["type"], said["status"], said["reason"]) == (
            "Created", "False", "TrainJobsCreationFailed",
        )  # fmt: skip
        assert 'no matches for kind "TrainJob"' in said["message"]
        await world.cluster.apply(TRAIN_JOBS)
        await train(world)
        status = (world.cluster.get(key) or {})["status"]
        states = {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}
        assert states["Complete"] == ("True", "MaxTrialsReached")
        assert states["Created"][0] == "True"
        jobs = world.cluster.list(names.TRAIN_JOB, "plain")
        rates = {meta.name_of(each): each["spec"]["trainer"]["env"][1]["value"] for each in jobs}
        best = min(rates, key=lambda name: float(rates[name]))
        assert len(rates) == 3
        assert status["result"] == {
            "trainJobName": best,
            "parameters": [{"name": "learning-rate", "value": rates[best]}],
        }
        job = world.cluster.get(Key(names.TRAIN_JOB, "plain", best)) or {}
        assert job["spec"]["trainer"]["env"] == [
            {"name": "A", "value": "1"},
            {"name": "KUBEFLOW_TRAINER_OPT_LEARNING_RATE", "value": rates[best]},
        ]
        assert json.loads(meta.annotations_of(job)[ANNOTATION_ASSIGNMENTS]) == {
            "learning-rate": rates[best]
        }
        assert meta.uid_of(made)

    scenario(tmp_path, act)


CHOICES = {"name": "o", "searchSpace": {"categorical": {"choices": ["a", "b"]}}}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"parallelTrials": 4}, "parallelTrials cannot exceed numTrials"),
        ({"numTrials": 101}, "less than or equal to 100"),
        ({"objectives": []}, "at least 1 items"),
        ({"searchAlgorithm": {"grid": {}}}, "Grid search requires all parameters"),
        ({"searchAlgorithm": {}}, "exactly one of the fields in [random grid]"),
        ({"parameters": [CHOICES, CHOICES]}, "Duplicate value"),
        ({"parameters": [{"name": "x", "searchSpace": {}}]}, "exactly one of the fields in [uni"),
        (
            {"trainJobTemplate": {"metadata": {"name": "x"}, "spec": {}}},
            "name and namespace cannot",
        ),
        *(
            ({"parameters": [{"name": "x", "searchSpace": {kind: {"min": low, "max": "1"}}}]}, why)
            for kind, low, why in (
                ("uniform", "1", "min must be strictly less than max"),
                ("logUniform", "0", "min must be strictly greater than 0"),
                ("uniform", "one", "should match"),
            )
        ),
    ],
)
def test_what_an_optimization_job_may_not_say(
    spec: dict[str, Any], said: str, tmp_path: Path
) -> None:
    async def act(world: World) -> None:
        made = optimization(**spec)
        made["metadata"]["namespace"] = "u"
        with pytest.raises(Invalid, match=re.escape(said)):
            await world.cluster.create(made)

    scenario(tmp_path, act)


def test_what_it_said_stays(tmp_path: Path) -> None:
    async def act(world: World) -> None:
        made = optimization()
        made["metadata"]["namespace"] = "u"
        stored = await world.cluster.create(made)
        assert stored["spec"]["searchAlgorithm"] == {"random": {}}
        assert stored["spec"]["objectives"] == [{"metric": "loss", "direction": "Minimize"}]
        await world.engine.idle()
        latest = world.get(names.OPTIMIZATION_JOB, "tuned")
        changed = {**latest, "spec": {**latest["spec"], "numTrials": 4}}
        with pytest.raises(Invalid, match="is immutable and cannot be updated after creation"):
            await world.cluster.replace(changed)

    scenario(tmp_path, act)
