"""Fields of an Experiment that nobody reads: mistyped most often, and told as a warning.

Upstream drops them without a word. What is handed on as it was written (the object of a trial, a
container) is looked at elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from msgspec import inspect

from sampan.kinds.katib.types import Spec
from sampan.kube.keys import Manifest

_MOST = 10
"""Warnings for one object."""


def warnings(experiment: Manifest) -> list[str]:
    found = _unread(experiment.get("spec"), _type(), "spec")
    return [f'unknown field "{at}"' for at, _ in zip(found, range(_MOST), strict=False)]


@cache
def _type() -> inspect.Type:
    return inspect.type_info(Spec)


def _unread(value: Any, type: inspect.Type, at: str) -> Iterator[str]:
    if isinstance(type, inspect.UnionType):
        some = [each for each in type.types if not isinstance(each, inspect.NoneType)]
        type = some[0]
    if isinstance(type, inspect.StructType) and isinstance(value, dict):
        known = {field.encode_name: field.type for field in type.fields}
        for name, each in value.items():
            if name in known:
                yield from _unread(each, known[name], f"{at}.{name}")
            else:
                yield f"{at}.{name}"
    elif isinstance(type, inspect.ListType) and isinstance(value, list):
        for place, each in enumerate(value):
            yield from _unread(each, type.item_type, f"{at}[{place}]")
