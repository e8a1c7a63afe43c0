"""What pods get so that something can be fetched before them and carried away after them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kinds.toy import Toy
from kinds.workflows.makers import call, leaf, started, steps, workflow
from sampan.kinds.workflows.pods import wanted

EMISSARY = ["/var/run/argo/argoexec", "emissary"]


def containers(toy: Toy, section: str = "containers") -> dict[str, Any]:
    (pod,) = toy.pods()
    return {each["name"]: each for each in pod["spec"].get(section) or ()}


def told(container: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in container["env"]}


def paths(container: dict[str, Any]) -> dict[str, str]:
    return {each["mountPath"]: each["name"] for each in container.get("volumeMounts") or ()}


def test_nothing_to_carry_is_one_bare_container() -> None:
    toy = started(workflow(leaf("main")))
    assert containers(toy).keys() == {"main"}
    assert containers(toy)["main"]["command"] == ["true"]
    assert not containers(toy, "initContainers")


def test_an_output_parameter_brings_the_executor() -> None:
    outputs = {"parameters": [{"name": "p", "valueFrom": {"path": "/out"}}]}
    toy = started(workflow(leaf("main", outputs=outputs)))
    init, found = containers(toy, "initContainers")["init"], containers(toy)
    assert list(found) == ["wait", "main"]
    assert init["command"][:2] == ["argoexec", "init"]
    assert found["wait"]["command"][:2] == ["argoexec", "wait"]
    assert found["main"]["command"][:2] == EMISSARY
    assert found["main"]["command"][-2:] == ["--", "true"]
    assert all("/var/run/argo" in paths(each) for each in (init, *found.values()))
    template = json.loads(told(init)["ARGO_TEMPLATE"])
    assert (template["outputs"], template["inputs"]) == (outputs, {})
    assert told(found["wait"])["ARGO_NODE_ID"] == "wf"
    assert told(found["main"])["ARGO_INCLUDE_SCRIPT_OUTPUT"] == "false"
    assert told(found["main"])["ARGO_CONTAINER_NAME"] == "main"


@pytest.mark.parametrize(
    ("asking", "captured"),
    [
        pytest.param("{{steps.a.outputs.result}}", True, id="tag"),
        pytest.param("{{=steps['a'].outputs.result}}", True, id="expression"),
        pytest.param("{{steps.b.outputs.result}}", False, id="of-another-step"),
        pytest.param("{{steps.a.id}}", False, id="something-else"),
    ],
)
def test_results_are_captured_when_somebody_asks(asking: str, captured: bool) -> None:
    around = steps([call("a")], [call("b", x=asking)])
    name = wanted.step_name("wf[0].a(1:x)", "wf")
    assert (name in wanted.results(around)) is captured
