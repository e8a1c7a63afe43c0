"""Whether anybody asks for what a step or task writes to its standard output.

Only then it is captured, as keeping it costs a report. Asked is in the template around it, by a
tag or in an expression. Upstream: argo-workflows workflow/controller/operator.go
includeScriptOutput, hasOutputResultRef.
"""

from __future__ import annotations

import re

from sampan.kinds.workflows.language.arguments import compact
from sampan.kinds.workflows.types import Template

_ASKED = re.compile(
    r"""(?:steps|tasks)(?:\.([\w-]+)|\[\\?["']([\w-]+)\\?["']\])\??\.outputs\??\.result"""
)
_NAME = re.compile(r"[\w-]+")


def results(around: Template) -> frozenset[str]:
    """The steps or tasks of a template whose results it mentions."""
    return frozenset(one or other for one, other in _ASKED.findall(compact(around)))


def step_name(node_name: str, around: str) -> str:
    """The step or task that a node below the node `around` belongs to."""
    rest = re.sub(r"^(\[\d+\])?\.", "", node_name.removeprefix(around))
    found = _NAME.match(rest)
    return found[0] if found else ""
