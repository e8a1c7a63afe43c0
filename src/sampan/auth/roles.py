"""The roles and bindings that every cluster starts with.

`cluster-admin`, `admin`, `edit`, `view` are what Kubernetes users expect by these names. Discovery
and self-reviews are open to whoever is logged in, version and health to everybody. Upstream lists
each built-in resource; here `view` and `edit` are derived from the groups that hold users' objects.
"""

from __future__ import annotations

from typing import Any

from sampan.kube import names
from sampan.kube.keys import Manifest

API_VERSION = "rbac.authorization.k8s.io/v1"
READ = ["get", "list", "watch"]
WRITE = ["create", "update", "patch", "delete", "deletecollection"]
USER_GROUPS = ["apps", "batch", "autoscaling", "policy", "networking.k8s.io", names.ARGO_GROUP]
CORE_READ = [
    "configmaps", "endpoints", "events", "limitranges", "namespaces", "namespaces/status",
    "persistentvolumeclaims", "persistentvolumeclaims/status", "pods", "pods/log", "pods/status",
    "replicationcontrollers", "resourcequotas", "serviceaccounts", "services", "services/status",
]  # fmt: skip
CORE_WRITE = [
    "configmaps", "events", "persistentvolumeclaims", "pods", "pods/attach", "pods/eviction",
    "pods/exec", "pods/portforward", "pods/proxy", "replicationcontrollers", "secrets",
    "serviceaccounts", "serviceaccounts/token", "services", "services/proxy",
]  # fmt: skip


def objects() -> tuple[Manifest, ...]:
    """ClusterRoles first, then the bindings that use them."""
    read = [
        _rule([""], CORE_READ, READ),
        _rule(USER_GROUPS, ["*"], READ),
        _rule(["metrics.k8s.io"], ["nodes", "pods"], READ),
    ]
    write = [
        _rule([""], CORE_WRITE, READ + WRITE),
        _rule(USER_GROUPS, ["*"], WRITE),
        _rule(["discovery.k8s.io"], ["endpointslices"], READ),
    ]
    govern = [
        _rule(["rbac.authorization.k8s.io"], ["roles", "rolebindings"], READ + WRITE),
        _rule(["authorization.k8s.io"], ["localsubjectaccessreviews"], ["create"]),
    ]
    reviews = ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
    return (
        _role("cluster-admin", _rule(["*"], ["*"], ["*"]), _paths(["*"], ["*"])),
        _role("admin", *read, *write, *govern),
        _role("edit", *read, *write),
        _role("view", *read),
        _role(
            "system:basic-user",
            _rule(["authorization.k8s.io"], reviews, ["create"]),
            _rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"]),
        ),
        _role(
            "system:discovery",
            _paths(["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"]),
            _paths(["/healthz", "/livez", "/readyz", "/version", "/version/"]),
        ),
        _role(
            "system:public-info-viewer",
            _paths(["/healthz", "/livez", "/readyz", "/version", "/version/"]),
        ),
        _role(
            "system:service-account-issuer-discovery",
            _paths(["/.well-known/openid-configuration", "/openid/v1/jwks"]),
        ),
        _bind("cluster-admin", names.GROUP_MASTERS),
        _bind("system:basic-user", names.GROUP_AUTHENTICATED),
        _bind("system:discovery", names.GROUP_AUTHENTICATED),
        _bind("system:public-info-viewer", names.GROUP_AUTHENTICATED, names.GROUP_UNAUTHENTICATED),
        _bind("system:service-account-issuer-discovery", names.GROUP_SERVICE_ACCOUNTS),
    )


def _rule(groups: list[str], resources: list[str], verbs: list[str]) -> dict[str, Any]:
    return {"apiGroups": groups, "resources": resources, "verbs": verbs}


def _paths(paths: list[str], verbs: list[str] | None = None) -> dict[str, Any]:
    return {"nonResourceURLs": paths, "verbs": verbs or ["get"]}


def _role(name: str, *rules: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": list(rules),
    }


def _bind(role: str, *groups: str) -> Manifest:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": API_VERSION,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": role},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "Group", "name": name} for name in groups],
    }
