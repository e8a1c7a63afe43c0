"""Runs from outside: terminated, late, tried again, refused, gone; and what needs no pod."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.pipelines.ir.making import dag, parameters
from kinds.pipelines.making import (
    RUN,
    anyway,
    finish,
    given,
    inputs,
    living,
    loop,
    maker,
    pod_of,
    run,
    started,
    state,
    states,
    status,
    task,
    tasks,
)
from kinds.toy import Toy
from sampan.kinds.pipelines import COMPONENT
from sampan.kinds.pipelines.run import RUN as CONTROLLER
from sampan.kube import lineage, meta, names
from sampan.kube.keys import Key
from sampan.kube.lineage import CacheAnswer, CacheQuestion, Hit
from sampan.kube.plan import Create, Unanswered


# -- the beginning --------------------------------------------------------------------------------
def test_a_run_that_is_made_again_waits_for_its_status() -> None:
    manifest = run(dag(a=task()))
    manifest["metadata"]["annotations"] = {names.ANNOTATION_RESTORING: "true"}
    toy = started(manifest)
    assert (toy.pods(), status(toy)) == ([], {})
    toy.patch(RUN, {"metadata": {"annotations": {names.ANNOTATION_RESTORING: None}}})
    toy.settle()
    assert living(toy) == ["a"]


# -- the end from outside -------------------------------------------------------------------------
def terminate(toy: Toy) -> None:
    toy.patch(RUN, {"spec": {"terminate": True}})
    toy.settle()


def test_a_terminated_run_is_canceling_until_its_pods_have_ended_and_then_failed() -> None:
    root = dag(a=task(), b=task("work", "a"), exit=anyway("work", "a"))
    toy = started(run(root))
    toy.step_pods(lambda _: None)
    terminate(toy)
    assert state(toy) == "CANCELING"
    assert pod_of(toy, "a")["spec"]["activeDeadlineSeconds"] == 1, "so that its log can be read"
    toy.step_pods(lambda _: None)
    assert (state(toy), states(toy)) == ("FAILED", {"a": "CANCELED"})
    assert "terminated" in status(toy)["error"]["message"]


def test_pods_that_wait_are_deleted_when_the_run_is_terminated() -> None:
    toy = started(run(dag(a=task())))
    terminate(toy)
    assert (toy.pods(), state(toy)) == ([], "FAILED")


def test_a_pod_that_no_status_tells_of_is_ended_too() -> None:
    toy = started(run(dag(a=task())))
    stray = pod_of(toy, "a")
    toy.put({**toy.objects[RUN], "status": {**status(toy), "tasks": {}}})
    toy.patch(RUN, {"spec": {"terminate": True}})
    toy.settle()
    assert Key(names.POD, "u", meta.name_of(stray)) not in toy.objects
    assert state(toy) == "FAILED"


def test_a_run_that_takes_too_long_fails() -> None:
    config = {"pipelineConfig": {"activeDeadlineSeconds": 60}}
    toy = started(run(dag(a=task(), b=task("work", "a")), platform=config))
    toy.step_pods(lambda _: None)
    toy.advance(61)
    toy.step_pods(lambda _: None)
    assert (state(toy), states(toy)["a"]) == ("FAILED", "FAILED")
    assert status(toy)["error"]["message"] == "the run took longer than its deadline of 60 seconds"


def test_a_run_goes_when_its_time_has_come() -> None:
    config = {"pipelineConfig": {"resourceTtlOnCompletion": 100, "resourceTtlOnSuccess": 10}}
    toy = finish(started(run(dag(a=task()), platform=config)))
    assert toy.waits == [10.0]
    toy.advance(11)
    assert RUN not in toy.objects
    assert toy.pods() == []


# -- tried again ----------------------------------------------------------------------------------
def again(toy: Toy, times: int = 1) -> None:
    toy.patch(RUN, {"spec": {"retries": times}})
    toy.settle()


def test_a_retry_keeps_what_succeeded() -> None:
    root = dag(a=task(), sub=task("inner", "a"), after=task("work", "sub"))
    toy = started(run(root, inner=dag(x=task(), y=task("work", "x"))))
    finish(toy, y=1)
    assert states(toy)["after"] == "OMITTED"
    kept = tasks(toy)["sub/x"]
    again(toy)
    assert (state(toy), living(toy)) == ("RUNNING", ["sub/y"])
    assert tasks(toy)["sub/x"] == kept
    assert tasks(toy)["sub/y"]["attempt"] == 1, "no pod has the name of an old one"
    assert "error" not in status(toy)
    finish(toy)
    assert (state(toy), status(toy)["retries"]) == ("SUCCEEDED", 1)
    assert set(states(toy).values()) == {"SUCCEEDED"}


def test_a_retry_runs_the_iterations_that_failed_and_their_exit_task() -> None:
    body = dag(x=task("take", **given(text="item"))) | parameters(item="STRING")
    root = dag(each=loop("body", '["p","q"]'), exit=anyway("work", "each"))
    toy = started(run(root, body=body, take=parameters(text="STRING")))
    finish(toy, x=lambda pod: int(inputs(pod)["text"] == "q") or {})
    assert (state(toy), states(toy)["exit"]) == ("FAILED", "SUCCEEDED")
    again(toy)
    assert living(toy) == ["each/[1]/x"]
    finish(toy)
    assert (state(toy), len(toy.pods())) == ("SUCCEEDED", 5)


def test_a_retry_counts_the_attempts_of_a_task_anew() -> None:
    toy = started(run(dag(a=task(retryPolicy={"maxRetryCount": 1}))))
    finish(toy, a=1)
    again(toy)
    finish(toy, a=1)
    assert (state(toy), len(toy.pods())) == ("FAILED", 4)
    again(toy)
    assert state(toy) == "FAILED", "it was asked for once"


# -- refused by the cluster -----------------------------------------------------------------------
def test_a_pod_that_may_not_be_made_fails_its_task_alone() -> None:
    toy = Toy()
    toy.create(run(dag(a=task(), b=task())))
    plan = CONTROLLER.decide(CONTROLLER.see(toy, RUN))
    assert plan.instead is not None
    pods = [each for each in plan.actions if isinstance(each, Create)]
    assert len(pods) == 2
    for each in pods[:1]:
        for other in plan.instead(each, "no such service account"):
            toy.carry_out(RUN, plan=type(plan)(actions=(other,)))
    assert states(toy)["a"] == "FAILED"
    toy.carry_out(RUN, CONTROLLER.decide(CONTROLLER.see(toy, RUN)))
    assert states(toy) == {"a": "FAILED", "b": "OMITTED"}
    assert status(toy)["error"]["message"] == "task a: no such service account"


# -- the cache ------------------------------------------------------------------------------------
def cached(answer: Any) -> Toy:
    options = {"cachingOptions": {"enableCache": True}}
    root = dag(a=task("make", **options), b=task("take", **given(text=("a", "out"))))
    toy = Toy(COMPONENT)
    toy.answer = lambda source, question: answer(question) if source == lineage.CACHE else None
    toy.create(run(root, make=maker(), take=parameters(text="STRING")))
    toy.settle()
    return toy


def test_a_task_waits_for_the_answer_of_the_records() -> None:
    asked: list[CacheQuestion] = []
    toy = cached(lambda question: asked.append(question))
    assert (states(toy), toy.pods()) == ({}, [])
    assert {(each.namespace, each.pipeline, each.task_name) for each in asked} == {("u", "p", "a")}


def test_what_ran_before_is_not_run_again() -> None:
    hit = Hit(run_id="r0", task_id="t0", outputs={"parameters": {"out": "old"}})
    toy = cached(lambda _: CacheAnswer(hit=hit))
    assert states(toy) == {"a": "CACHED", "b": "PENDING"}
    assert inputs(pod_of(toy, "b")) == {"text": "old"}
    assert tasks(toy)["a"]["cache"]["from"] == {"runId": "r0", "taskId": "t0"}


def test_why_a_task_is_not_cached_is_noted() -> None:
    toy = cached(lambda _: CacheAnswer(why="not cached because the image changed"))
    assert tasks(toy)["a"]["cache"]["why"] == "not cached because the image changed"
    toy = cached(lambda _: Unanswered("the database is gone"))
    assert tasks(toy)["a"]["cache"]["why"] == "not cached because the database is gone"
    assert living(toy) == ["a"]


# -- what needs no pod ----------------------------------------------------------------------------
def importing(uri: str, *, workspace: bool = False, **more: Any) -> Toy:
    importer = {
        "importer": {
            "artifactUri": {"runtimeParameter": "uri"},
            "typeSchema": {"schemaTitle": "system.Dataset"},
            "metadata": {"from": "{{$.inputs.parameters['uri']}}"},
            **more,
        }
    }
    source = parameters(uri="STRING")
    made = {"outputDefinitions": {"artifacts": {"artifact": {}}}, "executorLabel": "imports"}
    platform = {"pipelineConfig": {"workspace": {"size": "1Gi"}}} if workspace else None
    root = dag(a=task("bring", **given(uri="uri"))) | source
    manifest = run(root, bring=source | made, parameters={"uri": uri}, platform=platform)
    manifest["spec"]["pipelineSpec"]["deploymentSpec"]["executors"]["imports"] = importer
    return started(manifest)


def imported(toy: Toy) -> dict[str, Any]:
    (found,) = tasks(toy)["a"]["outputs"]["artifacts"]["artifact"]
    return dict(found)


def test_an_importer_gives_its_artifact_at_once() -> None:
    toy = importing("s3://bucket/some/data.csv")
    assert (state(toy), toy.pods()) == ("SUCCEEDED", [])
    found = imported(toy)
    assert found["uri"] == "s3://bucket/some/data.csv"
    assert found["type"] == "system.Dataset"
    assert found["metadata"] == {"from": "s3://bucket/some/data.csv"}


def test_the_same_uri_is_the_same_artifact_unless_a_new_one_is_wanted() -> None:
    first, other = imported(importing("s3://b/x")), imported(importing("s3://b/x", reimport=True))
    assert first["id"] == imported(importing("s3://b/x"))["id"] != other["id"]


def test_an_importer_into_the_workspace_copies_by_a_pod() -> None:
    toy = importing("minio://b/x/data.csv", workspace=True, downloadToWorkspace=True)
    assert Key(names.PERSISTENT_VOLUME_CLAIM, "u", "r-kfp-workspace") in toy.objects
    command = pod_of(toy, "a")["spec"]["containers"][0]
    assert command["args"] == [
        "/minio/b/x/data.csv",
        "/kfp-workspace/.artifacts/minio/b/x/data.csv",
    ]
    finish(toy)
    assert state(toy) == "SUCCEEDED"
    assert imported(toy)["metadata"]["_kfp_workspace"] is True


def test_what_no_workspace_takes_fails_the_importer() -> None:
    toy = importing("oci://b/x", workspace=True, downloadToWorkspace=True)
    assert "does not support OCI registries" in tasks(toy)["a"]["error"]
    toy = importing("minio://b/x", downloadToWorkspace=True)
    assert "the pipeline has none" in tasks(toy)["a"]["error"]


def volumes() -> Toy:
    made = parameters(pvc_name="STRING", size="STRING", access_modes="LIST")
    create = made | maker("name") | {"executorLabel": "creates"}
    arguments = given(pvc_name=None, size=None, access_modes=None)
    arguments["inputs"]["parameters"] |= {
        key: {"runtimeValue": {"constant": value}}
        for key, value in (
            ("pvc_name", "data"),
            ("size", "1Gi"),
            ("access_modes", ["ReadWriteOnce"]),
        )
    }
    delete = parameters(pvc_name="STRING") | {"executorLabel": "deletes"}
    root = dag(
        make=task("create", **arguments),
        use=task("work", "make"),
        drop=task("delete", "use", **given(pvc_name=("make", "name"))),
    )
    manifest = run(root, create=create, delete=delete)
    executors = manifest["spec"]["pipelineSpec"]["deploymentSpec"]["executors"]
    executors["creates"] = {"container": {"image": "argostub/createpvc"}}
    executors["deletes"] = {"container": {"image": "argostub/deletepvc"}}
    return started(manifest)


CLAIM = Key(names.PERSISTENT_VOLUME_CLAIM, "u", "data")


def test_claims_are_made_and_deleted_without_pods() -> None:
    toy = volumes()
    assert CLAIM in toy.objects
    assert tasks(toy)["make"]["outputs"] == {"parameters": {"name": "data"}}
    assert living(toy) == ["use"]
    finish(toy)
    assert CLAIM not in toy.objects
    assert (state(toy), len(toy.pods())) == ("SUCCEEDED", 1)


def test_a_claim_of_somebody_else_is_not_taken() -> None:
    toy = volumes()
    claim = toy.objects[CLAIM]
    other = started(run(dag(a=task())))
    del other.objects[RUN]
    other.put({**claim, "metadata": {"name": "data", "namespace": "u", "uid": "x"}})
    manifest = toy.objects[RUN]
    other.create({**manifest, "status": {}, "metadata": {"name": "r", "namespace": "u"}})
    other.settle()
    assert 'persistentvolumeclaims "data" already exists' in tasks(other)["make"]["error"]


# -- a pipeline by name ---------------------------------------------------------------------------
def test_a_run_of_a_version_keeps_what_the_version_said() -> None:
    manifest = run(dag(a=task()))
    written = manifest["spec"].pop("pipelineSpec")
    manifest["spec"]["pipelineRef"] = {"pipeline": "hello"}
    toy = Toy()
    for index, name in enumerate(("old", "new")):
        toy.put(
            {
                "apiVersion": f"{names.PIPELINES_GROUP}/v2beta1",
                "kind": "PipelineVersion",
                "metadata": {
                    "name": name,
                    "namespace": "u",
                    "creationTimestamp": "2026-01-01T00:00:00Z",
                    "annotations": {names.ANNOTATION_CREATED_AT: f"2026-01-01T00:00:00.{index}Z"},
                },
                "spec": {"pipelineName": "hello", "pipelineSpec": written if index else {}},
            }
        )
    toy.create(manifest)
    toy.carry_out(RUN, CONTROLLER.decide(CONTROLLER.see(toy, RUN)))
    assert status(toy)["pipelineSpec"] == written
    assert living(toy) == ["a"]


# -- limits and nonsense --------------------------------------------------------------------------
def test_a_loop_over_too_much_says_how_much_there_may_be() -> None:
    root = dag(each=loop("work", str(list(range(30_000)))))
    toy = started(run(root))
    assert states(toy) == {"each": "FAILED"}
    assert "a loop over 30000 items: a run has at most 20000 tasks" in tasks(toy)["each"]["error"]


def test_values_of_a_run_have_a_limit_together() -> None:
    root = dag(a=task("make"), b=task("take", **given(text=("a", "out"))))
    toy = started(run(root, make=maker(), take=parameters(text="STRING")))
    toy.put({**toy.objects[RUN], "status": {**status(toy), "valueBytes": 64 * 1024 * 1024}})
    finish(toy, a={"out": "x"})
    assert tasks(toy)["b"]["error"].startswith("inputs and outputs of a run have at most 67108864")


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param({"state": "ASLEEP"}, id="no-state"),
        pytest.param({"tasks": {"": {"state": "RUNNING"}, "a": 5}}, id="no-entry"),
        pytest.param({"tasks": {"a": {"state": "UPSIDE"}}}, id="no-state-of-a-task"),
        pytest.param({"startedAt": "yesterday"}, id="no-time"),
        pytest.param({"stateHistory": 5}, id="no-history"),
    ],
)
def test_a_status_that_somebody_spoiled_ends_the_run_or_is_mended(nonsense: Any) -> None:
    config = {"pipelineConfig": {"activeDeadlineSeconds": 60}}
    toy = started(run(dag(a=task()), platform=config))
    toy.put({**toy.objects[RUN], "status": {**status(toy), **nonsense}})
    try:
        plan = CONTROLLER.decide(CONTROLLER.see(toy, RUN))
    except Exception as mistake:
        assert CONTROLLER.recover is not None
        recovered = CONTROLLER.recover(toy, RUN, str(mistake))
        assert recovered is not None
        plan = recovered
    toy.carry_out(RUN, plan)
    assert state(toy) in ("FAILED", "RUNNING")
