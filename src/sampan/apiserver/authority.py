"""Authority: what the right to write an object does not say yet.

Who writes a role or binds one hands out rights, and may hand out only those that he has himself,
or for which somebody gave him the verbs `escalate` and `bind`. Who approves a certificate must have
the right to. Who creates an object by an apply
or a PUT needs the verb `create` as well.
Upstream: kubernetes pkg/registry/rbac/*/policybased, k8s.io/apiserver pkg/endpoints/handlers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from sampan.apiserver import signing
from sampan.apiserver.access import refused
from sampan.apiserver.backend import Backend
from sampan.apiserver.resources import Resource
from sampan.kube import grants, names
from sampan.kube.access import Attributes, Authorizer, User
from sampan.kube.keys import Key, Manifest

_ROLES = (names.ROLE, names.CLUSTER_ROLE)


class Authority(Struct, frozen=True):
    """Decides by what the authorizer says of users, and by the roles in the backend."""

    backend: Backend
    authorizer: Authorizer

    def may_create(self, resource: Resource, namespace: str, name: str, user: User) -> None:
        """Raise Forbidden unless the user may create this object."""
        asks = Attributes("create", resource.group, resource.plural, "", namespace, name)
        if not self.authorizer.allowed(user, asks):
            raise refused(user, asks)

    def may_grant(
        self, resource: Resource, new: Manifest, old: Manifest | None, user: User
    ) -> None:
        """Raise Forbidden when a role, a binding or a certificate gives more than the user may."""
        if resource.kind == names.SIGNING_REQUEST:
            self._may_sign(resource, new, old, user)
        if resource.group != names.GROUP_RBAC or names.GROUP_MASTERS in user.groups:
            return
        if resource.kind in _ROLES:
            self._may_write_role(resource, new, old, user)
        else:
            self._may_bind(resource, new, old, user)

    def _may_write_role(
        self, resource: Resource, new: Manifest, old: Manifest | None, user: User
    ) -> None:
        fields = ("rules", "aggregationRule")
        if old is not None and all((new.get(f) or None) == (old.get(f) or None) for f in fields):
            return
        if self._allowed(user, "escalate", resource.plural, new):
            return
        # What is aggregated may become anything, so that only who may all may ask for it.
        aggregated = bool(new.get("aggregationRule") or (old or {}).get("aggregationRule"))
        wanted = grants.EVERYTHING if aggregated else new.get("rules") or ()
        self._check(resource, new, wanted, user)

    def _may_bind(
        self, resource: Resource, new: Manifest, old: Manifest | None, user: User
    ) -> None:
        fields = ("roleRef", "subjects")
        if old is not None and all((new.get(f) or None) == (old.get(f) or None) for f in fields):
            return
        ref = new["roleRef"]
        plural = "clusterroles" if ref["kind"] == "ClusterRole" else "roles"
        if self._allowed(user, "bind", plural, new, ref["name"]):
            return
        self._check(resource, new, self._rules(new, ref), user)

    def _may_sign(
        self, resource: Resource, new: Manifest, old: Manifest | None, user: User
    ) -> None:
        """Approving and signing are rights on the signer: on one, or on all of its domain."""
        signer = new["spec"]["signerName"]
        domain = signer.partition("/")[0]
        for verb in signing.decided(new, old):
            asks = [
                Attributes(verb, resource.group, "signers", name=name)
                for name in (signer, f"{domain}/*")
            ]
            if not any(self.authorizer.allowed(user, each) for each in asks):
                text = f'user not permitted to {verb} requests with signerName "{signer}"'
                raise resource.forbidden(new["metadata"]["name"], text)

    def _allowed(self, user: User, verb: str, plural: str, about: Manifest, name: str = "") -> bool:
        meta = about["metadata"]
        namespace = meta.get("namespace") or ""
        name = name or meta["name"]
        asks = Attributes(verb, names.GROUP_RBAC, plural, "", namespace, name)
        return self.authorizer.allowed(user, asks)

    def _rules(self, binding: Manifest, ref: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """The rules of the role that is bound. Raises NotFound."""
        clusterwide = ref["kind"] == "ClusterRole"
        kind = names.CLUSTER_ROLE if clusterwide else names.ROLE
        namespace = "" if clusterwide else binding["metadata"].get("namespace") or ""
        role = self.backend.view.get(Key(kind, namespace, ref["name"]))
        if role is None:
            resource = self.backend.resources.stored(kind)
            assert resource is not None
            raise resource.not_found(ref["name"])
        return role.get("rules") or ()

    def _check(
        self, resource: Resource, about: Manifest, wanted: Iterable[grants.Rule], user: User
    ) -> None:
        meta = about["metadata"]
        held = self.authorizer.rules(user, meta.get("namespace") or "")
        missing = grants.missing(held, wanted)
        if missing:
            groups = " ".join(f'"{group}"' for group in user.groups)
            lines = "\n".join(grants.described(missing))
            raise resource.forbidden(
                meta["name"],
                f'user "{user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions'
                f" not currently held:\n{lines}",
            )
