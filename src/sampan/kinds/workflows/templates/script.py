"""Templates of kind `script`: a container whose last argument is a file with the source.

The source travels as an annotation of the pod and is mounted through the downward API, so that
neither an init container nor a ConfigMap per pod is needed; the path is upstream's.
Upstream: argo-workflows workflow/controller/operator.go executeScript.
"""

from __future__ import annotations

from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.templates import container
from sampan.kinds.workflows.walk import Running, Walk


def execute(walk: Walk, running: Running) -> Node | None:
    return container.start(walk, running, script=True)
