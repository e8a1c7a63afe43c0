"""Grants: which of the rights in RBAC rules somebody does not have himself. Pure.

Rules are broken down until each part has one verb and one resource (or path), so that a part is
covered by one rule of the owner or by none.
Upstream: k8s.io/component-helpers auth/rbac/validation, kubernetes pkg/registry/rbac/validation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

Rule = Mapping[str, Any]

EVERYTHING: Sequence[Rule] = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)
"""What cluster-admin has."""


class Right(Struct, frozen=True):
    """One verb on one resource (of one name, "" for all), or on one path."""

    verb: str
    group: str = ""
    resource: str = ""
    name: str = ""
    path: str = ""


def missing(held: Sequence[Rule], wanted: Iterable[Rule]) -> list[Right]:
    """The rights in `wanted` that no rule of `held` covers."""
    rights = (right for rule in wanted for right in _rights(rule))
    return [right for right in rights if not any(_covers(rule, right) for rule in held)]


def described(rights: Iterable[Right]) -> list[str]:
    """Rights as upstream shows them, one line each; verbs on the same resource share one."""
    verbs: dict[Right, list[str]] = {}
    for right in rights:
        alone = right.name or right.path
        about = Right(right.verb if alone else "", right.group, right.resource, right.name,
                      right.path)  # fmt: skip
        verbs.setdefault(about, []).append(right.verb)
    return sorted(_line(about, said) for about, said in verbs.items())


def _rights(rule: Rule) -> Iterator[Right]:
    verbs = rule.get("verbs") or ()
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in verbs:
                for name in rule.get("resourceNames") or ("",):
                    yield Right(verb, group, resource, name)
    for path in rule.get("nonResourceURLs") or ():
        for verb in verbs:
            yield Right(verb, path=path)


def _covers(rule: Rule, right: Right) -> bool:
    if not _has(rule.get("verbs"), right.verb):
        return False
    if right.path:
        return any(_path_covers(each, right.path) for each in rule.get("nonResourceURLs") or ())
    resources = rule.get("resources") or ()
    _, slash, subresource = right.resource.partition("/")
    names = rule.get("resourceNames") or ()
    return (
        _has(rule.get("apiGroups"), right.group)
        and (_has(resources, right.resource) or bool(slash and f"*/{subresource}" in resources))
        and (not names or right.name in names)
    )


def _has(values: Iterable[str] | None, wanted: str) -> bool:
    return any(value in ("*", wanted) for value in values or ())


def _path_covers(owned: str, path: str) -> bool:
    return owned == path or (owned.endswith("*") and path.startswith(owned.rstrip("*")))


def _line(about: Right, verbs: Sequence[str]) -> str:
    if about.path:
        parts = [f"NonResourceURLs:{_list(about.path)}"]
    else:
        parts = [f"APIGroups:{_list(about.group)}", f"Resources:{_list(about.resource)}"]
    if about.name:
        parts.append(f"ResourceNames:{_list(about.name)}")
    return "{" + ", ".join([*parts, f"Verbs:{_list(*verbs)}"]) + "}"


def _list(*values: str) -> str:
    return "[" + " ".join(f'"{value}"' for value in values) + "]"
