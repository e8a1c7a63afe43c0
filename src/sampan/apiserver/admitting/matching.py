"""Whether a webhook or a policy concerns an attempt: rules, selectors, conditions in CEL.

Upstream: k8s.io/apiserver pkg/admission/plugin/webhook/predicates, pkg/admission/plugin/cel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from sampan.apiserver.attempts import Attempt
from sampan.apiserver.backend import Backend
from sampan.apiserver.expressions.authorizing import AUTHORIZER_TYPE, Asking
from sampan.apiserver.expressions.library import functions
from sampan.apiserver.resources import Resource
from sampan.kube import names
from sampan.kube.access import Attributes, Authorizer
from sampan.kube.keys import Key, Manifest
from sampan.kube.selectors import EVERYTHING, LabelSelector, from_selector
from sampan.lib.cel.environment import Budget, Environment, Program
from sampan.lib.cel.faults import EvaluationError
from sampan.lib.cel.types import DYN, Type

Rule = Mapping[str, Any]

VARIABLES: Mapping[str, Type] = {
    "object": DYN, "oldObject": DYN, "request": DYN, "namespaceObject": DYN,
    "authorizer": Type(AUTHORIZER_TYPE),
}  # fmt: skip


@cache
def environment(*more: str) -> Environment:
    """What conditions may use, and variables of no known type besides."""
    return Environment({**VARIABLES, **dict.fromkeys(more, DYN)}, functions())


# -- rules ------------------------------------------------------------------------------------


def chosen(
    rules: Iterable[Rule], attempt: Attempt, backend: Backend, *, equivalent: bool
) -> Resource | None:
    """The version of the resource in which the rules want the attempt; None if in none."""
    rules = list(rules)
    if any(_concerns(rule, attempt, attempt.resource) for rule in rules):
        return attempt.resource
    if equivalent:
        for other in backend.resources.versions(attempt.resource.kind):
            if other is not attempt.resource and any(_concerns(r, attempt, other) for r in rules):
                return other
    return None


def _concerns(rule: Rule, attempt: Attempt, resource: Resource) -> bool:
    named = rule.get("resourceNames") or ()
    return (
        _in(rule.get("operations"), attempt.operation)
        and _in(rule.get("apiGroups"), resource.group)
        and _in(rule.get("apiVersions"), resource.version)
        and _scope(rule.get("scope"), resource)
        and any(_is(text, resource.plural, attempt.subresource) for text in rule["resources"])
        and (not named or attempt.name in named)
    )


def _in(wanted: Iterable[str] | None, value: str) -> bool:
    return any(one in ("*", value) for one in wanted or ())


def _scope(scope: str | None, resource: Resource) -> bool:
    return scope in (None, "", "*") or (scope == "Namespaced") == resource.namespaced


def _is(text: str, plural: str, subresource: str) -> bool:
    """`pods`, `pods/status`, `pods/*`, `*/scale`, `*/*`; `*` alone is no subresource."""
    wanted, _, part = text.partition("/")
    return wanted in ("*", plural) and part in (("*", subresource) if "/" in text else ("",)) and (
        "/" in text or not subresource
    )  # fmt: skip


# -- selectors --------------------------------------------------------------------------------


class Selectors(Struct, frozen=True):
    namespaces: LabelSelector = EVERYTHING
    objects: LabelSelector = EVERYTHING

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Selectors:
        return cls(
            from_selector(spec.get("namespaceSelector") or {}),
            from_selector(spec.get("objectSelector") or {}),
        )

    def match(self, attempt: Attempt, backend: Backend) -> bool:
        if not self.namespaces.empty and not self._namespace(attempt, backend):
            return False
        if self.objects.empty:
            return True
        candidates = [found for found in (attempt.object, attempt.old) if found]
        return any(self.objects.matches(_labels(found)) for found in candidates)

    def _namespace(self, attempt: Attempt, backend: Backend) -> bool:
        """Objects of the whole cluster are in no namespace, and always match."""
        found = namespace_of(attempt, backend)
        return found is None or self.namespaces.matches(_labels(found))


def namespace_of(attempt: Attempt, backend: Backend) -> Manifest | None:
    """The namespace that an attempt is made in; a Namespace is in itself."""
    if attempt.resource.kind == names.NAMESPACE:
        return attempt.object or attempt.old
    if not attempt.resource.namespaced:
        return None
    return backend.view.get(Key(names.NAMESPACE, "", attempt.namespace)) or {}


def _labels(manifest: Manifest) -> Mapping[str, str]:
    return (manifest.get("metadata") or {}).get("labels") or {}


# -- conditions -------------------------------------------------------------------------------


class Condition(Struct, frozen=True):
    name: str
    program: Program


def conditions(given: Iterable[Mapping[str, Any]] | None, *more: str) -> tuple[Condition, ...]:
    """Raises CompileError."""
    return tuple(
        Condition(one["name"], environment(*more).compile(one["expression"])) for one in given or ()
    )


def all_hold(
    tests: Iterable[Condition], variables: Mapping[str, Any], budget: Budget
) -> tuple[bool, str]:
    """Whether all conditions hold, and what went wrong with one. One that does not hold outweighs
    errors of the others."""
    fault = ""
    for test in tests:
        try:
            if test.program.run(variables, budget) is not True:
                return False, ""
        except EvaluationError as error:
            fault = fault or f"{test.name}: {error}"
    return not fault, fault


def variables(
    attempt: Attempt, request: Mapping[str, Any], backend: Backend, authorizer: Authorizer
) -> dict[str, Any]:
    """What a condition or a policy may ask of an attempt."""
    asking = Asking(authorizer, attempt.call.user, Attributes(""))
    return {
        "object": attempt.object,
        "oldObject": attempt.old,
        "request": request,
        "namespaceObject": namespace_of(attempt, backend),
        "authorizer": asking,
    }
