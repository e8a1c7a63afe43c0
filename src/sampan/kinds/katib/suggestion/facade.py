"""What upstream runs an algorithm with: a Deployment, a Service, and a claim where one is needed.

Nothing runs in the Deployment, which is available with no replica: the search is asked otherwise.
Clients that look for these objects, or for their absence afterwards, find what upstream has. Only
an algorithm of the operator's own (`settings`) is run here, and asked at the Service.
Upstream: pkg/controller.v1beta1/suggestion/composer/composer.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kinds.katib.suggestion.snapshot import Request
from sampan.kube import meta, names
from sampan.kube.conditions import is_true
from sampan.kube.katib import SUGGESTION_VOLUME
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Create, Delete

PORT = 6789
STOPPING_PORT = 6788
_NO_ISTIO = {"sidecar.istio.io/inject": "false"}
_OWN = ("algorithmName", "serviceAccountName", "volumeMountPath", "persistentVolumeClaimSpec",
        "persistentVolumeSpec", "persistentVolumeLabels")  # fmt: skip
"""Fields of an entry that are not its container's."""
_DATA = "/opt/katib/data"
NOBODY = "registry.k8s.io/pause:3.9"
"""The image of a Deployment without replicas: a template needs one."""
KINDS = (names.DEPLOYMENT, names.SERVICE, names.PERSISTENT_VOLUME_CLAIM)


def endpoint(namespace: str, name: str) -> str:
    """Where a service of the operator's own answers."""
    return f"{name}.{namespace}:{PORT}"


def made(request: Request) -> Iterator[Action]:
    """What is not there yet."""
    wanted = [_service(request), _deployment(request)]
    if request.has_claim:
        wanted.insert(0, _claim(request))
    for manifest in wanted:
        kind = {"Deployment": names.DEPLOYMENT}.get(manifest["kind"], manifest["kind"])
        if kind not in request.found:
            yield Create(manifest)


def removed(request: Request) -> Iterator[Action]:
    """Deployment and Service go with the end; the claim stays until the Suggestion goes."""
    for kind in (names.DEPLOYMENT, names.SERVICE):
        found = request.found.get(kind)
        if found and not meta.deleting(found) and meta.is_owned_by(found, request.manifest):
            yield Delete(Key(kind, request.namespace, request.facade), meta.uid_of(found))


def is_ready(request: Request) -> bool:
    found = request.found.get(names.DEPLOYMENT)
    if found is None or meta.deleting(found):
        return False
    return is_true((found.get("status") or {}).get("conditions"), "Available")


def labels(request: Request) -> dict[str, str]:
    return {
        **(request.manifest["metadata"].get("labels") or {}),
        names.LABEL_SEARCHING: request.facade,
        names.LABEL_KATIB_EXPERIMENT: request.name,
        names.LABEL_SUGGESTION: request.name,
        **_NO_ISTIO,
    }


def _about(request: Request) -> dict[str, Any]:
    return {
        "name": request.facade,
        "namespace": request.namespace,
        "ownerReferences": [meta.controlled_by(request.manifest)],
    }


def _service(request: Request) -> Manifest:
    ports = [{"name": "suggestion-api", "port": PORT}]
    if (request.spec.get("earlyStopping") or {}).get("algorithmName"):
        ports.append({"name": "earlystop-api", "port": STOPPING_PORT})
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _about(request),
        "spec": {"selector": labels(request), "ports": ports, "type": "ClusterIP"},
    }


def _claim(request: Request) -> Manifest:
    assert request.service is not None
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": _about(request),
        "spec": request.service.claim,
    }


def _deployment(request: Request) -> Manifest:
    assert request.service is not None
    entry, worn = request.service.entry, labels(request)
    pod: dict[str, Any] = {"containers": [_container(request)]}
    if request.policy == "FromVolume":
        claim = {"persistentVolumeClaim": {"claimName": request.facade}}
        pod["volumes"] = [{"name": SUGGESTION_VOLUME, **claim}]
    if entry and entry.get("serviceAccountName"):
        pod["serviceAccountName"] = entry["serviceAccountName"]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            **_about(request),
            "labels": dict(request.manifest["metadata"].get("labels") or {}),
        },
        "spec": {
            "replicas": 1 if entry else 0,
            "selector": {"matchLabels": worn},
            "template": {"metadata": {"labels": worn}, "spec": pod},
        },
    }


def _container(request: Request) -> dict[str, Any]:
    assert request.service is not None
    entry = request.service.entry or {"image": NOBODY}
    given = {field: value for field, value in entry.items() if field not in _OWN}
    port = {"name": "suggestion-api", "containerPort": PORT}
    container = {"name": "suggestion", **given, "ports": [*(given.get("ports") or ()), port]}
    mounts = list(given.get("volumeMounts") or ())
    if request.policy == "FromVolume" and all(
        each.get("name") != SUGGESTION_VOLUME for each in mounts
    ):
        where = entry.get("volumeMountPath") or _DATA
        container["volumeMounts"] = [*mounts, {"name": SUGGESTION_VOLUME, "mountPath": where}]
    return container
