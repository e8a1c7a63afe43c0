"""Pod templates: what all makers of pods demand of a template and of the selector beside it.

`problems` looks at a template, `selector_problems` at a LabelSelector and whether it matches the
template, `digest` names a template in a few letters that are safe in names and labels.
Upstream: kubernetes pkg/apis/apps/validation, k8s.io/apimachinery pkg/apis/meta/v1/validation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from sampan.kube import formats, labels, podspec
from sampan.kube.errors import Problem, forbidden, invalid, required, unsupported

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels and no digits that look like them, so that no words come out."""
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def fill(template: dict[str, Any]) -> None:
    """Defaults of a pod template, in place."""
    template.setdefault("metadata", {})
    podspec.fill(template.setdefault("spec", {}))


def problems(template: dict[str, Any], path: str = "spec.template") -> list[Problem]:
    """What is wrong with a template that `fill` has completed."""
    meta = template.get("metadata") or {}
    found = list(label_problems(meta.get("labels"), f"{path}.metadata.labels"))
    found += _annotations(meta.get("annotations"), f"{path}.metadata.annotations")
    found += podspec.problems(template.get("spec") or {}, f"{path}.spec")
    if (template.get("spec") or {}).get("ephemeralContainers"):
        fault = "ephemeral containers not allowed in pod template"
        found.append(forbidden(f"{path}.spec.ephemeralContainers", fault))
    return found


def forever_problems(template: dict[str, Any], kind: str) -> Iterator[Problem]:
    """What a kind that keeps its pods running demands besides."""
    spec = template.get("spec") or {}
    policy = spec.get("restartPolicy", "Always")
    if policy != "Always" and policy in podspec.RESTART_POLICIES:
        yield unsupported("spec.template.spec.restartPolicy", policy, ("Always",))
    if spec.get("activeDeadlineSeconds") is not None:
        fault = f"activeDeadlineSeconds in {kind} is not Supported"
        yield forbidden("spec.template.spec.activeDeadlineSeconds", fault)


def label_problems(given: dict[str, str] | None, path: str) -> Iterator[Problem]:
    for key, value in (given or {}).items():
        if fault := formats.label_key(key):
            yield invalid(path, key, fault)
        if fault := formats.label_value(value):
            yield invalid(path, value, fault)


def _annotations(given: dict[str, str] | None, path: str) -> Iterator[Problem]:
    for key in given or ():
        if fault := formats.label_key(key.lower()):
            yield invalid(path, key, fault)


def selector_problems(
    selector: dict[str, Any] | None, template: dict[str, Any], kind: str
) -> Iterator[Problem]:
    """Faults of `spec.selector`, and of a template whose labels it does not match."""
    if selector is None:
        yield required("spec.selector")
        return
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield invalid("spec.selector", {}, f"empty selector is invalid for {kind}")
        return
    yield from label_selector_problems(selector, "spec.selector")
    given = (template.get("metadata") or {}).get("labels") or {}
    if not labels.matches(selector, given):
        fault = "`selector` does not match template `labels`"
        yield invalid("spec.template.metadata.labels", given, fault)


def label_selector_problems(selector: dict[str, Any], path: str) -> Iterator[Problem]:
    """Faults of a LabelSelector by itself."""
    yield from label_problems(selector.get("matchLabels"), f"{path}.matchLabels")
    for index, term in enumerate(selector.get("matchExpressions") or ()):
        at, operator = f"{path}.matchExpressions[{index}]", term.get("operator") or ""
        if operator not in _OPERATORS:
            yield invalid(f"{at}.operator", operator, "not a valid selector operator")
        elif operator in ("In", "NotIn") and not term.get("values"):
            fault = "must be specified when `operator` is 'In' or 'NotIn'"
            yield required(f"{at}.values", fault)
        elif operator in ("Exists", "DoesNotExist") and term.get("values"):
            fault = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            yield forbidden(f"{at}.values", fault)
        if fault_ := formats.label_key(term.get("key") or ""):
            yield invalid(f"{at}.key", term.get("key") or "", fault_)


def digest(*parts: Any, length: int = 10) -> str:
    """A short name for JSON values: equal for equal values, in letters safe for any name."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    number = int.from_bytes(sha256(text.encode()).digest()[:16], "big")
    found = []
    for _ in range(length):
        number, letter = divmod(number, len(_LETTERS))
        found.append(_LETTERS[letter])
    return "".join(found)
