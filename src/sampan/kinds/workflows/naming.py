"""Names of nodes and pods, as `kubectl` and `argo` users know them.

A node's id is the workflow's name for the root, else the name and the FNV-32a hash of the node's
name. Upstream: argo-workflows workflow/util/pod_name.go and pkg/apis NodeID.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sampan.kube.meta import fnv32a

_PREFIX_LIMIT = 242
"""253 for a name, less a hyphen and ten digits."""


@lru_cache(maxsize=65536)
def _digits(node_name: str) -> str:
    return str(fnv32a(node_name.encode()))


def node_id(workflow: str, node_name: str) -> str:
    return workflow if node_name == workflow else f"{workflow}-{_digits(node_name)}"


def pod_name(workflow: str, template: str, node_name: str) -> str:
    """Format v2: the template's name is in it, except for a workflow that is one pod."""
    if node_name == workflow:
        return workflow
    prefix = f"{workflow}-{template}" if template else workflow
    return f"{prefix[:_PREFIX_LIMIT]}-{_digits(node_name)}"


def pod_of(workflow: str, node: Mapping[str, Any]) -> str:
    """The name of the pod of a node that has one."""
    return pod_name(workflow, template_of(node), node["name"])


def template_of(node: Mapping[str, Any]) -> str:
    """The name of the node's template, wherever that stands; "" for one written in place."""
    return node.get("templateName") or (node.get("templateRef") or {}).get("template") or ""


def group_name(parent: str, index: int) -> str:
    """The node of a group of steps."""
    return f"{parent}[{index}]"


def child_name(parent: str, child: str) -> str:
    """The node of a step (of its group) or of a task."""
    return f"{parent}.{child}"


def attempt_name(retried: str, number: int) -> str:
    """The node of one attempt of a retried node."""
    return f"{retried}({number})"


def exit_name(node: str) -> str:
    """The node of a node's exit handler."""
    return f"{node}.onExit"


def hook_name(node: str, hook: str) -> str:
    """The node of a hook."""
    return f"{node}.hooks.{hook}"
