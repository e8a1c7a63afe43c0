"""What the controller of suggestions is answered, from the objects of a cluster in memory."""

from __future__ import annotations

import asyncio
from typing import Any

from sampan.engine.local import LocalCluster
from sampan.kube import meta, names
from sampan.kube.keys import Manifest
from sampan.kube.plan import Unanswered
from sampan.kube.searching import SuggestAnswer, SuggestQuestion
from sampan.lib.search.problem import Answer, Suggestion
from sampan.lib.search.process import Reply, Request
from sampan.services.katib.suggesting import Suggesting, trial_name
from sampan.testing.memory import MemoryApi


class Searcher:
    def __init__(self) -> None:
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Reply:
        self.asked.append(request)
        made = tuple(Suggestion(assignments={"x": str(n)}) for n in range(request.count))
        return Reply(answer=Answer(suggestions=made))


def answered(*suggested: str, want: int, endpoint: str = "") -> tuple[Any, Searcher, str]:
    """The answer when these were suggested before, and the uid of the Suggestion."""

    async def ask() -> tuple[Any, Searcher, str]:
        cluster, searcher = LocalCluster(MemoryApi()), Searcher()
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
        suggesting = Suggesting(cluster, searcher)  # type: ignore[arg-type]
        return (await suggesting([question]))[0], searcher, uid

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


def test_names_that_stayed_behind_one_that_was_taken_back_are_passed_over() -> None:
    answer, _, uid = answered("0", "2", want=4)
    assert [each.name for each in answer.suggestions] == [
        trial_name("e", uid, 3),
        trial_name("e", uid, 4),
    ]


def test_a_service_of_ones_own_is_not_answered_for_by_ours() -> None:
    answer, searcher, _ = answered(want=1, endpoint="e-random.u:6789")
    assert isinstance(answer, Unanswered)
    assert searcher.asked == []
