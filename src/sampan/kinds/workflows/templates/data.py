"""Templates of kind `data`: a list of artifacts, transformed by expressions.

The pod's main container is the executor itself; what comes out is always the node's result.
Upstream: argo-workflows workflow/controller/operator.go executeData.
"""

from __future__ import annotations

import json
from typing import Any

from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.pods import carry
from sampan.kinds.workflows.templates import container
from sampan.kinds.workflows.types import Template
from sampan.kinds.workflows.walk import Running, Walk
from sampan.kube import argoexec


def execute(walk: Walk, running: Running) -> Node | None:
    return container.start(walk, running, _main)


def _main(template: Template) -> list[dict[str, Any]]:
    body = json.dumps(template["data"], separators=(",", ":"), ensure_ascii=False)
    return [carry.executor(argoexec.MAIN, argoexec.DATA, body)]
