"""Which ConfigMaps a look at a workflow reads."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.toy import Toy
from sampan.kinds.workflows.language import maps

LABEL = "workflows.argoproj.io/configmap-type"
ASKS = {"parameters": [{"name": "p", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}}]}


@pytest.fixture
def toy() -> Toy:
    toy = Toy()
    for name, labels in (("labelled", {LABEL: "Parameter"}), ("plain", {})):
        about = {"name": name, "namespace": "u", "labels": labels}
        toy.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": about})
    return toy


@pytest.mark.parametrize(
    ("spec", "read"),
    [
        pytest.param({}, set(), id="nobody-asks"),
        pytest.param({"templates": [{"inputs": {"parameters": [{}]}}]}, set(), id="plain-inputs"),
        pytest.param({"arguments": ASKS}, {"labelled"}, id="workflow"),
        pytest.param({"templates": [{"inputs": ASKS}]}, {"labelled"}, id="template"),
        pytest.param({"templates": [{"steps": [[{"arguments": ASKS}]]}]}, {"labelled"}, id="step"),
        pytest.param(
            {"templates": [{"dag": {"tasks": [{"hooks": {"exit": {"arguments": ASKS}}}]}}]},
            {"labelled"},
            id="hook",
        ),
        pytest.param(
            {"templates": [{"dag": {"tasks": [{"inline": {"inputs": ASKS}}]}}]},
            {"labelled"},
            id="inline",
        ),
        pytest.param(
            {"templates": [{"memoize": {"cache": {"configMap": {"name": "plain"}}}}]},
            {"labelled", "plain"},
            id="a-cache-whatever-its-labels",
        ),
    ],
)
def test_what_is_read(toy: Toy, spec: dict[str, Any], read: set[str]) -> None:
    assert set(maps.see(toy, "u", [spec])) == read
    assert maps.see(toy, "elsewhere", [spec]) == {}
