"""Facts about Kubernetes' own kinds: which resources there are, and their schemas.

A kind's schema is compiled when first used. Short names and categories are not in upstream's
OpenAPI and are written here. Custom resources are not in here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from sampan.apiserver.schemas import core
from sampan.apiserver.schemas.schema import Schema


class Subresource(Struct, frozen=True):
    """`group`, `version` and `kind` are those of the body."""

    name: str
    group: str
    version: str
    kind: str
    verbs: tuple[str, ...]


class ResourceFact(Struct, frozen=True, kw_only=True):
    """A resource of one group version, as discovery tells it. Not stored: reviews and bindings,
    which can only be created."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    verbs: tuple[str, ...]
    subresources: tuple[Subresource, ...] = ()
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def stored(self) -> bool:
        return "get" in self.verbs


class Facts:
    """All that is known of one Kubernetes version."""

    def __init__(self) -> None:
        data = core.data()
        self.definitions: Mapping[str, core.Definition] = data["definitions"]
        self._names = {
            tuple(gvk): name
            for name, body in data["definitions"].items()
            for gvk in body.get("g", ())
        }
        self._all = tuple(_resource(fact) for fact in data["resources"])
        self._schemas: dict[tuple[str, str, str], Schema | None] = {}

    def resources(self) -> list[ResourceFact]:
        """Resources whose objects can be stored."""
        return [fact for fact in self._all if fact.stored]

    def reviews(self) -> list[ResourceFact]:
        """Resources that can only be created: reviews, and v1 bindings."""
        return [fact for fact in self._all if not fact.stored]

    def schema(self, group: str, version: str, kind: str) -> Schema | None:
        """The schema of one of Kubernetes' own kinds (also Scale, Eviction, …); None if unknown."""
        key = (group, version, kind)
        if key not in self._schemas:
            name = self._names.get(key)
            self._schemas[key] = Schema(name=name) if name else None
        return self._schemas[key]


@cache
def facts() -> Facts:
    """The facts, read once per process."""
    return Facts()


def _subresource(name: str, body: dict[str, Any]) -> Subresource:
    group, version, kind = body["gvk"]
    return Subresource(name, group, version, kind, tuple(body["verbs"]))


def _resource(fact: dict[str, Any]) -> ResourceFact:
    plural = fact["plural"]
    return ResourceFact(
        group=fact["group"],
        version=fact["version"],
        kind=fact["kind"],
        plural=plural,
        singular=fact["kind"].lower(),
        namespaced=fact["namespaced"],
        verbs=tuple(fact["verbs"]),
        subresources=tuple(_subresource(name, sub) for name, sub in fact["sub"].items()),
        short_names=_SHORT.get((fact["group"], plural), ()),
        categories=_CATEGORIES.get((fact["group"], plural), ()),
    )


_SHORT = {
    ("", "configmaps"): ("cm",), ("", "endpoints"): ("ep",), ("", "events"): ("ev",),
    ("", "limitranges"): ("limits",), ("", "namespaces"): ("ns",), ("", "nodes"): ("no",),
    ("", "persistentvolumeclaims"): ("pvc",), ("", "persistentvolumes"): ("pv",),
    ("", "pods"): ("po",), ("", "replicationcontrollers"): ("rc",),
    ("", "resourcequotas"): ("quota",), ("", "serviceaccounts"): ("sa",),
    ("", "services"): ("svc",),
    ("apps", "daemonsets"): ("ds",), ("apps", "deployments"): ("deploy",),
    ("apps", "replicasets"): ("rs",), ("apps", "statefulsets"): ("sts",),
    ("autoscaling", "horizontalpodautoscalers"): ("hpa",), ("batch", "cronjobs"): ("cj",),
    ("certificates.k8s.io", "certificatesigningrequests"): ("csr",),
    ("events.k8s.io", "events"): ("ev",), ("networking.k8s.io", "ingresses"): ("ing",),
    ("networking.k8s.io", "networkpolicies"): ("netpol",),
    ("networking.k8s.io", "ipaddresses"): ("ip",),
    ("policy", "poddisruptionbudgets"): ("pdb",), ("scheduling.k8s.io", "priorityclasses"): ("pc",),
    ("storage.k8s.io", "storageclasses"): ("sc",),
    ("storage.k8s.io", "volumeattributesclasses"): ("vac",),
    ("apiextensions.k8s.io", "customresourcedefinitions"): ("crd", "crds"),
}  # fmt: skip
_ALL = ("all",)
_CATEGORIES: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "pods"): _ALL, ("", "services"): _ALL, ("", "replicationcontrollers"): _ALL,
    ("apps", "daemonsets"): _ALL, ("apps", "deployments"): _ALL, ("apps", "replicasets"): _ALL,
    ("apps", "statefulsets"): _ALL, ("autoscaling", "horizontalpodautoscalers"): _ALL,
    ("batch", "cronjobs"): _ALL, ("batch", "jobs"): _ALL,
    ("apiextensions.k8s.io", "customresourcedefinitions"): ("api-extensions",),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"): ("api-extensions",),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"): ("api-extensions",),
    ("apiregistration.k8s.io", "apiservices"): ("api-extensions",),
}  # fmt: skip
