"""Roles and bindings: the shape of rules, subjects and references.

Whether somebody may grant what a role says is decided where users are known, not here.
Upstream: kubernetes pkg/apis/rbac/{v1/defaults.go,validation}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kube import formats, names, selectors
from sampan.kube.component import Rules
from sampan.kube.errors import BadRequest, Problem, invalid, required, unsupported
from sampan.kube.keys import Manifest

_SUBJECTS = ("ServiceAccount", "User", "Group")


def validate_role(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    return _rules(manifest, namespaced=True)


def validate_cluster_role(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    return [*_rules(manifest, namespaced=False), *_aggregation(manifest.get("aggregationRule"))]


def _aggregation(rule: Mapping[str, Any] | None) -> Iterator[Problem]:
    if rule is None:
        return
    path, chosen = "aggregationRule.clusterRoleSelectors", rule.get("clusterRoleSelectors") or ()
    if not chosen:
        fault = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        yield required(path, fault)
    for index, selector in enumerate(chosen):
        try:
            selectors.from_selector(selector)
        except BadRequest as error:
            yield invalid(f"{path}[{index}]", selector, error.message)


def _rules(manifest: Manifest, *, namespaced: bool) -> list[Problem]:
    return [
        problem
        for index, rule in enumerate(manifest.get("rules") or ())
        for problem in _rule(rule, f"rules[{index}]", namespaced)
    ]


def _rule(rule: Mapping[str, Any], path: str, namespaced: bool) -> Iterator[Problem]:
    if not rule.get("verbs"):
        yield required(f"{path}.verbs", "verbs must contain at least one value")
    urls = rule.get("nonResourceURLs")
    if urls:
        if namespaced:
            fault = "namespaced rules cannot apply to non-resource URLs"
            yield invalid(f"{path}.nonResourceURLs", urls, fault)
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            fault = "rules cannot apply to both regular resources and non-resource URLs"
            yield invalid(f"{path}.nonResourceURLs", urls, fault)
        return
    if not rule.get("apiGroups"):
        fault = "resource rules must supply at least one api group"
        yield required(f"{path}.apiGroups", fault)
    if not rule.get("resources"):
        yield required(f"{path}.resources", "resource rules must supply at least one resource")


def default_binding(manifest: Manifest) -> None:
    reference = manifest.get("roleRef")
    if isinstance(reference, dict):
        reference.setdefault("apiGroup", names.GROUP_RBAC)
    for subject in manifest.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", names.GROUP_RBAC)
        if subject.get("apiGroup") == "" and subject.get("kind") == "ServiceAccount":
            del subject["apiGroup"]


def validate_binding(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    return _binding(manifest, old, ("ClusterRole", "Role"))


def validate_cluster_binding(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    return _binding(manifest, old, ("ClusterRole",))


def _binding(manifest: Manifest, old: Manifest | None, roles: tuple[str, ...]) -> list[Problem]:
    reference = manifest.get("roleRef") or {}
    found = []
    if reference.get("apiGroup") != names.GROUP_RBAC:
        group = reference.get("apiGroup") or ""
        found.append(unsupported("roleRef.apiGroup", group, (names.GROUP_RBAC,)))
    if reference.get("kind") not in roles:
        found.append(unsupported("roleRef.kind", reference.get("kind") or "", roles))
    if not reference.get("name"):
        found.append(required("roleRef.name"))
    for index, subject in enumerate(manifest.get("subjects") or ()):
        found += _subject(subject, f"subjects[{index}]")
    if old is not None and reference != old.get("roleRef"):
        found.append(invalid("roleRef", reference, "cannot change roleRef"))
    return found


def _subject(subject: Mapping[str, Any], path: str) -> Iterator[Problem]:
    kind, name = subject.get("kind") or "", subject.get("name") or ""
    if not name:
        yield required(f"{path}.name")
    if kind not in _SUBJECTS:
        yield unsupported(f"{path}.kind", kind, _SUBJECTS)
    elif kind == "ServiceAccount":
        if name and (fault := formats.dns_subdomain(name)):
            yield invalid(f"{path}.name", name, fault)
        if not subject.get("namespace"):
            yield required(f"{path}.namespace")
    elif subject.get("apiGroup") != names.GROUP_RBAC:
        group = subject.get("apiGroup") or ""
        yield unsupported(f"{path}.apiGroup", group, (names.GROUP_RBAC,))


ACCESS_RULES: Mapping[str, Rules] = {
    names.ROLE: Rules(validate=validate_role),
    names.CLUSTER_ROLE: Rules(validate=validate_cluster_role),
    names.ROLE_BINDING: Rules(default=default_binding, validate=validate_binding),
    names.CLUSTER_ROLE_BINDING: Rules(default=default_binding, validate=validate_cluster_binding),
}
