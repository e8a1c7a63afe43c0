"""What makes a task another one for the cache, and what does not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kinds.pipelines.ir.making import RUN, artifact, dag, parameters, spec, task
from sampan.kinds.pipelines.ir import fingerprint
from sampan.kinds.pipelines.ir.fingerprint import Fingerprint
from sampan.kinds.pipelines.ir.resolve import RunFacts, Values
from sampan.kinds.pipelines.ir.validation import validate

INPUTS = Values({"x": 1}, {"d": (artifact("d", digest="sha256:1", metadata={"m": 1}),)})


def made(
    inputs: Values = INPUTS, *, run: RunFacts = RUN, claims: tuple[str, ...] = (), **changes: Any
) -> Fingerprint:
    """changes: of the container; `default`: of the parameter y; `key`: the cacheKey."""
    default = {"parameterType": "STRING", "defaultValue": changes.pop("default", "d")}
    written = spec(
        dag(it=task("comp", cachingOptions={"cacheKey": changes.pop("key", "")})),
        comp=parameters(x="NUMBER_INTEGER", y=default),
    )
    container = {"image": "alpine", "command": ["echo"], **changes}
    written["deploymentSpec"]["executors"]["exec"] = {"container": container}
    read = validate(written)
    it, comp = read.graph("").tasks["it"], read.component("comp")
    executor = read.container(comp)
    assert executor is not None
    return fingerprint.of("it", it, comp, executor, inputs, run, claims)


def replaced(**changes: str) -> RunFacts:
    return msgspec.structs.replace(RUN, **changes)


def changed(one: Fingerprint, other: Fingerprint) -> list[str]:
    """The parts that differ; the whole differs exactly if one does."""
    places = sorted(
        f"{name} {key}" if isinstance(part, dict) else name
        for name, part in {**one.parts, **other.parts}.items()
        for key in (
            {**part, **one.parts.get(name, {}), **other.parts.get(name, {})}
            if isinstance(part, dict)
            else [""]
        )
        if (one.parts[name].get(key) != other.parts[name].get(key) if isinstance(part, dict)
            else one.parts[name] != other.parts[name])
    )  # fmt: skip
    assert bool(places) == (one.value != other.value)
    return places


@pytest.mark.parametrize(
    ("other", "parts"),
    [
        pytest.param(made(), [], id="same"),
        pytest.param(made(Values({"x": 1.0}, INPUTS.artifacts)), [], id="number"),
        pytest.param(made(run=replaced(id="other", name="n")), [], id="run"),
        pytest.param(
            made(Values({"x": 1}, {"d": (artifact("d", digest="sha256:1", metadata={"m": 1},
                                                  uri="s3://b/other", name="n", id="i"),)})),
            [], id="place"),
        pytest.param(made(Values({"x": 2}, INPUTS.artifacts)), ["parameters x"], id="parameter"),
        pytest.param(made(Values({"x": True}, INPUTS.artifacts)), ["parameters x"], id="boolean"),
        pytest.param(made(Values({"x": 1}, {"d": (artifact("d", digest="sha256:2",
                                                           metadata={"m": 1}),)})),
                     ["artifacts d"], id="content"),
        pytest.param(made(Values({"x": 1}, {"d": (artifact("d", digest="sha256:1"),)})),
                     ["artifacts d"], id="metadata"),
        pytest.param(made(image="busybox"), ["image"], id="image"),
        pytest.param(made(args=["x"]), ["command"], id="command"),
        pytest.param(made(env=[{"name": "A", "value": "1"}]), ["env"], id="env"),
        pytest.param(made(default="e"), ["defaults y"], id="default"),
        pytest.param(made(claims=("b", "a", "a")), ["claims"], id="claims"),
    ],
)  # fmt: skip
def test_parts_tell_what_changed(other: Fingerprint, parts: list[str]) -> None:
    assert changed(made(), other) == parts


def test_the_order_of_claims_is_none() -> None:
    assert made(claims=("b", "a")) == made(claims=("a", "b", "a"))


def test_an_artifact_of_unknown_content_counts_by_its_place() -> None:
    one, other = (
        made(Values({}, {"d": (artifact("d", uri=f"gs://b/{key}"),)})) for key in ("1", "2")
    )
    assert changed(one, other) == ["artifacts d"]


def test_a_command_that_names_the_run_is_another_in_each_run() -> None:
    word = "{{$.pipeline_job_uuid}}"
    assert changed(made(args=[word]), made(args=[word], run=replaced(id="o"))) == ["command"]


def test_a_key_stands_for_all_but_the_component() -> None:
    one = made(key="k")
    assert one == made(Values(), key="k", image="busybox", claims=("a",))
    assert one.value != made(key="l").value
    assert one.parts == {"component": "comp", "key": "k"}
