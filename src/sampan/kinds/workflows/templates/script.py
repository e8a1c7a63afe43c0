"""Templates of kind `script`: a container whose last argument is a file with the source, if any.

Where the executor has nothing else to do, the source travels as an annotation of the pod and is
mounted through the downward API, so that no init container is needed; the path is upstream's.
Upstream: argo-workflows workflow/controller/operator.go executeScript.
"""

from __future__ import annotations

from typing import Any

from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.templates import container
from sampan.kinds.workflows.types import Template
from sampan.kinds.workflows.walk import Running, Walk
from sampan.kube import argoexec


def execute(walk: Walk, running: Running) -> Node | None:
    return container.start(walk, running, _main)


def _main(template: Template) -> list[dict[str, Any]]:
    main = {key: value for key, value in template["script"].items() if key != "source"}
    if template["script"].get("source"):
        main["args"] = [*(main.get("args") or ()), argoexec.SCRIPT]
    return [{**main, "name": argoexec.MAIN}]
