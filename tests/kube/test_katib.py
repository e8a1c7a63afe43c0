from __future__ import annotations

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
        ("mine/file-metrics-collector", ""),
        ("", ""),
    ],
)
def test_collectors_of_the_node_are_known_by_their_image(image: str, kind: str) -> None:
    container = {"name": katib.LOGGER, "image": image}
    assert katib.collector_of(container) == kind
    assert katib.collector_of({**container, "name": "mine"}) == ""
    assert katib.collector_of({**container, "command": ["sh"]}) == ""
