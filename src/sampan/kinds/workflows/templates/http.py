"""Templates of kind `http`: a request that the workflow's agent makes.

Upstream: argo-workflows workflow/controller/http_template.go.
"""

from __future__ import annotations

from sampan.kinds.workflows.agents import tasks
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.walk import Running, Walk


def execute(walk: Walk, running: Running) -> Node | None:
    return tasks.execute(walk, running, "HTTP")
