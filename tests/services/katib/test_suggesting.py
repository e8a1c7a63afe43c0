"""What the controller of suggestions is answered, from the objects of a cluster in memory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from sampan.engine.local import LocalCluster
from sampan.kube import meta, names
from sampan.kube.keys import Manifest
from sampan.kube.plan import Unanswered
from sampan.kube.searching import SuggestAnswer, SuggestQuestion
from sampan.lib.search.problem import Answer, Suggestion
from sampan.lib.search.process import Reply, Request
from sampan.records.katib.log import Entry, Of
from sampan.records.katib.store import Store
from sampan.services.katib.foreign import Foreign
from sampan.services.katib.suggesting import Suggesting, trial_name
from sampan.testing.memory import MemoryApi


class Searcher:
    def __init__(self, most: int = 9) -> None:
        self.asked: list[Request] = []
        self.most = most

    async def ask(self, request: Request) -> Reply:
        self.asked.append(request)
        made = tuple(
            Suggestion(assignments={"x": str(n)}) for n in range(min(request.count, self.most))
        )
        return Reply(answer=Answer(suggestions=made))


async def _refusing(host: str, port: int, namespace: str) -> Any:
    raise ConnectionRefusedError(f"nobody at {host}:{port} for {namespace}")


def foreign() -> Foreign:
    return Foreign(_refusing)


def answered(
    *suggested: str, want: int, endpoint: str = "", most: int = 9
) -> tuple[Any, Searcher, str]:
    """The answer when these were suggested before, and the uid of the Suggestion."""

    async def ask() -> tuple[Any, Searcher, str]:
        cluster, searcher = LocalCluster(MemoryApi()), Searcher(most)
        for kind in (names.KATIB_EXPERIMENT, names.SUGGESTION, names.TRIAL):
            await cluster.mirror(kind)
        await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "u"}})
        await cluster.create(about("Experiment", {"algorithm": {"algorithmName": "random"}}))
        made = await cluster.create(about("Suggestion", {}))
        uid = meta.uid_of(made)
        listed = [{"name": trial_name("e", uid, int(place))} for place in suggested]
        status = {"suggestions": listed}
        await cluster.replace({**made, "status": status}, subresource="status")
        question = SuggestQuestion(
            namespace="u", name="e", uid=uid, have=len(listed), want=want, endpoint=endpoint
        )
        store = Store.at(Path("nowhere"), present=frozenset)
        suggesting = Suggesting(cluster, searcher, store, foreign)  # type: ignore[arg-type]
        return await (await suggesting([question]))[0], searcher, uid

    return asyncio.run(ask())


def about(kind: str, spec: dict[str, Any]) -> Manifest:
    where = {"name": "e", "namespace": "u"}
    return {"apiVersion": "kubeflow.org/v1beta1", "kind": kind, "metadata": where, "spec": spec}


def test_names_are_those_of_the_next_places() -> None:
    answer, searcher, uid = answered("0", "1", want=4)
    assert isinstance(answer, SuggestAnswer)
    assert [each.name for each in answer.suggestions] == [
        trial_name("e", uid, 2),
        trial_name("e", uid, 3),
    ]
    assert [each.count for each in searcher.asked] == [2]


def test_fewer_than_were_asked_for_wait_for_another_trial() -> None:
    answer, _, _ = answered("0", "1", want=4, most=1)
    assert len(answer.suggestions) == 1
    assert answer.ended == 0
    assert answered("0", "1", want=4)[0].ended is None


def test_names_that_stayed_behind_one_that_was_taken_back_are_passed_over() -> None:
    answer, _, uid = answered("0", "2", want=4)
    assert [each.name for each in answer.suggestions] == [
        trial_name("e", uid, 3),
        trial_name("e", uid, 4),
    ]


def test_a_service_of_ones_own_is_not_answered_for_by_ours() -> None:
    answer, searcher, _ = answered(want=1, endpoint="e-random.u:6789")
    assert answer == Unanswered("e-random.u:6789: nobody at e-random.u:6789 for u")
    assert searcher.asked == []


def test_what_trials_reported_goes_along_where_others_may_be_stopped_by_it(tmp_path: Path) -> None:
    async def story() -> None:
        cluster, searcher = LocalCluster(MemoryApi()), Searcher()
        await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "u"}})
        spec = {
            "algorithm": {"algorithmName": "random"},
            "objective": {"objectiveMetricName": "loss"},
            "earlyStopping": {"algorithmName": "medianstop"},
        }
        experiment = await cluster.create(about("Experiment", spec))
        suggestion = await cluster.create(about("Suggestion", {}))
        listed = [{"name": "over"}, {"name": "runs"}, {"name": "none"}]
        status = {"suggestions": listed}
        await cluster.replace({**suggestion, "status": status}, subresource="status")
        store = Store.at(tmp_path / "katib.db", present=frozenset)
        suggesting = Suggesting(cluster, searcher, store, foreign)  # type: ignore[arg-type]
        for name, phase in (("over", "Succeeded"), ("runs", "Running")):
            made = about("Trial", {})
            made["metadata"] = {"name": name, "namespace": "u"}
            made["metadata"]["ownerReferences"] = [meta.controlled_by(experiment)]
            made["status"] = {"conditions": [{"type": phase, "status": "True"}]}
            of = Of("u", name, meta.uid_of(await cluster.create(made)))
            entries = [Entry(2, "loss", "0.5"), Entry(1, "loss", "nan"), Entry(3, "acc", "1")]
            await store.keep(of, entries)
        uid = meta.uid_of(suggestion)
        question = SuggestQuestion(namespace="u", name="e", uid=uid, have=3, want=4)
        await asyncio.gather(*await suggesting([question]))
        await store.keep(of, [Entry(4, "loss", "1")])
        await asyncio.gather(*await suggesting([question]))
        await store.close()
        found = [[each.reports for each in request.trials] for request in searcher.asked]
        assert found[0] == found[1] == [((2, 0.5),), ((2, 0.5),), ()]
        assert found[2] == [((2, 0.5),), ((2, 0.5), (3, 1.0)), ()]

    asyncio.run(story())


def started_with(status: dict[str, Any] | None) -> tuple[Any, Searcher]:
    """The answer for an experiment that begins with the trials of another one, which is gone."""

    async def ask() -> tuple[Any, Searcher]:
        cluster, searcher = LocalCluster(MemoryApi()), Searcher()
        for kind in (names.KATIB_EXPERIMENT, names.SUGGESTION, names.TRIAL):
            await cluster.mirror(kind)
        await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "u"}})
        settings = [{"name": "warm_start", "value": "before"}]
        algorithm = {"algorithmName": "tpe", "algorithmSettings": settings}
        objective = {"type": "minimize", "objectiveMetricName": "loss"}
        await cluster.create(about("Experiment", {"algorithm": algorithm, "objective": objective}))
        made = await cluster.create(about("Suggestion", {}))
        if status is not None:
            await cluster.replace({**made, "status": status}, subresource="status")
        question = SuggestQuestion(namespace="u", name="e", uid=meta.uid_of(made), have=0, want=2)
        store = Store.at(Path("nowhere"), present=frozenset)
        suggesting = Suggesting(cluster, searcher, store, foreign)  # type: ignore[arg-type]
        return await (await suggesting([question]))[0], searcher

    return asyncio.run(ask())


def test_trials_of_an_earlier_experiment_are_read_where_they_are_kept() -> None:
    tried = {
        "name": "before-1",
        "parameterAssignments": [{"name": "x", "value": "0.5"}],
        "metrics": [{"name": "loss", "value": "0.25"}],
    }
    kept = {"experiment": "before", "uid": "u-1", "trialsSeen": 3, "trials": [tried]}
    answer, searcher = started_with({"warmStart": kept})
    (known,) = searcher.asked[0].trials
    assert (known.name, known.assignments, known.values) == ("before-1", {"x": "0.5"}, (0.25,))
    assert searcher.asked[0].problem.settings == {}
    assert answer.earlier.trialsSeen == 3
    assert len(answer.suggestions) == 2


def test_without_them_there_is_no_start() -> None:
    answer, searcher = started_with(None)
    why = 'warm_start: there is no Experiment "before" in this namespace'
    assert answer == SuggestAnswer(refused=why)
    assert searcher.asked == []


def test_what_somebody_else_wrote_there_is_told_of() -> None:
    answer, _ = started_with({"warmStart": {"experiment": 1}})
    assert isinstance(answer, Unanswered)
    assert answer.message.startswith("status.warmStart: ")
