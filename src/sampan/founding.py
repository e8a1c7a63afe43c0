"""What every cluster begins with: its namespaces, roles, storage class, and the first user's home.

Applied at each start, so what an upgrade adds appears, and a field that somebody else has changed
without taking it over comes back. Only data: who applies it, and when, is `app.py`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.auth import roles
from sampan.kube import names, nets
from sampan.kube.keys import Manifest

NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")
STORE_PORT = 9000
MANAGER_PORT = 6789
_NONE: Mapping[str, str] = {}
_EXPERIMENTS = {names.LABEL_COLLECTS_METRICS: "enabled"}
"""Where upstream's examples and users put theirs."""
HIGHEST_PRIORITY = 2_000_000_000  # as upstream: above all that users may set


def objects(*, authority: str, volumes: str, user: str) -> tuple[Manifest, ...]:
    """In order of use. `authority` is the CA in PEM, `volumes` the directory for claims, `user` the
    name of the first user, who owns a namespace."""
    return (
        _namespace("default", _EXPERIMENTS),
        *(_namespace(name) for name in NAMESPACES),
        _namespace(names.PLATFORM_NAMESPACE, _EXPERIMENTS),
        _authority(authority),
        _api_service(),
        *roles.objects(),
        _storage_class(volumes),
        _priority("system-node-critical", HIGHEST_PRIORITY + 1000),
        _priority("system-cluster-critical", HIGHEST_PRIORITY),
        _namespace(names.DEFAULT_USER_NAMESPACE, _EXPERIMENTS),
        _owner(user),
    )


def _namespace(name: str, labels: Mapping[str, str] = _NONE) -> Manifest:
    metadata = {"name": name, **({"labels": dict(labels)} if labels else {})}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _authority(pem: str) -> Manifest:
    """Where the controller of namespaces finds the CA that it copies into each of them."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": names.ROOT_CA, "namespace": names.SYSTEM_NAMESPACE},
        "data": {"ca.crt": pem},
    }


def _api_service() -> Manifest:
    """By this name clients inside pods look for the API; the certificate has it."""
    labels = {"component": "apiserver", "provider": "kubernetes"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": labels},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": nets.API,
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
        },
    }


def api_endpoints(port: int) -> tuple[Manifest, ...]:
    """Where the API service leads to: its port of the node, as pods see that. For a cluster whose
    pods have a network of their own."""
    return _endpoints("default", "kubernetes", {"name": "https", "port": port})


def store_service() -> Manifest:
    """The local repository as an S3 server, by the name that upstream's has."""
    return _service(names.ARTIFACT_SERVICE, {"name": "http", "port": STORE_PORT})


def store_endpoints(port: int) -> tuple[Manifest, ...]:
    """As `api_endpoints`, of the S3 server."""
    about = {"name": "http", "port": port}
    return _endpoints(names.PLATFORM_NAMESPACE, names.ARTIFACT_SERVICE, about)


def manager_service() -> Manifest:
    """Where programs report the metrics of trials."""
    return _service(names.MANAGER_SERVICE, {"name": "api", "port": MANAGER_PORT})


def manager_endpoints(port: int) -> tuple[Manifest, ...]:
    return _endpoints(
        names.PLATFORM_NAMESPACE, names.MANAGER_SERVICE, {"name": "api", "port": port}
    )


def _service(name: str, port: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": names.PLATFORM_NAMESPACE},
        "spec": {"type": "ClusterIP", "ports": [{**port, "protocol": "TCP"}]},
    }


def _endpoints(namespace: str, name: str, port: dict[str, Any]) -> tuple[Manifest, ...]:
    where = {"name": name, "namespace": namespace}
    ports = [{**port, "protocol": "TCP"}]
    subset = {"addresses": [{"ip": nets.GATEWAY}], "ports": ports}
    labels = {names.LABEL_SERVICE_NAME: name}
    return (
        {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {**where, "labels": {names.LABEL_SKIP_MIRROR: "true"}},
            "subsets": [subset],
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**where, "labels": labels},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [nets.GATEWAY], "conditions": {"ready": True}}],
            "ports": ports,
        },
    )


def _storage_class(volumes: str) -> Manifest:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": names.DEFAULT_STORAGE_CLASS,
            "annotations": {names.ANNOTATION_DEFAULT_CLASS: "true"},
        },
        "provisioner": names.LOCAL_PROVISIONER,
        "parameters": {"path": volumes},
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
    }


def _priority(name: str, value: int) -> Manifest:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
    }


def _owner(user: str) -> Manifest:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "namespaceAdmin", "namespace": names.DEFAULT_USER_NAMESPACE},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
