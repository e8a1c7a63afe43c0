"""The methods of Katib's services, by whoever calls them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sampan.engine.local import LocalCluster
from sampan.kube import names
from sampan.kube.keys import Key
from sampan.lib.clock import SystemClock
from sampan.lib.search.problem import Answer, Rule, Suggestion
from sampan.lib.search.process import Reply, Request
from sampan.records.katib.store import Store
from sampan.services.grpc import messages
from sampan.services.grpc.messages import Failed
from sampan.services.katib.callers import NOBODY, Caller
from sampan.services.katib.managing import _Manager, _Searching
from sampan.services.katib.observing import Observing, present
from sampan.testing.memory import MemoryApi

OWNER, POD, STRANGER = Caller(everywhere=True), Caller(namespace="a"), Caller(namespace="b")


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Callable[[_Manager, LocalCluster], Awaitable[Any]]], Any]:
    """With a Trial `t` in namespace `a`, and `both` in `a` and `b`."""

    def run(story: Callable[[_Manager, LocalCluster], Awaitable[Any]]) -> Any:
        async def scenario() -> Any:
            cluster = LocalCluster(MemoryApi())
            for namespace in ("a", "b"):
                about = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
                await cluster.create(about)
            for name, namespace in (("t", "a"), ("both", "a"), ("both", "b")):
                about = {"name": name, "namespace": namespace}
                spec = {"objective": {"objectiveMetricName": "loss"}}
                made = {"apiVersion": "kubeflow.org/v1beta1", "kind": "Trial", "metadata": about}
                await cluster.create({**made, "spec": spec})
            store = Store.at(tmp_path / "katib.db", present=present(cluster))
            observing = Observing(cluster, store, SystemClock())
            try:
                return await story(_Manager(cluster, store, observing), cluster)
            finally:
                await observing.stop()

        return asyncio.run(scenario())

    return run


def reported(*values: str, trial: str = "t", time: str = "2026-01-02T03:04:05Z") -> dict[str, Any]:
    logs = [{"time_stamp": time, "metric": {"name": "loss", "value": each}} for each in values]
    return {"trial_name": trial, "observation_log": {"metric_logs": logs}}


def values(answer: dict[str, Any]) -> list[str]:
    return [each["metric"]["value"] for each in answer["observation_log"]["metric_logs"]]


def failure(work: Awaitable[Any]) -> Any:
    async def run() -> Failed:
        with pytest.raises(Failed) as failed:
            await work
        return failed.value

    return run()


def test_what_a_pod_reports_its_owner_reads(play: Any) -> None:
    async def story(manager: _Manager, _: LocalCluster) -> None:
        assert await manager.report(POD, reported("0.5", "0.25")) == {}
        answer = await manager.log(OWNER, {"trial_name": "t"})
        assert values(answer) == ["0.5", "0.25"]
        first = answer["observation_log"]["metric_logs"][0]
        assert first["time_stamp"] == "2026-01-02T03:04:05Z"
        assert values(await manager.log(OWNER, {"trial_name": "t", "metric_name": "acc"})) == []
        later = {"trial_name": "t", "start_time": "2026-01-02T03:04:05.1Z"}
        assert values(await manager.log(POD, later)) == []
        await manager.delete(POD, {"trial_name": "t"})
        assert values(await manager.log(POD, {"trial_name": "t"})) == []

    play(story)


def test_a_pod_reaches_trials_of_its_own_namespace_alone(play: Any) -> None:
    async def story(manager: _Manager, cluster: LocalCluster) -> None:
        await manager.report(POD, reported("1"))
        for method in (manager.report, manager.stop):
            failed = await failure(method(STRANGER, reported("2")))
            assert failed.code == messages.NOT_FOUND
            assert failed.message == 'there is no trial "t" in namespace b'
        await manager.delete(STRANGER, {"trial_name": "t"})
        assert values(await manager.log(STRANGER, {"trial_name": "t"})) == []
        assert values(await manager.log(POD, {"trial_name": "t"})) == ["1"]
        assert "status" not in (cluster.get(Key(names.TRIAL, "a", "t")) or {})

    play(story)


def test_nobody_reaches_anything(play: Any) -> None:
    async def story(manager: _Manager, _: LocalCluster) -> None:
        for method in (manager.report, manager.log, manager.delete, manager.stop):
            failed = await failure(method(NOBODY, reported("1")))
            assert failed.code == messages.PERMISSION_DENIED

    play(story)


def test_trials_of_one_name_are_told_apart_by_whose_pod_asks(play: Any) -> None:
    async def story(manager: _Manager, _: LocalCluster) -> None:
        await manager.report(POD, reported("1", trial="both"))
        await manager.report(STRANGER, reported("2", trial="both"))
        assert values(await manager.log(POD, {"trial_name": "both"})) == ["1"]
        assert values(await manager.log(STRANGER, {"trial_name": "both"})) == ["2"]
        failed = await failure(manager.log(OWNER, {"trial_name": "both"}))
        assert failed.code == messages.FAILED_PRECONDITION
        assert "namespaces a, b" in failed.message

    play(story)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        pytest.param(reported("1", time="yesterday"), "metric_logs[0].time_stamp", id="time"),
        pytest.param(reported("1", time=""), "metric_logs[0].time_stamp", id="no time"),
        pytest.param(reported("1", trial=""), "trial_name is empty", id="no trial"),
        pytest.param({"trial_name": "t", "observation_log": {"metric_logs": [
            {"time_stamp": "2026-01-02T03:04:05Z"}]}}, "metric_logs[0].metric.name", id="no name"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told(play: Any, request_: dict[str, Any], said: str) -> None:
    async def story(manager: _Manager, _: LocalCluster) -> None:
        failed = await failure(manager.report(POD, request_))
        assert failed.code == messages.INVALID_ARGUMENT
        assert said in failed.message

    play(story)


def test_a_collector_of_upstream_stops_a_trial(play: Any) -> None:
    async def story(manager: _Manager, cluster: LocalCluster) -> None:
        await manager.stop(POD, {"trial_name": "t"})
        said = (cluster.get(Key(names.TRIAL, "a", "t")) or {})["status"]["conditions"]
        assert [each["type"] for each in said] == ["EarlyStopped"]

    play(story)


class Searcher:
    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Reply:
        self.asked.append(request)
        return self.reply


async def no_curves(*_: Any) -> dict[str, Any]:
    return {}


def searching(searcher: Searcher) -> _Searching:
    return _Searching(searcher, no_curves)  # type: ignore[arg-type]


EXPERIMENT = {
    "name": "e",
    "spec": {
        "algorithm": {
            "algorithm_name": "random",
            "algorithm_settings": [{"name": "random_state", "value": "1"}],
        },
        "early_stopping": {"algorithm_name": "medianstop"},
        "objective": {"type": 1, "objective_metric_name": "loss"},
    },
}


def test_suggestions_are_asked_of_who_searches() -> None:
    answer = Answer(
        suggestions=(Suggestion(assignments={"lr": "0.1"}, name="n", labels={"a": "b"}),),
        settings={"state": "2"},
    )
    searcher = Searcher(Reply(answer=answer))
    request = {"experiment": EXPERIMENT, "trials": [], "current_request_number": 1}
    found = asyncio.run(searching(searcher).suggest(POD, request))
    assignments = [{"name": "lr", "value": "0.1"}]
    assert found == {
        "parameter_assignments": [
            {"assignments": assignments, "trial_name": "n", "labels": {"a": "b"}}
        ],
        "algorithm": {"algorithm_settings": [{"name": "state", "value": "2"}]},
    }
    asked = searcher.asked[0]
    assert (asked.verb, asked.algorithm, asked.count) == ("suggest", "random", 1)
    assert asked.problem.settings == {"random_state": "1"}


def test_nobody_is_answered_without_end() -> None:
    request = {"experiment": EXPERIMENT, "current_request_number": 1001}
    with pytest.raises(Failed, match="at most 1000") as failed:
        asyncio.run(searching(Searcher(Reply())).suggest(POD, request))
    assert failed.value.code == messages.INVALID_ARGUMENT


def with_settings(**settings: str) -> dict[str, Any]:
    listed = [{"name": name, "value": value} for name, value in settings.items()]
    algorithm = {"algorithm_name": "random", "algorithm_settings": listed}
    return {**EXPERIMENT, "spec": {**EXPERIMENT["spec"], "algorithm": algorithm}}  # type: ignore[dict-item]


def test_what_katib_lacks_is_known_there_too() -> None:
    searcher = Searcher(Reply(answer=Answer()))
    metrics = [{"name": "loss", "value": "0.5"}, {"name": "size", "value": "8"}]
    trial = {"name": "t", "status": {"observation": {"metrics": metrics}}}
    request = {"experiment": with_settings(constraints="size <= 4"), "trials": [trial]}
    asyncio.run(searching(searcher).suggest(POD, request))
    asked = searcher.asked[0]
    assert (asked.problem.constraints, asked.problem.settings) == (("size <= 4",), {})
    assert asked.trials[0].constraints == (1.0,)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"constraints": "size"}, 'constraints: "size" is no constraint such as'),
        ({"warm_start": "e"}, "warm_start: send the trials of the earlier experiment along"),
    ],
)
def test_what_cannot_be_asked_there_is_refused(settings: dict[str, str], why: str) -> None:
    request = {"experiment": with_settings(**settings)}

    async def ask() -> Failed:
        found: Failed = await failure(searching(Searcher(Reply())).check(POD, request))
        return found

    failed = asyncio.run(ask())
    assert failed.code == messages.INVALID_ARGUMENT
    assert why in failed.message


def test_rules_are_asked_of_who_searches() -> None:
    rule = Rule(name="loss", value="0.5", comparison="greater", start_step=4)
    searcher = Searcher(Reply(rules=(rule,)))
    found = asyncio.run(searching(searcher).rules(POD, {"experiment": EXPERIMENT}))
    expected = {"name": "loss", "value": "0.5", "comparison": 3, "start_step": 4}
    assert found == {"early_stopping_rules": [expected]}
    assert searcher.asked[0].algorithm == "medianstop"


def test_rules_rest_on_what_trials_have_reported(play: Any) -> None:
    """An experiment that names no early stopping means the one that upstream's service has."""

    async def story(manager: _Manager, _: LocalCluster) -> None:
        await manager.report(POD, reported("0.5", "nan", "0.25"))
        searcher = Searcher(Reply())
        asked = _Searching(searcher, manager.curves)  # type: ignore[arg-type]
        trials = [{"name": name} for name in ("t", "nowhere")]
        spec = {"objective": {"objective_metric_name": "loss"}}
        request = {"experiment": {"name": "e", "spec": spec}, "trials": trials}
        assert await asked.rules(POD, request) == {"early_stopping_rules": []}
        request_ = searcher.asked[0]
        assert request_.algorithm == "medianstop"
        curves = [each.reports for each in request_.trials]
        assert curves == [((1.0, 0.5), (3.0, 0.25)), ()]

    play(story)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(refused="no such setting"), messages.INVALID_ARGUMENT),
        (Reply(failed="it died"), messages.UNAVAILABLE),
    ],
)
def test_why_there_is_no_answer_is_told(reply: Reply, code: int) -> None:
    async def story() -> None:
        asked = searching(Searcher(reply))
        stopping = {"early_stopping": {"algorithm_name": "medianstop"}}
        for method in (
            asked.check(POD, {"experiment": EXPERIMENT}),
            asked.check_stopping(POD, stopping),
        ):
            failed = await failure(method)
            assert (failed.code, failed.message) == (code, reply.refused or reply.failed)
        failed = await failure(asked.check_stopping(NOBODY, {}))
        assert failed.code == messages.PERMISSION_DENIED

    asyncio.run(story())
