"""Checks that several kinds of workloads share. Wording is upstream's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sampan.kube import unenforced
from sampan.kube.errors import Problem, invalid
from sampan.kube.keys import Manifest


def warn(manifest: Manifest) -> list[str]:
    """What of the pods' template has no effect."""
    return unenforced.warnings(manifest["spec"]["template"]["spec"], "spec.template.spec")


def not_negative(
    body: dict[str, Any], fields: Iterable[str], path: str = "spec"
) -> Iterator[Problem]:
    for field in fields:
        if (value := body.get(field)) is not None and value < 0:
            yield invalid(f"{path}.{field}", value, "must be greater than or equal to 0")


def immutable(manifest: Manifest, old: Manifest | None, fields: Iterable[str]) -> Iterator[Problem]:
    """Fields of the spec that an update may not change."""
    for field in fields if old else ():
        now, before = manifest["spec"].get(field), (old or {})["spec"].get(field)
        if now != before:
            yield invalid(f"spec.{field}", now, "field is immutable")


def amount(value: Any, path: str) -> Iterator[Problem]:
    """Faults of a number of pods or a percentage of them."""
    if isinstance(value, int):
        if value < 0:
            yield invalid(path, value, "must be greater than or equal to 0")
    elif not value.endswith("%") or not value[:-1].isdecimal():
        fault = "a valid percent string must be a numeric string followed by an ending '%'"
        fault += " (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
        yield invalid(path, value, fault)
