"""What is wrong with a ValidatingAdmissionPolicy or its binding, and their defaults. Pure.

Upstream: k8s.io/kubernetes pkg/apis/admissionregistration/{v1,validation}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.apiserver.admitting import typing
from sampan.apiserver.admitting.definitions import (
    condition_problems,
    expression_problems,
    rule_problems,
    selector_problems,
)
from sampan.apiserver.admitting.matching import environment
from sampan.apiserver.resources import Resources
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, duplicate, forbidden, invalid, required, unsupported
from sampan.kube.keys import Manifest

_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
_ACTIONS = ("Audit", "Deny", "Warn")


def _default_policy(policy: Manifest) -> None:
    spec = policy.get("spec")
    if not isinstance(spec, dict):
        return
    spec.setdefault("failurePolicy", "Fail")
    _default_match(spec.get("matchConstraints"))


def _default_binding(binding: Manifest) -> None:
    spec = binding.get("spec")
    if isinstance(spec, dict):
        _default_match(spec.get("matchResources"))


def _default_match(match: dict[str, Any] | None) -> None:
    if match is None:
        return
    match.setdefault("matchPolicy", "Equivalent")
    match.setdefault("namespaceSelector", {})
    match.setdefault("objectSelector", {})
    for field in ("resourceRules", "excludeResourceRules"):
        for rule in match.get(field) or ():
            rule.setdefault("scope", "*")


def policy_rules(resources: Resources) -> Rules:
    """The admission rules of policies, whose types are checked against these resources."""

    def observe(policy: Manifest, old: Manifest | None) -> None:
        """What a real server's controller writes a moment later."""
        spec = policy.get("spec")
        if not isinstance(spec, dict) or (old is not None and old.get("spec") == spec):
            return
        generation = 1 if old is None else (old["metadata"].get("generation") or 1) + 1
        found = typing.warnings(spec, resources)
        checked = {"expressionWarnings": found} if found else {}
        policy["status"] = {"observedGeneration": generation, "typeChecking": checked}

    return Rules(default=_default_policy, prepare=observe, validate=_policy_problems)


def _policy_problems(policy: Manifest, old: Manifest | None) -> list[Problem]:
    return list(_policy(policy.get("spec") or {}))


def _policy(spec: Mapping[str, Any]) -> Iterator[Problem]:
    if spec.get("failurePolicy") not in ("Fail", "Ignore"):
        yield unsupported("spec.failurePolicy", spec.get("failurePolicy"), ("Fail", "Ignore"))
    kind = spec.get("paramKind")
    if kind is not None:
        missing = [field for field in ("apiVersion", "kind") if not kind.get(field)]
        yield from (required(f"spec.paramKind.{field}") for field in missing)
    match = spec.get("matchConstraints")
    if not match:
        yield required("spec.matchConstraints")
    else:
        if not match.get("resourceRules"):
            yield required("spec.matchConstraints.resourceRules")
        yield from _match(match, "spec.matchConstraints")
    yield from condition_problems(
        spec.get("matchConditions") or (), "spec", environment("params").compile
    )
    yield from _variables(spec.get("variables") or ())
    if spec.get("auditAnnotations"):
        text = "Sampan keeps no audit log that annotations could be written to"
        yield forbidden("spec.auditAnnotations", text)
    validations = spec.get("validations") or ()
    if not validations and not spec.get("auditAnnotations"):
        text = "validations or auditAnnotations must contain at least one item"
        yield required("spec.validations", text)
    for index, validation in enumerate(validations):
        yield from _validation(validation, f"spec.validations[{index}]")


def _validation(validation: Mapping[str, Any], at: str) -> Iterator[Problem]:
    compile = environment("params", "variables").compile
    yield from expression_problems(validation, f"{at}.expression", compile, ("bool",))
    if "messageExpression" in validation:
        yield from expression_problems(validation, f"{at}.messageExpression", compile, ("string",))
    if "\n" in (validation.get("message") or "").strip():
        yield invalid(f"{at}.message", validation["message"], "must not contain line breaks")
    reason = validation.get("reason")
    if reason and reason not in _REASONS:
        yield unsupported(f"{at}.reason", reason, _REASONS)


def _variables(variables: Any) -> Iterator[Problem]:
    compile = environment("params", "variables").compile
    names: set[str] = set()
    for index, variable in enumerate(variables):
        at, name = f"spec.variables[{index}]", variable.get("name") or ""
        if not name.isidentifier():
            yield invalid(f"{at}.name", name, "name is not a valid CEL identifier")
        if name in names:
            yield duplicate(f"{at}.name", name)
        names.add(name)
        yield from expression_problems(variable, f"{at}.expression", compile)


def _match(match: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for field in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(match.get(field) or ()):
            yield from rule_problems(rule, f"{path}.{field}[{index}]")
    if match.get("matchPolicy") not in ("Equivalent", "Exact"):
        yield unsupported(f"{path}.matchPolicy", match.get("matchPolicy"), ("Equivalent", "Exact"))
    yield from selector_problems(match, path)


def _binding_problems(binding: Manifest, old: Manifest | None) -> list[Problem]:
    return list(_binding(binding.get("spec") or {}))


def _binding(spec: Mapping[str, Any]) -> Iterator[Problem]:
    if not spec.get("policyName"):
        yield required("spec.policyName")
    ref = spec.get("paramRef")
    if ref is not None:
        if bool(ref.get("name")) == ("selector" in ref):
            text = "one of name or selector must be specified, and not both"
            yield required("spec.paramRef.name", text)
        action = ref.get("parameterNotFoundAction")
        if not action:
            yield required("spec.paramRef.parameterNotFoundAction")
        elif action not in ("Allow", "Deny"):
            field = "spec.paramRef.parameterNotFoundAction"
            yield unsupported(field, action, ("Deny", "Allow"))
    if match := spec.get("matchResources"):
        yield from _match(match, "spec.matchResources")
    yield from _actions(spec.get("validationActions") or ())


def _actions(actions: Any) -> Iterator[Problem]:
    field = "spec.validationActions"
    if not actions:
        yield required(field, "at least one validation action is required")
    for index, action in enumerate(actions):
        if action not in _ACTIONS:
            yield unsupported(f"{field}[{index}]", action, _ACTIONS)
        elif action in actions[:index]:
            yield duplicate(f"{field}[{index}]", action)
    if "Deny" in actions and "Warn" in actions:
        text = "must not contain both Deny and Warn (repeating the same validation failure"
        text += " information in the API response and headers serves no purpose)"
        yield invalid(field, list(actions), text)


BINDING_RULES = Rules(default=_default_binding, validate=_binding_problems)
