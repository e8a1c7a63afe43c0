"""Which fields of a Workflow Sampan does not act on: they are refused, never ignored.

An empty value (`{}`, `[]`, `false`, `""`, null) asks for nothing and passes. What is acted on is
taken out here by the commit that does it; what stays is told in docs/limits.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sampan.kinds.workflows.resolve import references
from sampan.kube.errors import Problem, forbidden

NOT_YET = "not supported by Sampan yet"

SPEC = frozenset({"resourceClaims"})
TEMPLATE = frozenset({"resourceClaims"})
CHILD = frozenset[str]()
"""Fields of a step or a task."""


def refused(spec: Mapping[str, Any], path: str = "spec") -> Iterator[Problem]:
    """The fields of a workflow's spec that ask for something which is not supported."""
    yield from _asked(spec, SPEC, path)
    for index, template in enumerate(spec.get("templates") or ()):
        yield from _template(template, f"{path}.templates[{index}]")
    yield from _template(spec.get("templateDefaults") or {}, f"{path}.templateDefaults")


def _template(template: Mapping[str, Any], path: str) -> Iterator[Problem]:
    yield from _asked(template, TEMPLATE, path)
    for place, child in references.placed(template):
        yield from _asked(child, CHILD, f"{path}.{place}")
        if child.get("inline"):
            yield from _template(child["inline"], f"{path}.{place}.inline")


def _asked(body: Mapping[str, Any], fields: Collection[str], path: str) -> Iterator[Problem]:
    for field in body:
        if field in fields and body[field] not in (None, False, "", {}, []):
            yield forbidden(f"{path}.{field}", NOT_YET)
