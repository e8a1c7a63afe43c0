from __future__ import annotations

from typing import Any

import pytest

from sampan.kube import katib


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (katib.IMAGES["StdOut"], "file"),
        (katib.IMAGES["TensorFlowEvent"], "tfevent"),
        ("docker.io/kubeflowkatib/file-metrics-collector:v0.16.0", "file"),
        ("mirror.local/kubeflow/katib/file-metrics-collector@sha256:0", "file"),
        ("ghcr.io/kubeflow/katib/custom-metrics-collector:latest", ""),
        (katib.IMAGES["PrometheusMetric"], "prometheus"),
        ("sampan.local/file-metrics-collector", ""),
        ("mine/file-metrics-collector", ""),
        ("", ""),
    ],
)
def test_collectors_of_the_node_are_known_by_their_image(image: str, kind: str) -> None:
    container = {"name": katib.LOGGER, "image": image}
    assert katib.collector_of(container) == kind
    assert katib.collector_of({**container, "name": "mine"}) == ""
    assert katib.collector_of({**container, "command": ["sh"]}) == ""


@pytest.mark.parametrize(
    ("container", "does"),
    [
        ({"env": [{"name": "KATIB_TRIAL_NAME", "valueFrom": {}}]}, True),
        ({"args": ["-s", "katib-db-manager.kubeflow:6789"]}, True),
        ({"env": [{"name": "WHERE", "value": "katib-db-manager.kubeflow:6789"}]}, True),
        ({"command": ["a"], "args": ["b"], "env": [{"name": "c"}]}, False),
        ({}, False),
    ],
)
def test_who_may_report_metrics(container: dict[str, Any], does: bool) -> None:
    assert katib.reports_itself(container) == does
