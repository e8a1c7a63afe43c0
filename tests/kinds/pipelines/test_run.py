"""Runs in the toy cluster: order, failure, conditions, loops, exits, retries, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.pipelines.ir.making import dag, parameters
from kinds.pipelines.making import (
    RUN,
    anyway,
    close,
    finish,
    given,
    inputs,
    living,
    loop,
    maker,
    path_of,
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
from sampan.kube import meta, names
from sampan.kube.keys import Key


# -- order ----------------------------------------------------------------------------------------
def test_a_task_begins_when_what_it_needs_has_ended_well() -> None:
    toy = started(run(dag(a=task(), b=task("work", "a"))))
    assert (state(toy), living(toy)) == ("RUNNING", ["a"])
    finish(toy)
    assert state(toy) == "SUCCEEDED"
    assert states(toy) == {"a": "SUCCEEDED", "b": "SUCCEEDED"}
    (condition,) = status(toy)["conditions"]
    assert (condition["type"], condition["status"]) == ("Succeeded", "True")
    assert [step["state"] for step in status(toy)["stateHistory"]] == [
        "PENDING",
        "RUNNING",
        "SUCCEEDED",
    ]


def test_what_a_pipeline_says_in_vain_stands_in_a_condition_of_its_run() -> None:
    manifest = run(dag(a=task()))
    manifest["spec"]["pipelineSpec"]["defaultPipelineRoot"] = "gs://bucket"
    toy = started(manifest)
    finish(toy)
    told = {each["type"]: each for each in status(toy)["conditions"]}
    assert told.keys() == {"Succeeded", "FieldsIgnored"}
    assert "defaultPipelineRoot" in told["FieldsIgnored"]["message"]


def test_a_task_says_what_its_author_calls_it() -> None:
    toy = started(run(dag(a=task(taskInfo={"name": "Load the data"}), b=task(taskInfo={}))))
    assert tasks(toy)["a"]["displayName"] == "Load the data"
    assert "displayName" not in tasks(toy)["b"]


def test_outputs_of_one_are_inputs_of_another() -> None:
    manifest = run(
        dag(a=task("make"), b=task("take", **given(text=("a", "out")))),
        make=maker(),
        take=parameters(text="STRING"),
    )
    toy = started(manifest)
    assert living(toy) == ["a"], "the producer is needed without being named in dependentTasks"
    finish(toy, a={"out": "hello"}, b=None)
    assert inputs(pod_of(toy, "b")) == {"text": "hello"}
    assert tasks(toy)["a"]["outputs"] == {"parameters": {"out": "hello"}}


def test_a_null_within_a_value_stays() -> None:
    made = maker(type="STRUCT")
    toy = finish(started(run(dag(a=task("make")), make=made)), a={"out": {"x": None, "y": [None]}})
    assert tasks(toy)["a"]["outputs"]["parameters"]["out"] == {"x": None, "y": [None]}


def test_after_a_failure_nothing_new_begins_and_what_runs_ends() -> None:
    toy = started(run(dag(a=task(), b=task(), c=task("work", "b"))))
    close(toy, pod_of(toy, "a"), 3)
    assert states(toy) == {"a": "FAILED", "b": "PENDING", "c": "OMITTED"}
    assert state(toy) == "RUNNING"
    finish(toy)
    assert (state(toy), states(toy)["b"]) == ("FAILED", "SUCCEEDED")
    assert "task a: exit code 3" in status(toy)["error"]["message"]


# -- conditions -----------------------------------------------------------------------------------
def when(expression: str, component: str = "work", **fields: Any) -> dict[str, Any]:
    return task(component, triggerPolicy={"condition": expression}, **fields)


def test_a_condition_that_does_not_hold_skips_a_task_and_omits_what_follows() -> None:
    condition = "inputs.parameter_values['text'] == 'yes'"
    root = dag(
        yes=when(condition, "take", **given(text="text")),
        no=when(condition.replace("yes", "no"), "take", **given(text="text")),
        after=task("work", "no"),
    )
    root |= parameters(text="STRING")
    manifest = run(root, take=parameters(text="STRING"), parameters={"text": "yes"})
    toy = finish(started(manifest))
    assert states(toy) == {"yes": "SUCCEEDED", "no": "SKIPPED", "after": "OMITTED"}
    assert state(toy) == "SUCCEEDED"


def test_a_condition_that_cannot_be_judged_fails_its_task() -> None:
    root = dag(a=when("inputs.parameter_values['none'] == 'x'"))
    toy = started(run(root))
    assert states(toy) == {"a": "FAILED"}
    assert state(toy) == "FAILED"


# -- DAGs in DAGs ---------------------------------------------------------------------------------
def inner(**outputs: tuple[str, str]) -> dict[str, Any]:
    chosen = {
        key: {"valueFromParameter": {"producerSubtask": task, "outputParameterKey": output}}
        for key, (task, output) in outputs.items()
    }
    body = dag(x=task("make"))
    body["dag"]["outputs"] = {"parameters": chosen}
    definitions = {key: {"parameterType": "STRING"} for key in outputs}
    return {**body, "outputDefinitions": {"parameters": definitions}}


def test_a_dag_gives_what_its_tasks_gave() -> None:
    manifest = run(
        dag(sub=task("inner"), b=task("take", **given(text=("sub", "all")))),
        inner=inner(all=("x", "out")),
        make=maker(),
        take=parameters(text="STRING"),
    )
    toy = finish(started(manifest), x={"out": "deep"}, b=None)
    assert inputs(pod_of(toy, "b")) == {"text": "deep"}
    assert tasks(toy)["sub"]["type"] == "Dag"
    assert tasks(toy)["sub/x"]["parent"] == "sub"


def test_the_failure_of_a_task_is_that_of_the_dags_around_it() -> None:
    manifest = run(dag(sub=task("inner")), inner=dag(x=task(), y=task("work", "x")))
    toy = finish(started(manifest), x=1)
    assert states(toy) == {"sub": "FAILED", "sub/x": "FAILED", "sub/y": "OMITTED"}
    assert status(toy)["error"]["message"] == "task sub/x: exit code 1"


# -- loops ----------------------------------------------------------------------------------------
BODY = dag(x=task("take", **given(text="item"))) | parameters(item="STRING")


def looping(items: str, **fields: Any) -> Toy:
    root = dag(each=loop("body", items, **fields), after=task("work", "each"))
    return started(run(root, body=BODY, take=parameters(text="STRING")))


def test_a_loop_has_an_iteration_for_each_item() -> None:
    toy = looping('["p","q"]')
    assert living(toy) == ["each/[0]/x", "each/[1]/x"]
    assert [inputs(pod_of(toy, f"each/[{i}]/x"))["text"] for i in range(2)] == ["p", "q"]
    entry = tasks(toy)["each/[1]"]
    assert (entry["type"], entry["iteration"], entry["parent"]) == ("Iteration", 1, "each")
    finish(toy)
    assert states(toy)["after"] == "SUCCEEDED"


def test_a_loop_over_nothing_has_succeeded() -> None:
    toy = looping("[]")
    assert states(toy) == {"each": "SUCCEEDED", "after": "PENDING"}


def test_no_more_iterations_run_than_the_limit_allows() -> None:
    toy = looping("[1,2,3,4,5]", limit=2)
    seen = []
    while toy.running():
        seen.append(len(living(toy)))
        assert seen[-1] <= 2
        toy.step_pods(lambda _: None)
        close(toy, toy.running()[0], {})
        if "after" in living(toy):
            break
    assert max(seen) == 2
    assert states(toy)["each"] == "SUCCEEDED"


def test_an_iteration_that_fails_keeps_others_from_beginning() -> None:
    toy = finish(looping("[1,2,3]", limit=1), x=1)
    assert states(toy)["each/[0]"] == "FAILED"
    assert states(toy)["each/[1]"] == states(toy)["each/[2]"] == "OMITTED"
    assert state(toy) == "FAILED"


def test_what_iterations_give_is_a_list_in_their_order_and_lists_of_nested_ones() -> None:
    body = inner(out=("x", "out")) | parameters(item="STRING")
    chosen = {"valueFromParameter": {"producerSubtask": "in", "outputParameterKey": "out"}}
    outer = {
        "dag": {
            "tasks": {"in": loop("body", "[1,2]")},
            "outputs": {"parameters": {"out": chosen}},
        },
        "outputDefinitions": {"parameters": {"out": {"parameterType": "LIST"}}},
        **parameters(item="STRING"),
    }
    root = dag(each=loop("outer", '["a","b"]'), sum=task("add", **given(all=("each", "out"))))
    manifest = run(root, body=body, outer=outer, make=maker(), add=parameters(all="LIST"))
    toy = finish(started(manifest), x=lambda pod: {"out": path_of(pod)}, sum=None)
    wanted = [[f"each/[{i}]/in/[{j}]/x" for j in range(2)] for i in range(2)]
    assert inputs(pod_of(toy, "sum")) == {"all": wanted}


def test_a_loop_may_run_a_program_itself() -> None:
    root = dag(each=loop("take", '["p","q"]'))
    toy = finish(started(run(root, take=parameters(item="STRING"))))
    assert states(toy) == {"each": "SUCCEEDED", "each/[0]": "SUCCEEDED", "each/[1]": "SUCCEEDED"}


def test_a_wide_loop_begins_in_several_looks() -> None:
    toy = looping(str(list(range(200))))
    assert len(living(toy)) == 128, "more would only wait"
    finish(toy)
    assert state(toy) == "SUCCEEDED"


# -- exits ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(("end", "told"), [({}, "COMPLETE"), (1, "FAILED")])
def test_an_exit_task_runs_however_the_body_ended_and_is_told(end: Any, told: str) -> None:
    final = {"inputs": {"parameters": {"status": {"taskFinalStatus": {"producerTask": "body"}}}}}
    root = dag(body=task("inner"), exit=anyway("tell", "body", **final))
    tell = parameters(status="TASK_FINAL_STATUS")
    toy = finish(started(run(root, inner=dag(x=task()), tell=tell)), x=end, exit=None)
    assert inputs(pod_of(toy, "exit"))["status"]["state"] == told
    finish(toy)
    assert state(toy) == ("FAILED" if end else "SUCCEEDED")
    assert states(toy)["exit"] == "SUCCEEDED"


def test_a_task_that_ignores_a_failure_runs_and_so_does_what_follows_it() -> None:
    root = dag(a=task(), b=anyway("work", "a"), c=task("work", "b"), d=task("work", "a"))
    toy = finish(started(run(root)), a=1)
    assert states(toy) == {"a": "FAILED", "b": "SUCCEEDED", "c": "SUCCEEDED", "d": "OMITTED"}
    assert state(toy) == "FAILED"


def test_an_exit_task_is_left_out_when_nothing_before_it_ran() -> None:
    root = dag(a=task(), b=task("work", "a"), exit=anyway("work", "b"))
    toy = finish(started(run(root)), a=1)
    assert states(toy)["exit"] == "OMITTED"


# -- retries --------------------------------------------------------------------------------------
def test_a_task_is_tried_again_after_a_wait() -> None:
    policy = {"maxRetryCount": 2, "backoffDuration": "10s", "backoffFactor": 3}
    toy = started(run(dag(a=task(retryPolicy=policy))))
    finish(toy, a=1)
    assert (states(toy), living(toy)) == ({"a": "PENDING"}, [])
    assert toy.waits == [10.0]
    toy.advance()
    finish(toy, a=1)
    assert toy.waits == [30.0]
    toy.advance()
    assert tasks(toy)["a"]["attempt"] == 2
    finish(toy, a=1)
    assert (state(toy), len(toy.pods())) == ("FAILED", 3)


def test_a_retry_that_succeeds_is_a_success() -> None:
    toy = started(run(dag(a=task(retryPolicy={"maxRetryCount": 1}))))
    finish(toy, a=[1, {}])
    assert (state(toy), tasks(toy)["a"]["attempt"]) == ("SUCCEEDED", 1)


def test_no_attempt_begins_after_the_longest_time() -> None:
    policy = {"maxRetryCount": 9, "backoffDuration": "40s", "backoffMaxDuration": "60s"}
    toy = finish(started(run(dag(a=task(retryPolicy=policy)))), a=1)
    toy.advance()
    finish(toy, a=1)
    assert (state(toy), len(toy.pods())) == ("FAILED", 2)


# -- pods that do not end as they should ----------------------------------------------------------
def test_a_pod_that_is_gone_has_failed() -> None:
    toy = started(run(dag(a=task())))
    del toy.objects[Key(names.POD, "u", meta.name_of(pod_of(toy, "a")))]
    toy.settle()
    assert tasks(toy)["a"]["error"] == "the pod is gone"
    assert state(toy) == "FAILED"


def test_somebody_elses_pod_of_that_name_fails_the_task() -> None:
    toy = started(run(dag(a=task())))
    pod = pod_of(toy, "a")
    first = started(run(dag(a=task())))
    del first.objects[RUN], first.objects[Key(names.POD, "u", meta.name_of(pod))]
    first.create({**pod, "metadata": {"name": meta.name_of(pod), "namespace": "u"}})
    first.create(run(dag(a=task())))
    first.settle()
    assert "is not this run's" in tasks(first)["a"]["error"]


def test_a_program_that_runs_for_a_while_is_said_to() -> None:
    toy = started(run(dag(a=task())))
    toy.step_pods(lambda _: None)
    assert states(toy) == {"a": "PENDING"}, "most are over before it is worth a write"
    toy.advance()
    assert states(toy) == {"a": "RUNNING"}


# -- runs that cannot be --------------------------------------------------------------------------
def test_an_invalid_pipeline_fails_the_run_with_words() -> None:
    manifest = run(dag(a=task("nobody")))
    toy = started(manifest, admitted=False)
    assert state(toy) == "FAILED"
    assert "nobody" in status(toy)["error"]["message"]


def test_a_missing_argument_fails_the_run() -> None:
    toy = started(run(dag(a=task()) | parameters(text="STRING")), admitted=False)
    assert "parameter text is not optional" in status(toy)["error"]["message"]


def test_a_run_without_a_pipeline_says_so() -> None:
    manifest = run(dag(a=task()))
    del manifest["spec"]["pipelineSpec"]
    toy = started(manifest, admitted=False)
    assert "pipelineRef" in status(toy)["error"]["message"]
