"""RuntimeClasses: what is wrong with one, and what a pod gets from its own."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.core.admit import RULES, runtimes
from sampan.kube import names
from sampan.kube.keys import Key, Manifest

CLASS = {
    "metadata": {"name": "r"},
    "handler": "h",
    "overhead": {"podFixed": {"cpu": "10m"}},
    "scheduling": {"nodeSelector": {"disk": "ssd"}, "tolerations": [{"key": "t"}]},
}


class Classes:
    def get(self, key: Key) -> Manifest | None:
        return CLASS if key == Key(names.RUNTIME_CLASS, "", "r") else None


def filled(**spec: Any) -> tuple[str, dict[str, Any]]:
    pod: Manifest = {"metadata": {"name": "p"}, "spec": spec}
    return runtimes.fill(Classes(), pod), pod["spec"]  # type: ignore[arg-type]


def test_a_pod_gets_overhead_and_nodes_of_its_class() -> None:
    fault, spec = filled(runtimeClassName="r", nodeSelector={"zone": "a"})
    assert (fault, spec["overhead"]) == ("", {"cpu": "10m"})
    assert spec["nodeSelector"] == {"zone": "a", "disk": "ssd"}
    assert spec["tolerations"] == [{"key": "t"}]


REFUSED = [
    pytest.param({"runtimeClassName": "x"}, 'RuntimeClass "x" not found', id="no-class"),
    pytest.param({"overhead": {"cpu": "1"}}, "without corresponding RuntimeClass", id="no-reason"),
    pytest.param(
        {"runtimeClassName": "r", "overhead": {"cpu": "1"}}, "doesn't match", id="other-overhead"
    ),
    pytest.param(
        {"runtimeClassName": "r", "nodeSelector": {"disk": "tape"}}, "conflict", id="other-nodes"
    ),
]


@pytest.mark.parametrize(("spec", "fault"), REFUSED)
def test_a_pod_is_refused(spec: Any, fault: str) -> None:
    assert fault in filled(**spec)[0]


def test_the_same_overhead_and_no_class_at_all_are_fine() -> None:
    assert filled(runtimeClassName="r", overhead={"cpu": "0.01"})[0] == ""
    assert filled() == ("", {})


WRONG = [
    pytest.param({"handler": "H_"}, None, "handler", id="bad-handler"),
    pytest.param({"handler": "i"}, CLASS, "handler", id="other-handler"),
    pytest.param(
        {"handler": "h", "overhead": {"podFixed": {"cpu": "x"}}}, None,
        "overhead.podFixed[cpu]", id="bad-overhead",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("manifest", "old", "field"), WRONG)
def test_what_a_class_may_not_say(manifest: Any, old: Any, field: str) -> None:
    validate = RULES[names.RUNTIME_CLASS].validate
    assert validate is not None
    assert [problem.field for problem in validate(manifest, old)] == [field]
