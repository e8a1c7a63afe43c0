"""What trials report is kept, told, and forgotten with them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sampan.engine.local import LocalCluster
from sampan.kube import meta, names
from sampan.kube.conditions import is_true
from sampan.kube.katib import NEVER, Batch, Log
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Unanswered
from sampan.kube.searching import Metric, ObservationAnswer, ObservationQuestion
from sampan.lib.clock import SystemClock
from sampan.records.katib.store import Store
from sampan.services.katib.observing import Observing, present
from sampan.testing.memory import MemoryApi

TRIAL = Key(names.TRIAL, "u", "t")
SPEC = {"objective": {"objectiveMetricName": "loss", "additionalMetricNames": ["acc"]}}
Story = Callable[[LocalCluster, Observing], Awaitable[None]]


def trial(**status: Any) -> Manifest:
    about = {"name": TRIAL.name, "namespace": TRIAL.namespace}
    made = {"apiVersion": "kubeflow.org/v1beta1", "kind": "Trial", "metadata": about}
    return {**made, "spec": SPEC, **({"status": status} if status else {})}


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Story], None]:
    def run(story: Story) -> None:
        async def scenario() -> None:
            cluster = LocalCluster(MemoryApi())
            about = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "u"}}
            await cluster.create(about)
            store = Store.at(tmp_path / "records" / "katib.db", present=present(cluster))
            observing = Observing(cluster, store, SystemClock(), news=0.01)
            await observing.start()
            await cluster.create(trial())
            await story(cluster, observing)
            await observing.stop()

        asyncio.run(scenario())

    return run


def batch(*values: str, metric: str = "loss", **more: Any) -> Batch:
    logs = [Log(NEVER, metric, value) for value in values]
    return Batch(**{"source": "pod", "first": 0, **more}, logs=logs)


async def asked(cluster: LocalCluster, observing: Observing, reports: int = 0) -> Any:
    uid = meta.uid_of(cluster.get(TRIAL) or {"metadata": {"uid": "gone"}})
    question = ObservationQuestion(namespace="u", trial="t", uid=uid, reports=reports)
    return (await observing.answer([question]))[0]


def news(cluster: LocalCluster) -> str:
    return meta.annotations_of(cluster.get(TRIAL) or {}).get(names.ANNOTATION_REPORTS, "")


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def test_a_controller_is_answered_what_was_reported(play: Any) -> None:
    async def story(cluster: LocalCluster, observing: Observing) -> None:
        await observing.report("u", "t", batch("0.9", metric="acc"))
        await observing.report("u", "t", batch("0.5", "0.25", first=1))
        await observing.report("u", "t", batch("1", metric="other", first=3))
        loss = Metric(name="loss", min="0.25", max="0.5", latest="0.25")
        acc = Metric(name="acc", min="0.9", max="0.9", latest="0.9")
        assert await asked(cluster, observing) == ObservationAnswer(metrics=(loss, acc))

    play(story)


def test_nothing_was_reported(play: Any, tmp_path: Path) -> None:
    async def story(cluster: LocalCluster, observing: Observing) -> None:
        assert await asked(cluster, observing) == ObservationAnswer()

    play(story)
    assert list(tmp_path.iterdir()) == []


def test_why_nothing_was_found_is_answered(play: Any) -> None:
    async def story(cluster: LocalCluster, observing: Observing) -> None:
        await observing.report("u", "t", batch(final=True, why="no line has loss"))
        assert await asked(cluster, observing) == ObservationAnswer(why="no line has loss")

    play(story)


def test_nobody_is_told_who_has_not_asked(play: Any) -> None:
    async def story(cluster: LocalCluster, observing: Observing) -> None:
        await observing.report("u", "t", batch("1"))
        await observing.report("u", "t", batch("2", first=1, final=True))
        assert (await asked(cluster, observing)).metrics[0].latest == "2"
        await asyncio.sleep(0.03)  # longer than news gather
        assert news(cluster) == ""

    play(story)


def test_the_last_batch_is_told_at_once_and_others_together(play: Any) -> None:
    async def story(cluster: LocalCluster, observing: Observing) -> None:
        await asked(cluster, observing)
        await observing.report("u", "t", batch("1"))
        await observing.report("u", "t", batch("1", "2"))
        assert news(cluster) == ""
        await until(lambda: bool(news(cluster)))
        assert news(cluster) == "1"
        await observing.report("u", "t", batch("3", first=2))
        await observing.report("u", "t", batch("4", first=3, final=True))
        assert news(cluster) == "2"

    play(story)


def test_what_is_told_again_is_no_news(play: Any) -> None:
    async def story(cluster: LocalCluster, observing: Observing) -> None:
        await asked(cluster, observing)
        await observing.report("u", "t", batch("1", final=True))
        await observing.report("u", "t", batch("1"))
        await asyncio.sleep(0.03)  # longer than news gather
        assert news(cluster) == "1"
        assert (await asked(cluster, observing)).metrics[0].latest == "1"

    play(story)


def test_a_trial_that_is_gone_takes_its_log_along(play: Any) -> None:
    async def story(cluster: LocalCluster, observing: Observing) -> None:
        await observing.report("u", "t", batch("1"))
        former = meta.uid_of(cluster.get(TRIAL) or {})
        await cluster.delete(TRIAL)
        assert isinstance(await asked(cluster, observing), Unanswered)
        await observing.report("u", "t", batch("2"))
        await cluster.create(trial())
        assert (await asked(cluster, observing)).metrics == ()
        await observing.stop()
        assert await observing._store.series([former], "loss") == {}

    play(story)


def test_trials_that_went_while_nobody_was_here_are_forgotten(play: Any, tmp_path: Path) -> None:
    async def story(cluster: LocalCluster, observing: Observing) -> None:
        await observing.report("u", "t", batch("1"))
        former = meta.uid_of(cluster.get(TRIAL) or {})
        await observing.stop()
        await cluster.delete(TRIAL)
        await cluster.create(trial())
        file = tmp_path / "records" / "katib.db"
        again = Observing(cluster, Store.at(file, present=present(cluster)), SystemClock())
        await again.report("u", "t", batch("2"))
        assert await again._store.series([former], "loss") == {}
        assert (await asked(cluster, again)).metrics[0].latest == "2"
        await again.stop()

    play(story)


def test_stopping_is_a_condition_beside_the_others(play: Any) -> None:
    async def story(cluster: LocalCluster, observing: Observing) -> None:
        running = {"type": "Running", "status": "True"}
        await cluster.patch(TRIAL, {"status": {"conditions": [running]}}, subresource="status")
        await observing.stopped("u", "t")
        await observing.stopped("u", "t")
        said = (cluster.get(TRIAL) or {})["status"]["conditions"]
        assert [each["type"] for each in said] == ["Running", "EarlyStopped"]
        assert said[1]["reason"] == "TrialEarlyStopped"
        assert said[1]["message"] == "Trial is early stopped"

    play(story)


def test_a_trial_that_is_over_is_not_stopped(play: Any) -> None:
    async def story(cluster: LocalCluster, observing: Observing) -> None:
        over = {"type": "Succeeded", "status": "True"}
        await cluster.patch(TRIAL, {"status": {"conditions": [over]}}, subresource="status")
        await observing.stopped("u", "t")
        await observing.stopped("u", "another")
        said = (cluster.get(TRIAL) or {})["status"]["conditions"]
        assert not is_true(said, "EarlyStopped")

    play(story)
