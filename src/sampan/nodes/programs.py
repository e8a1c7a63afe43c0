"""What a container does that the control plane carries out itself: Argo's executor, or a collector.

They differ in what they are asked by: the executor by its subcommand, a collector by its image.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kube import argoexec, katib
from sampan.nodes.collector import program as collector
from sampan.nodes.executor import programs as executor
from sampan.nodes.executor.programs import Program


def program_of(container: Mapping[str, Any]) -> Program:
    """Raises Failed for a subcommand that nobody knows."""
    if katib.collector_of(container):
        return collector.run
    return executor.named(argoexec.program(container.get("command")))
