"""Templates of kind `plugin`: what a sidecar of the workflow's agent knows how to do.

Upstream: argo-workflows workflow/controller/plugin_template.go.
"""

from __future__ import annotations

from sampan.kinds.workflows.agents import tasks
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.walk import Running, Walk


def execute(walk: Walk, running: Running) -> Node | None:
    return tasks.execute(walk, running, "Plugin")
