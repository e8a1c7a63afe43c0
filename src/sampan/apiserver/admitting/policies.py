"""ValidatingAdmissionPolicies: CEL that every matching write must satisfy, where a binding says so.

A binding names a policy, may narrow what it is for, hands it parameters, and says what becomes of a
violation: Deny, Warn, Audit (which is logged). A policy that goes wrong denies or is passed over,
as its failurePolicy says. Parameters are objects of any kind.
Upstream: k8s.io/apiserver pkg/admission/plugin/policy/validating.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from sampan.apiserver.admitting import matching, reviews
from sampan.apiserver.admitting.matching import Condition, Selectors
from sampan.apiserver.attempts import Attempt
from sampan.apiserver.backend import Backend
from sampan.kube.access import Authorizer
from sampan.kube.errors import ApiStatus, Forbidden, Invalid
from sampan.kube.keys import Key, Manifest
from sampan.kube.selectors import from_selector
from sampan.lib.cel.environment import Budget, Program
from sampan.lib.cel.faults import CelError, EvaluationError
from sampan.store.records import Event

_log = logging.getLogger(__name__)
_GROUP = "admissionregistration.k8s.io"
POLICY = f"ValidatingAdmissionPolicy.{_GROUP}"
BINDING = f"ValidatingAdmissionPolicyBinding.{_GROUP}"
_STEPS = 4_000_000  # of one policy on one attempt
_LONGEST_MESSAGE = 5 << 10
_CODES = {"Unauthorized": 401, "Forbidden": 403, "Invalid": 422, "RequestEntityTooLarge": 413}


class Match(Struct, frozen=True):
    """matchConstraints of a policy, or matchResources of a binding."""

    rules: tuple[Mapping[str, Any], ...]
    excluded: tuple[Mapping[str, Any], ...]
    selectors: Selectors
    equivalent: bool

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Match:
        return cls(
            tuple(spec.get("resourceRules") or ()),
            tuple(spec.get("excludeResourceRules") or ()),
            Selectors.of(spec),
            spec.get("matchPolicy", "Equivalent") == "Equivalent",
        )

    def holds(self, attempt: Attempt, backend: Backend, *, binding: bool = False) -> bool:
        """A binding without rules is for everything that its policy is for."""
        if not self.selectors.match(attempt, backend):
            return False
        if self.excluded and self._named(self.excluded, attempt, backend):
            return False
        return (binding and not self.rules) or self._named(self.rules, attempt, backend)

    def _named(
        self, rules: tuple[Mapping[str, Any], ...], attempt: Attempt, backend: Backend
    ) -> bool:
        return matching.chosen(rules, attempt, backend, equivalent=self.equivalent) is not None


class Validation(Struct, frozen=True):
    source: Mapping[str, Any]
    program: Program
    message: Program | None


class Policy(Struct, frozen=True):
    name: str
    match: Match
    conditions: tuple[Condition, ...]
    variables: tuple[Condition, ...]
    validations: tuple[Validation, ...]
    param_kind: Mapping[str, str]
    fails: bool


class Binding(Struct, frozen=True):
    name: str
    policy: str
    match: Match
    param: Mapping[str, Any]
    actions: tuple[str, ...]


def read_policy(manifest: Manifest) -> Policy:
    """Raises CompileError."""
    spec = manifest["spec"]
    compile = matching.environment("params", "variables").compile
    return Policy(
        manifest["metadata"]["name"],
        Match.of(spec.get("matchConstraints") or {}),
        matching.conditions(spec.get("matchConditions"), "params"),
        matching.conditions(spec.get("variables"), "params", "variables"),
        tuple(
            Validation(
                one,
                compile(one["expression"]),
                compile(one["messageExpression"]) if one.get("messageExpression") else None,
            )
            for one in spec.get("validations") or ()
        ),
        spec.get("paramKind") or {},
        spec.get("failurePolicy", "Fail") == "Fail",
    )


def read_binding(manifest: Manifest) -> Binding:
    spec = manifest["spec"]
    return Binding(
        manifest["metadata"]["name"],
        spec["policyName"],
        Match.of(spec.get("matchResources") or {}),
        spec.get("paramRef") or {},
        tuple(spec.get("validationActions") or ()),
    )


class Policies:
    """All policies and bindings there are. `changed` is called when they change."""

    def __init__(
        self, backend: Backend, authorizer: Authorizer, changed: Callable[[], None]
    ) -> None:
        self._backend = backend
        self._authorizer = authorizer
        self._changed = changed
        self._bound: list[tuple[Policy, Binding]] = []
        self._stops = [backend.store.subscribe(kind, self._heard) for kind in (POLICY, BINDING)]
        self._read()

    @property
    def any(self) -> bool:
        return bool(self._bound)

    def close(self) -> None:
        for stop in self._stops:
            stop()

    def _heard(self, event: Event) -> None:
        self._read()
        self._changed()

    def _read(self) -> None:
        policies = {found.name: found for found in self._all(POLICY, read_policy)}
        self._bound = [
            (policies[found.policy], found)
            for found in self._all(BINDING, read_binding)
            if found.policy in policies
        ]

    def _all(self, kind: str, read: Callable[[Manifest], Any]) -> Iterator[Any]:
        for record in self._backend.store.records(kind):
            try:
                yield read(self._backend.manifest(record))
            except (CelError, ApiStatus, KeyError, TypeError):
                _log.exception("%s cannot be read, and is not enforced", record.key)

    def judge(self, attempt: Attempt) -> None:
        """Raises ApiStatus for the first violation that a binding denies."""
        for policy, binding in self._bound:
            if policy.match.holds(attempt, self._backend) and binding.match.holds(
                attempt, self._backend, binding=True
            ):
                _Judgement(self._backend, self._authorizer, attempt, policy, binding).run()


class _Judgement(Struct, frozen=True):
    """One policy, by one binding, on one attempt."""

    backend: Backend
    authorizer: Authorizer
    attempt: Attempt
    policy: Policy
    binding: Binding

    def run(self) -> None:
        request = reviews.request_of(self.attempt, self.attempt.resource)
        variables = matching.variables(self.attempt, request, self.backend, self.authorizer)
        budget = Budget(_STEPS)
        try:
            params = self._params()
        except LookupError as error:
            self._wrong(str(error.args[0]))
            return
        for one in params:
            self._with(variables | {"params": one}, budget)

    def _with(self, variables: dict[str, Any], budget: Budget) -> None:
        holds, fault = matching.all_hold(self.policy.conditions, variables, budget)
        if fault:
            self._wrong(fault)
        if not holds:
            return
        known: dict[str, Any] = {}
        variables["variables"] = known
        faults: dict[str, EvaluationError] = {}
        for variable in self.policy.variables:
            try:
                known[variable.name] = variable.program.run(variables, budget)
            except EvaluationError as error:
                faults[variable.name] = error
        for validation in self.policy.validations:
            self._validate(validation, variables, budget, faults)

    def _validate(
        self,
        validation: Validation,
        variables: dict[str, Any],
        budget: Budget,
        faults: Mapping[str, EvaluationError],
    ) -> None:
        text = validation.source["expression"].strip()
        try:
            if validation.program.run(variables, budget) is True:
                return
        except EvaluationError as error:
            cause = next((fault for name, fault in faults.items() if name in str(error)), error)
            self._wrong(f"expression '{text}' resulted in error: {cause}")
            return
        self._violated(validation, self._message(validation, variables, budget, text))

    def _message(
        self, validation: Validation, variables: dict[str, Any], budget: Budget, text: str
    ) -> str:
        said = (validation.source.get("message") or "").strip() or f"failed expression: {text}"
        if validation.message is None:
            return said
        try:
            found = validation.message.run(variables, budget)
        except EvaluationError:
            return said
        if not isinstance(found, str) or not found.strip() or "\n" in found.strip():
            return said
        return found.strip() if len(found) <= _LONGEST_MESSAGE else said

    def _violated(self, validation: Validation, message: str) -> None:
        by = f"ValidatingAdmissionPolicy '{self.policy.name}' with binding '{self.binding.name}'"
        actions = self.binding.actions
        if "Audit" in actions:
            _log.info("%s is violated by %s: %s", by, self.attempt.name, message)
        if "Warn" in actions:
            self.attempt.call.warn(f"Validation failed for {by}: {message}")
        if "Deny" in actions:
            reason = validation.source.get("reason") or "Invalid"
            raise self._refusal(f"{by} denied request: {message}", reason)

    def _refusal(self, text: str, reason: str = "Invalid") -> ApiStatus:
        resource, name = self.attempt.resource, self.attempt.name
        message = f'{resource.label} "{name}" is forbidden: {text}'
        kind = Invalid if reason == "Invalid" else Forbidden
        error = kind(message, resource.details(name))
        error.code = _CODES.get(reason, 422)  # type: ignore[misc]
        error.reason = reason  # type: ignore[misc]
        cause = {"message": text}
        error.details = {**error.details, "causes": [cause]}
        return error

    def _wrong(self, text: str) -> None:
        """The policy itself went wrong. Raises ApiStatus unless it may."""
        if self.policy.fails:
            by = f"policy '{self.policy.name}' with binding '{self.binding.name}'"
            raise self._refusal(f"{by} denied request: {text}")

    # -- parameters ---------------------------------------------------------------------------

    def _params(self) -> list[Manifest | None]:
        """What `params` is, one after the other. Raises LookupError when there is none."""
        kind, ref = self.policy.param_kind, self.binding.param
        if not kind or not ref:
            return [None]
        found = self._found(kind, ref)
        if found:
            return list(found)
        if ref.get("parameterNotFoundAction") == "Allow":
            return []
        raise LookupError("no params found for policy binding with `Deny` parameterNotFoundAction")

    def _found(self, kind: Mapping[str, str], ref: Mapping[str, Any]) -> list[Manifest]:
        resource = self.backend.resources.of(kind.get("apiVersion", ""), kind.get("kind", ""))
        if resource is None:
            text = f"failed to find resource referenced by paramKind: '{kind.get('apiVersion')}"
            raise LookupError(f"{text}, Kind={kind.get('kind')}'")
        namespace = ""
        if resource.namespaced:
            namespace = ref.get("namespace") or self.attempt.namespace
            if not namespace:
                text = (
                    "cannot use namespaced paramRef in policy binding for a cluster-scoped resource"
                )
                raise LookupError(text)
        if ref.get("name"):
            found = self.backend.view.get(Key(resource.kind, namespace, ref["name"]))
            return [] if found is None else [found]
        selector = from_selector(ref.get("selector") or {})
        return [
            self.backend.manifest(record)
            for record in self.backend.store.records(resource.kind, namespace)
            if selector.matches(record.index.labels)
        ]
