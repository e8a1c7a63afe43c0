"""What is refused, and that the message names the place."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinds.pipelines.ir.making import dag, spec, task
from sampan.kinds.pipelines.ir.faults import Invalid
from sampan.kinds.pipelines.ir.validation import MOST_TASKS, validate


def broken(path: str, value: Any) -> dict[str, Any]:
    """A pipeline of two tasks in which something is another."""
    made = spec(dag(one=task("comp"), two=task("comp", dependentTasks=["one"])), comp={})
    *parents, last = path.split("/")
    place: Any = made
    for key in parents:
        place = place.setdefault(key, {})
    place[last] = value
    return made


TASK = "root/dag/tasks/two"
EXECUTOR = "deploymentSpec/executors/exec"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        pytest.param("schemaVersion", "2.0.0", "has version 2.0.0", id="schema"),
        pytest.param("pipelineInfo", {}, "name is empty", id="name"),
        pytest.param("pipelineInfo/name", "___", "lower case alphanumeric", id="odd-name"),
        pytest.param("root", None, "root component is empty", id="root"),
        pytest.param("components_1", {}, 'unknown field "components_1"', id="unknown"),
        pytest.param(f"{TASK}/when", "x", 'root.dag.tasks.two: unknown field "when"', id="deep"),
        pytest.param("root/dag/tasks", [], "root.dag.tasks: expected an object, got a list",
                     id="list"),
        pytest.param("root/dag/tasks/a b", 3, 'root.dag.tasks["a b"]: expected an object',
                     id="key"),
        pytest.param(f"{TASK}/dependentTasks", ["x"], 'unknown producer task "x"', id="missing"),
        pytest.param(f"{TASK}/dependentTasks", [1], "dependentTasks[0]: expected text, got a nu",
                     id="text"),
        pytest.param(f"{TASK}/dependentTasks", ["two"], "two -> two", id="own-cycle"),
        pytest.param("root/dag/tasks/one/dependentTasks", ["two"], "tasks wait for each other",
                     id="cycle"),
        pytest.param(f"{TASK}/componentRef", {}, "component ref name is empty", id="no-ref"),
        pytest.param(f"{TASK}/componentRef/name", "x", 'cannot find component ref name="x"',
                     id="ref"),
        pytest.param(f"{TASK}/triggerPolicy/strategy", "SOON", '"SOON" is none of', id="enum"),
        pytest.param(f"{TASK}/retryPolicy/backoffDuration", "soon", "no duration", id="duration"),
        pytest.param(f"{TASK}/retryPolicy/maxRetryCount", 1.5, "expected an integer", id="int"),
        pytest.param(f"{TASK}/cachingOptions/enableCache", 1, "expected a boolean", id="bool"),
        pytest.param(f"{TASK}/parameterIterator", {"itemInput": "i"}, "needs items", id="items"),
        pytest.param("components/comp/executorLabel", "x", 'executor(label="x") not found',
                     id="executor"),
        pytest.param("components/comp/executorLabel", None, "unknown component implementation",
                     id="no-implementation"),
        pytest.param("components/comp/dag", {}, "only one of dag and executorLabel", id="both"),
        pytest.param(EXECUTOR, {"resolver": {}}, "resolver executors not impl", id="resolver"),
        pytest.param(EXECUTOR, {"customJob": {}}, "Google Cloud only", id="custom-job"),
        pytest.param(EXECUTOR, {}, "non-container and non-importer executor", id="empty"),
        pytest.param(EXECUTOR, {"container": {}}, "the container has no image", id="image"),
        pytest.param("root/dag/outputs/parameters/o", {"valueFromParameter": {
            "producerSubtask": "x", "outputParameterKey": "y"}}, 'outputs: unknown producer task',
            id="output"),
        pytest.param("root/dag", {"tasks": {}}, "one or more non-exit tasks", id="no-tasks"),
        pytest.param("root/dag/tasks", {"": task("comp")}, 'task name "" is empty', id="nameless"),
        pytest.param("root/dag/tasks", {"a/b": task("comp")}, 'task name "a/b" is', id="slash"),
        pytest.param("root/dag/tasks", {"[0]": task("comp")}, 'task name "[0]" is', id="bracket"),
        pytest.param("components/comp/inputDefinitions/parameters/x/defaultValue",
                     float("nan"), "a number has to be finite", id="nan"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(path: str, value: Any, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        validate(broken(path, value))
    assert message in caught.value.message


def test_names_may_be_those_of_the_proto() -> None:
    made = spec(dag(one=task("comp")), comp={})
    made["pipeline_info"] = made.pop("pipelineInfo")
    made["root"]["dag"]["tasks"]["one"]["caching_options"] = {"enable_cache": True}
    assert validate(made).root.dag.tasks["one"].cachingOptions.enableCache  # type: ignore[union-attr]
    made["pipelineInfo"] = made["pipeline_info"]
    with pytest.raises(Invalid, match="duplicate field"):
        validate(made)


def test_null_is_absent_but_for_values() -> None:
    made = spec(dag(one=task("comp", retryPolicy=None)), comp={})
    made["components"]["comp"]["inputDefinitions"] = {
        "parameters": {"x": {"parameterType": "STRING", "defaultValue": None}}
    }
    read = validate(made)
    assert read.root.dag.tasks["one"].retryPolicy is None  # type: ignore[union-attr]
    assert read.component("comp").inputDefinitions.parameters["x"].defaultValue is None


def test_what_executors_say_beyond_is_passed_over() -> None:
    made = spec(dag(one=task("comp")), comp={})
    made["deploymentSpec"]["@type"] = "type.googleapis.com/x"
    made["deploymentSpec"]["executors"]["exec"]["container"]["novelty"] = 1
    component = validate(made).component("comp")
    assert validate(made).container(component).image == "alpine"  # type: ignore[union-attr]


def test_a_component_within_itself_is_refused() -> None:
    made = spec(dag(one=task("a")), a=dag(two=task("b")), b=dag(three=task("a")))
    with pytest.raises(Invalid, match="contains itself: root -> a -> b -> a"):
        validate(made)


def test_a_chain_of_dags_may_not_be_endless() -> None:
    chain = {f"c{n}": dag(t=task(f"c{n + 1}")) for n in range(100)}
    with pytest.raises(Invalid, match="deeper than"):
        validate(spec(dag(one=task("c0")), **chain, c100={}))


def test_a_pipeline_may_not_unfold_to_a_million_tasks() -> None:
    double = {f"c{n}": dag(t=task(f"c{n + 1}"), u=task(f"c{n + 1}")) for n in range(30)}
    with pytest.raises(Invalid, match=f"more than {MOST_TASKS}"):
        validate(spec(dag(one=task("c0")), **double, c30={}))


def test_a_value_nested_without_end_is_refused() -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(Invalid):
        validate(broken("components/comp/inputDefinitions/parameters/x/defaultValue", value))
    for _ in range(99_900):
        value = value[0]
    with pytest.raises(Invalid, match="nested deeper"):
        validate(broken("components/comp/inputDefinitions/parameters/x/defaultValue", value))


def test_tasks_come_after_what_they_need() -> None:
    source = {"taskOutputParameter": {"producerTask": "z", "outputParameterKey": "o"}}
    graph = validate(
        spec(
            dag(
                a=task("comp", inputs={"parameters": {"x": source}}),
                b=task("comp", dependentTasks=["a"]),
                z=task("comp"),
            ),
            comp={},
        )
    ).graph("")
    assert list(graph.tasks) == ["z", "a", "b"]
    assert graph.needs["a"] == {"z"}


def test_tasks_in_a_dag_are_tried_again_as_the_dag_is() -> None:
    inner = dag(own=task("c", retryPolicy={"maxRetryCount": 5}), none=task("c"))
    read = validate(
        spec(dag(it=task("b", retryPolicy={"maxRetryCount": 2})), b=dag(deep=task("a")), a=inner,
             c={})
    )  # fmt: skip
    tries = {
        name: task.retryPolicy.maxRetryCount
        for name, task in read.graph("a").tasks.items()
        if task.retryPolicy
    }
    assert tries == {"own": 5, "none": 2}


def test_the_same_documents_are_read_once() -> None:
    one, other = (spec(dag(one=task("comp")), comp={}) for _ in range(2))
    assert validate(one) is validate(other)
    other["pipelineInfo"]["name"] = "q"
    assert validate(one).name == "p"
    assert validate(other).name == "q"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["root", "dag", "tasks", "one", "inputs", "components", "parameters",
                         "platforms", "kubernetes", "dependentTasks", "x"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(
    st.sampled_from([TASK, EXECUTOR, "root", "components", "root/dag/outputs", "pipelineInfo"]),
    _JSON,
)
def test_nonsense_is_refused_or_read_but_breaks_nothing(path: str, value: Any) -> None:
    said = ""
    try:
        read = validate(broken(path, value))
    except Invalid as fault:
        said = fault.message
    assert said or read.graph("").tasks


def test_the_time_it_takes_grows_with_the_pipeline_and_no_faster() -> None:
    def seconds(length: int) -> float:
        chain = {
            f"t{n}": task("comp", dependentTasks=[f"t{n - 1}"] if n else []) for n in range(length)
        }
        written = spec(dag(**chain), comp={})
        began = time.process_time()
        validate(written)
        return time.process_time() - began

    assert min(seconds(8000) for _ in range(3)) < 40 * min(seconds(800) for _ in range(3))
