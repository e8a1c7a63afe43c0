"""What an earlier experiment tried, as a later one is given it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from sampan.engine.local import LocalCluster
from sampan.kinds.katib.extensions import question
from sampan.kube import names
from sampan.kube.keys import Manifest
from sampan.kube.searching import Assignment, Earlier
from sampan.lib.search.problem import Refused
from sampan.services.katib import earlier, problems
from sampan.testing.memory import MemoryApi

SPEC: dict[str, Any] = {
    "objective": {"type": "minimize", "objectiveMetricName": "loss"},
    "algorithm": {"algorithmName": "tpe",
                  "algorithmSettings": [{"name": "warm_start", "value": "before"},
                                        {"name": "constraints", "value": "latency <= 100"}]},
    "parameters": [
        {"name": "x", "parameterType": "double", "feasibleSpace": {"min": "0", "max": "1"}},
    ],
}  # fmt: skip
ASKED = question.of(SPEC)
PROBLEM = problems.problem({"metadata": {"name": "e", "uid": "u"}, "spec": SPEC}, ASKED, {})


def about(kind: str, name: str, **fields: Any) -> Manifest:
    labels = {names.LABEL_KATIB_EXPERIMENT: "before"} if kind == "Trial" else {}
    where = {"name": name, "namespace": "u", "labels": labels}
    return {"apiVersion": "kubeflow.org/v1beta1", "kind": kind, "metadata": where, **fields}


def trial(name: str, ended: str = "Succeeded", *, metrics: Any = None, **values: str) -> Manifest:
    listed = [{"name": each, "value": value} for each, value in values.items()]
    metrics = {"loss": "0.5", "latency": "50"} if metrics is None else metrics
    seen = [
        {"name": each, "min": value, "max": "9", "latest": value} for each, value in metrics.items()
    ]
    status = {
        "conditions": [{"type": ended, "status": "True"}],
        "observation": {"metrics": seen},
    }
    return about("Trial", name, spec={"parameterAssignments": listed}, status=status)


def found(*trials: Manifest, suggested: Sequence[str] = (), there: bool = True) -> Earlier:
    async def ask() -> Earlier:
        cluster = LocalCluster(MemoryApi())
        for kind in (names.KATIB_EXPERIMENT, names.SUGGESTION, names.TRIAL):
            await cluster.mirror(kind)
        await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "u"}})
        suggestion = about("Suggestion", "before", spec={}, status={
            "suggestions": [{"name": each} for each in suggested]})  # fmt: skip
        for each in (*([about("Experiment", "before", spec={})] if there else []), suggestion,
                     *trials):  # fmt: skip
            made = await cluster.create(each)
            if "status" in each:
                await cluster.replace({**made, "status": each["status"]}, subresource="status")
        return earlier.find(cluster, "u", ASKED, PROBLEM)

    return asyncio.run(ask())


def test_trials_of_this_space_are_known_in_the_order_of_their_suggestions() -> None:
    given = [trial("a", x="0.1"), trial("b", x="0.2"), trial("c", "EarlyStopped", x="0.3")]
    kept = found(*given, suggested=["c", "a", "b"])
    assert [each.name for each in kept.trials] == ["c", "a", "b"]
    assert kept.trialsSeen == 3
    assert kept.experiment == "before"
    assert kept.trials[1].metrics == (
        Assignment(name="loss", value="0.5"),
        Assignment(name="latency", value="50.0"),
    )


def test_they_are_read_as_the_new_experiment_compares() -> None:
    first, second = earlier.read(
        found(trial("a", x="0.1"), trial("b", x="0.2", metrics={"loss": "1"})).trials, ASKED
    )
    assert (first.state, first.values, first.constraints) == ("succeeded", (0.5,), (-0.5,))
    assert (second.values, second.constraints) == ((1.0,), (None,))
    assert first.assignments == {"x": "0.1"}


@pytest.mark.parametrize(
    ("other", "seen"),
    [
        pytest.param(trial("b", x="2"), 2, id="beyond"),
        pytest.param(trial("b", x="0.5", y="1"), 2, id="more"),
        pytest.param(trial("b"), 2, id="less"),
        pytest.param(trial("b", "Failed", x="0.5"), 1, id="failed"),
        pytest.param(trial("b", "Running", x="0.5"), 1, id="runs"),
        pytest.param(trial("b", x="0.5", metrics={"loss": "nan"}), 1, id="no-number"),
        pytest.param(trial("b", x="0.5", metrics={"accuracy": "1"}), 1, id="other-metric"),
    ],
)
def test_others_are_left_out(other: Manifest, seen: int) -> None:
    kept = found(trial("a", x="0.1"), other)
    assert [each.name for each in kept.trials] == ["a"]
    assert kept.trialsSeen == seen


def test_of_very_many_the_best_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier, "MOST", 2)
    given = [
        trial(name, x="0.5", metrics={"loss": loss, "latency": "1"})
        for name, loss in (("a", "1"), ("b", "3"), ("c", "2"))
    ]
    assert [each.name for each in found(*given).trials] == ["a", "c"]


def test_without_the_experiment_there_is_no_start() -> None:
    with pytest.raises(Refused, match='there is no Experiment "before" in this namespace'):
        found(trial("a", x="0.1"), there=False)
