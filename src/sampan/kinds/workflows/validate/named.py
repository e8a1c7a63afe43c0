"""Names and arguments: what parameters, artifacts, templates, steps and tasks may be called, and
what those that call have to give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sampan.kinds.workflows.language.arguments import text

_FIELD = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*")
_VALUE = re.compile(r"[-a-zA-Z0-9_]+")
_LONGEST = 128
_TAG = re.compile(r"\{\{[-a-zA-Z0-9]+(\.[-a-zA-Z0-9_]+)*\}\}")
_ANY_TAG = re.compile(r"\{\{.*?\}\}")

Named = Mapping[str, Any]


class Wrong(ValueError):
    """Something is wrong; the text is upstream's. core: it without the way there."""

    def __init__(self, message: str, core: str = "") -> None:
        super().__init__(message)
        self.core = core or message

    def within(self, where: str) -> Wrong:
        return Wrong(f"{where} {self}", self.core)


def is_tag(text: str) -> bool:
    """Whether there is a plain tag in it."""
    return _TAG.search(text) is not None


def field_fault(name: str) -> str:
    """What is wrong with the name of a template, a step or a task; "" for nothing. A tag in it may
    stand for anything that is right."""
    plain = _ANY_TAG.sub("x", name)
    faults = []
    if len(plain) > _LONGEST:
        faults.append(f"must be no more than {_LONGEST} bytes")
    if _FIELD.fullmatch(plain) is None:
        faults.append(
            "name must consist of alpha-numeric characters or '-', and must start with an"
            " alpha-numeric character (e.g. My-name1-2, 123-NAME)"
        )
    return ";".join(faults)


def value_fault(name: str) -> str:
    """The same for a parameter or an artifact."""
    if _VALUE.fullmatch(_ANY_TAG.sub("x", name)) is None:
        return (
            "Parameter/Artifact name must consist of alpha-numeric characters, '_' or '-' e.g."
            " my_param_1, MY-PARAM-1"
        )
    return ""


def unique(items: Iterable[Named], where: str, *, values: bool = False) -> None:
    """The names of a list: there, right, each once. Raises Wrong."""
    seen: set[str] = set()
    for index, item in enumerate(items):
        name = item.get("name") or ""
        if not name:
            raise Wrong(f"{where}[{index}].name is required")
        if fault := (value_fault if values else field_fault)(name):
            raise Wrong(f"{where}[{index}].name: '{name}' is invalid: {fault}")
        if name in seen:
            raise Wrong(f"{where}[{index}].name '{name}' is not unique")
        seen.add(name)


def located(artifact: Named) -> bool:
    """Whether an artifact says where it is, or at least by which key."""
    return any(artifact.get(place) for place in LOCATIONS)


LOCATIONS = (
    "artifactory", "azure", "gcs", "git", "hdfs", "http", "oss", "plugin", "raw", "s3",
)  # fmt: skip
_ELSEWHERE = ("path", "jsonPath", "parameter", "expression")


def arguments(given: Named | None, where: str, *, empty: bool) -> None:
    """Arguments have names and values. empty: the values may come later. Raises Wrong."""
    given = given or {}
    unique(given.get("parameters") or (), f"{where}parameters", values=True)
    unique(given.get("artifacts") or (), f"{where}artifacts", values=True)
    for parameter in given.get("parameters") or ():
        _parameter(parameter, where + parameter["name"], empty=empty)
    for artifact in given.get("artifacts") or ():
        at = where + artifact["name"]
        made = artifact.get("from"), artifact.get("fromExpression")
        if not any(made) and not located(artifact):
            raise Wrong(f"{at}.from, artifact location, or key is required")
        if all(made):
            raise Wrong(f"{at} shouldn't have both `from` and `fromExpression` in Artifact")


def _parameter(parameter: Named, at: str, *, empty: bool) -> None:
    value, source = parameter.get("value"), parameter.get("valueFrom")
    if source is None and value is None and not empty:
        raise Wrong(f"{at}.value or {at}.valueFrom is required")
    if source is not None:
        later = source.get("event") or source.get("supplied") is not None
        if not (later or source.get("configMapKeyRef")) or any(map(source.get, _ELSEWHERE)):
            raise Wrong(f"{at}.valueFrom only allows: default, configMapKeyRef and supplied")
    choices = parameter.get("enum")
    if choices is None:
        return
    if not choices:
        raise Wrong(f"{at}.enum should contain at least one value")
    if value is None:
        if not empty:
            raise Wrong(f"{at}.value is required")
    elif text(value) not in map(text, choices):
        raise Wrong(f"{at}.value should be present in {at}.enum list")
