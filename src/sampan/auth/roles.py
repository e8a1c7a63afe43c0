"""The roles and bindings that every cluster starts with.

`admin`, `edit` and `view` are aggregated: each has the rules of the ClusterRoles with its label,
and `edit` is a part of `admin` as `view` is of `edit`. So whoever defines a custom resource gives
its rights to all of them with one label. Discovery and self-reviews are open to whoever is logged
in, version and health to everybody. Roles of Kubernetes' own parts are left out.
Upstream: kubernetes plugin/pkg/auth/authorizer/rbac/bootstrappolicy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sampan.kube import names
from sampan.kube.keys import Manifest

API_VERSION = f"{names.GROUP_RBAC}/v1"
READ = ("get", "list", "watch")
WRITE = ("create", "delete", "deletecollection", "patch", "update")
_LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_ANNOTATIONS = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
_HEALTH = ("/healthz", "/livez", "/readyz", "/version", "/version/")
_DOCUMENTS = ("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*")

Rule = dict[str, Any]


def objects() -> tuple[Manifest, ...]:
    """ClusterRoles first, then the bindings that use them."""
    return (
        _role("cluster-admin", _rule(("*",), ("*",), ("*",)), _paths(("*",), "*")),
        *_aggregated(),
        *_of_users(),
        *_of_programs(),
        _bind("cluster-admin", names.GROUP_MASTERS),
        _bind("system:basic-user", names.GROUP_AUTHENTICATED),
        _bind("system:discovery", names.GROUP_AUTHENTICATED),
        _bind("system:public-info-viewer", names.GROUP_AUTHENTICATED, names.GROUP_UNAUTHENTICATED),
        _bind("system:monitoring", "system:monitoring"),
        _bind("system:service-account-issuer-discovery", names.GROUP_SERVICE_ACCOUNTS),
    )


def _aggregated() -> tuple[Manifest, ...]:
    """admin, edit and view, and the built-in part of each."""
    return (
        _role("admin", into="admin"),
        _role("edit", into="edit", part="admin"),
        _role("view", into="view", part="edit"),
        _role(
            "system:aggregate-to-admin",
            _rule(("authorization.k8s.io",), ("localsubjectaccessreviews",), ("create",)),
            _rule((names.GROUP_RBAC,), ("rolebindings", "roles"), (*READ, *WRITE)),
            part="admin",
        ),
        _role("system:aggregate-to-edit", *_edit(), part="edit"),
        _role("system:aggregate-to-view", *_view(), part="view"),
        _role(
            "system:aggregated-metrics-reader",
            _rule(("metrics.k8s.io",), ("nodes", "pods"), READ),
            part="view",
        ),
    )


def _view() -> tuple[Rule, ...]:
    """Everything that users work with, but nothing that lets one become somebody else: secrets
    hold tokens, so that they are not to be seen."""
    return (
        _rule(
            ("",),
            (
                "bindings", "configmaps", "endpoints", "events", "limitranges", "namespaces",
                "namespaces/status", "persistentvolumeclaims", "persistentvolumeclaims/status",
                "pods", "pods/log", "pods/status", "replicationcontrollers",
                "replicationcontrollers/scale", "replicationcontrollers/status", "resourcequotas",
                "resourcequotas/status", "serviceaccounts", "services", "services/status",
            ),
            READ,
        ),
        _rule(("discovery.k8s.io",), ("endpointslices",), READ),
        _rule(
            ("apps",),
            (
                "controllerrevisions", "daemonsets", "daemonsets/status", "deployments",
                "deployments/scale", "deployments/status", "replicasets", "replicasets/scale",
                "replicasets/status", "statefulsets", "statefulsets/scale", "statefulsets/status",
            ),
            READ,
        ),
        _rule(
            ("autoscaling",), ("horizontalpodautoscalers", "horizontalpodautoscalers/status"), READ
        ),
        _rule(("batch",), ("cronjobs", "cronjobs/status", "jobs", "jobs/status"), READ),
        _rule(("policy",), ("poddisruptionbudgets", "poddisruptionbudgets/status"), READ),
        _rule(
            ("networking.k8s.io",), ("ingresses", "ingresses/status", "networkpolicies"), READ
        ),
    )  # fmt: skip


def _edit() -> tuple[Rule, ...]:
    return (
        _rule(
            ("",),
            (
                "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets",
                "services/proxy",
            ),
            READ,
        ),
        _rule(("",), ("serviceaccounts",), ("impersonate",)),
        _rule(("",), ("pods/eviction",), ("create",)),
        _rule(
            ("",),
            (
                "configmaps", "events", "persistentvolumeclaims", "pods", "pods/attach",
                "pods/exec", "pods/portforward", "pods/proxy", "replicationcontrollers",
                "replicationcontrollers/scale", "secrets", "serviceaccounts", "services",
                "services/proxy",
            ),
            WRITE,
        ),
        _rule(("",), ("serviceaccounts/token",), ("create",)),
        _rule(
            ("apps",),
            (
                "daemonsets", "deployments", "deployments/rollback", "deployments/scale",
                "replicasets", "replicasets/scale", "statefulsets", "statefulsets/scale",
            ),
            WRITE,
        ),
        _rule(("autoscaling",), ("horizontalpodautoscalers",), WRITE),
        _rule(("batch",), ("cronjobs", "jobs"), WRITE),
        _rule(("policy",), ("poddisruptionbudgets",), WRITE),
        _rule(("networking.k8s.io",), ("ingresses", "networkpolicies"), WRITE),
        _rule(("coordination.k8s.io",), ("leases",), (*READ, *WRITE)),
    )  # fmt: skip


def _of_users() -> tuple[Manifest, ...]:
    reviews = ("selfsubjectaccessreviews", "selfsubjectrulesreviews")
    return (
        _role(
            "system:basic-user",
            _rule(("authorization.k8s.io",), reviews, ("create",)),
            _rule(("authentication.k8s.io",), ("selfsubjectreviews",), ("create",)),
        ),
        _role("system:discovery", _paths((*_DOCUMENTS, *_HEALTH))),
        _role("system:public-info-viewer", _paths(_HEALTH)),
    )


def _of_programs() -> tuple[Manifest, ...]:
    return (
        _role(
            "system:auth-delegator",
            _rule(("authentication.k8s.io",), ("tokenreviews",), ("create",)),
            _rule(("authorization.k8s.io",), ("subjectaccessreviews",), ("create",)),
        ),
        _role(
            "system:monitoring",
            _paths(("/healthz", "/healthz/*", "/livez", "/livez/*", "/metrics", "/metrics/slis",
                    "/readyz", "/readyz/*")),
        ),
        _role(
            "system:service-account-issuer-discovery",
            _paths(("/.well-known/openid-configuration", "/openid/v1/jwks")),
        ),
    )  # fmt: skip


def _rule(groups: Sequence[str], resources: Sequence[str], verbs: Sequence[str]) -> Rule:
    return {"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)}


def _paths(paths: Sequence[str], *verbs: str) -> Rule:
    return {"nonResourceURLs": list(paths), "verbs": list(verbs) or ["get"]}


def _role(name: str, *rules: Rule, into: str = "", part: str = "") -> Manifest:
    """`into`: it is made of the roles with this aggregation's label; `part`: it has that label."""
    role: Manifest = {
        "apiVersion": API_VERSION,
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": dict(_LABELS), "annotations": dict(_ANNOTATIONS)},
    }
    if part:
        role["metadata"]["labels"][names.LABEL_AGGREGATE_TO + part] = "true"
    if into:
        chosen = {"matchLabels": {names.LABEL_AGGREGATE_TO + into: "true"}}
        return role | {"aggregationRule": {"clusterRoleSelectors": [chosen]}}
    return role | {"rules": list(rules)}


def _bind(role: str, *groups: str) -> Manifest:
    group = names.GROUP_RBAC
    return {
        "apiVersion": API_VERSION,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": role, "labels": dict(_LABELS), "annotations": dict(_ANNOTATIONS)},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "Group", "name": name} for name in groups],
    }
