"""APIServices: which group versions are served here, and that others are not forwarded.

Those of the groups that this server serves itself are computed when they are read, as upstream
makes them by itself. One that somebody has written is stored; as no request is ever forwarded to
another API server, it is read as not available, with the reason. Watches see what is stored.
Upstream: kubernetes pkg/controlplane/apiserver/aggregator.go,
kube-aggregator pkg/controllers/autoregister.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from sampan.apiserver.backend import Backend
from sampan.kube.keys import Manifest

KIND = "APIService.apiregistration.k8s.io"
_LABELS = {"kube-aggregator.kubernetes.io/automanaged": "onstart"}
_LOCAL = ("True", "Local", "Local APIServices are always available")
_REMOTE = ("False", "NotForwarded", "this server forwards no requests to other API servers")
_CORE_PRIORITY, _GROUP_PRIORITY, _FIRST_VERSION = 18_000, 17_000, 15


class ApiServices:
    """Fulfils `backend.Computed`."""

    kinds = (KIND,)

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._since = backend.now()

    async def refresh(self) -> None:
        """There is nothing to wait for."""

    def manifests(self, kind: str, namespace: str) -> list[Manifest]:
        found = {each["metadata"]["name"]: each for each in self._local()}
        for record in self._backend.store.records(kind):
            found[record.key.name] = self._stored(self._backend.manifest(record))
        return [found[name] for name in sorted(found)]

    def _local(self) -> Iterator[Manifest]:
        for group, versions in self._backend.resources.groups().items():
            for rank, version in enumerate(versions):
                yield {
                    "apiVersion": "apiregistration.k8s.io/v1",
                    "kind": "APIService",
                    "metadata": self._meta(f"{version}.{group}"),
                    "spec": {
                        "group": group,
                        "version": version,
                        "groupPriorityMinimum": _GROUP_PRIORITY if group else _CORE_PRIORITY,
                        "versionPriority": max(1, _FIRST_VERSION - rank),
                    },
                    "status": {"conditions": [_available(_LOCAL, self._since)]},
                }

    def _meta(self, name: str) -> Manifest:
        """The uid is a function of the name, so that it is the same in every answer."""
        return {
            "name": name,
            "uid": str(uuid5(NAMESPACE_DNS, f"{name}.apiservices")),
            "resourceVersion": "1",
            "creationTimestamp": self._since,
            "labels": _LABELS,
        }

    def _stored(self, manifest: Manifest) -> Manifest:
        if not (manifest.get("spec") or {}).get("service"):
            return manifest
        condition = _available(_REMOTE, manifest["metadata"]["creationTimestamp"])
        return manifest | {"status": {"conditions": [condition]}}


def _available(verdict: tuple[str, str, str], since: str) -> dict[str, Any]:
    status, reason, message = verdict
    return {
        "type": "Available",
        "status": status,
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
    }
