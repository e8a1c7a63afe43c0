"""Whose pod it is: what the builders of pods are told besides the template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sampan.kinds.workflows.types import Driver


class Unbuildable(ValueError):
    """No pod can be made of the template; the text says why."""


class About(Struct, frozen=True, kw_only=True):
    """`known` is what `workflow.…` tags stand for. `node` is the node's id. `result`: somebody
    wants to know what it writes to its standard output. `deadline`: when its containers have to
    end (RFC 3339). `on_exit`: it belongs to an exit handler. `around`: the template of the steps or
    dag that it is part of. `patches`: to the pod's spec, with their tags replaced. `drivers`: of
    artifacts, by name."""

    known: Mapping[str, str]
    node: str
    node_name: str
    template: str
    workflow: str = ""
    workflow_uid: str = ""
    result: bool = False
    deadline: str = ""
    on_exit: bool = False
    around: Mapping[str, Any] = {}
    patches: tuple[str, ...] = ()
    drivers: Mapping[str, Driver] = {}
