"""Earlier executions are taken while their artifacts exist; else it is said why not."""

import asyncio

import pytest

from records.pipelines.makers import artifact, gives, run, task
from sampan.kube.errors import SampanError
from sampan.kube.lineage import CacheQuestion, parts_of
from sampan.records.pipelines import cache
from sampan.records.pipelines.caching import CANDIDATES
from sampan.records.pipelines.store import Records

PARTS = {"image": "i", "command": "c", "parameters": {"text": "1"}, "artifacts": {"model": "m"}}
OUTPUT = gives(out=artifact("out"), scores=artifact("s", digest="", type="system.Metrics"))


class Settled:
    asked = 0

    async def ended(self):
        self.asked += 1


@pytest.fixture
def ask(tmp_path):
    """Ask about runs that are kept, while some URIs are there."""

    def answer(runs, *questions, there=lambda namespace, uri: True):
        async def scenario():
            records, recorder = Records.at(tmp_path / "records" / "p.db"), Settled()
            if runs:
                await records.keep([(each, True) for each in runs])
            asked = cache.Cache(records, recorder, cache.missing_by(there))
            answers = await asked(questions)
            assert recorder.asked == 1
            await records.close()
            return answers[0] if len(questions) == 1 else answers

        return asyncio.run(scenario())

    return answer


def question(fingerprint="f", *, parts=PARTS, namespace="a", pipeline="digits", name="train"):
    return CacheQuestion(
        namespace=namespace, pipeline=pipeline, task_name=name, fingerprint=fingerprint,
        parts=parts_of(parts),
    )  # fmt: skip


def executed(number, *, state="SUCCEEDED", fingerprint="f", parts=PARTS, **more):
    found = task(
        "train",
        of=number,
        state=state,
        cache={"fingerprint": fingerprint, "parts": parts},
        **OUTPUT,
    )
    return run(number, tasks={"train": found}, **more)


def test_the_newest_success_is_taken(ask):
    found = ask([executed(1), executed(2), executed(3, state="FAILED")], question())
    assert (found.hit.run_id, found.hit.task_id) == ("id-2", "task-2-train")
    assert found.hit.outputs == OUTPUT["outputs"]
    assert found.why == ""


def test_what_was_taken_from_the_cache_is_no_execution(ask):
    assert ask([executed(1), executed(2, state="CACHED")], question()).hit.run_id == "id-1"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"namespace": "b"}, id="namespace"),
        pytest.param({"pipeline": "letters"}, id="pipeline"),
    ],
)
def test_it_is_of_a_namespace_and_a_pipeline(ask, other):
    assert ask([executed(1)], question(**other)).why == "no earlier run of this task"


def test_nothing_is_opened_to_find_nothing(ask, tmp_path):
    assert ask([], question()).why == "no earlier run of this task"
    assert list(tmp_path.iterdir()) == []


def test_an_older_one_whose_artifacts_are_there_is_taken(ask):
    moved = executed(2)
    moved["status"]["tasks"]["train"]["outputs"] = gives(out=artifact("moved"))["outputs"]
    there = lambda _, uri: uri.endswith("/out")  # noqa: E731
    assert ask([executed(1), moved], question(), there=there).hit.run_id == "id-1"


def test_what_is_gone_is_named(ask):
    found = ask([executed(1)], question(), there=lambda _, uri: False)
    assert found.hit is None
    assert found.why == "artifact out (minio://mlpipeline/v2/out) is gone"


def test_a_store_that_fails_is_told_of(ask):
    def there(namespace, uri):
        raise SampanError("no answer")

    found = ask([executed(1)], question(), there=there)
    assert found.why.endswith("cannot be looked for: no answer")


def changed(**parts):
    return {**PARTS, **parts}


@pytest.mark.parametrize(
    ("now", "why"),
    [
        pytest.param(changed(image="j"), "image differs", id="image"),
        pytest.param(changed(parameters={"text": "2"}), "parameter text differs", id="parameter"),
        pytest.param(changed(parameters={}), "parameter text is not given any more", id="less"),
        pytest.param(changed(parameters={"text": "1", "n": "2"}), "parameter n is new", id="more"),
        pytest.param(changed(artifacts={"model": "n"}),
                     "the artifact model was made anew with other content", id="artifact"),
        pytest.param(changed(command="d", image="j"), "command differs, image differs", id="two"),
        pytest.param(changed(command="d", image="j", parameters={"text": "2"}, artifacts={}),
                     "artifact model is not given any more, command differs, image differs, and 1"
                     " more", id="many"),
        pytest.param(PARTS, "no earlier success of this task with the same inputs", id="failed"),
    ],
)  # fmt: skip
def test_why_it_is_not_taken_is_said(ask, now, why):
    runs = [executed(1, fingerprint="g"), executed(2, state="FAILED", fingerprint="f")]
    assert ask(runs, question(parts=now)).why == why


def test_many_questions_are_one(ask):
    runs = [executed(n, fingerprint=f"f{n % 40}") for n in range(40 * (CANDIDATES + 1))]
    found = ask(runs, *(question(f"f{n}") for n in range(45)))
    assert [each.hit.run_id for each in found[:2]] == ["id-200", "id-201"]
    assert [each.hit is None for each in found] == [False] * 40 + [True] * 5
