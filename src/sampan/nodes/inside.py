"""Which containers the control plane carries out itself, without a process for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kube import argoexec, katib


def is_inside(container: Mapping[str, Any]) -> bool:
    """Whether a container is Argo's executor, or a collector of Katib's."""
    return argoexec.is_executor(container) or bool(katib.collector_of(container))
