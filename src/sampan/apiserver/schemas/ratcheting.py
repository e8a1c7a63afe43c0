"""Ratcheting: what an update leaves alone is not held against it.

A definition may become stricter while there are objects. Their status, and other fields, can still
be written: a problem counts only if the value that it is about has changed. Values are matched by
the names of fields; within a list, only when the whole list is as it was.
Upstream: k8s.io/apiextensions-apiserver pkg/apiserver/validation/ratcheting.go.
"""

from __future__ import annotations

import re
from typing import Any

from sampan.kube.errors import Problem
from sampan.kube.keys import Manifest

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_ABSENT: Any = object()


def counting(problems: list[Problem], new: Manifest, old: Manifest) -> list[Problem]:
    """The problems that the update from `old` to `new` has to answer for."""
    return [problem for problem in problems if not _left_alone(problem, new, old)]


def _left_alone(problem: Problem, new: Any, old: Any) -> bool:
    if problem.field == "<nil>":
        return False
    steps = [match.groups() for match in _STEP.finditer(problem.field)]
    if problem.reason == "FieldValueRequired":
        steps.pop()  # what is missing is missing from something, and that must be as it was
    for name, index in steps:
        if index is not None:
            return bool(new == old)
        new, old = _at(new, name), _at(old, name)
        if new is _ABSENT or old is _ABSENT:
            return False
    return bool(steps) and bool(new == old)


def _at(value: Any, name: str) -> Any:
    return value.get(name, _ABSENT) if value.__class__ is dict else _ABSENT
