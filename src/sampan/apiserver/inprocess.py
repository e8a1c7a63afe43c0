"""InProcess: the API server as functions, for the controllers and pages of the same process.

Fulfils `sampan.engine.cluster.Api`. Reading shares the decoded manifests of the backend; writing
goes through the same verbs as a request over HTTP, as the user system:sampan, who may do all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sampan.apiserver import scale
from sampan.apiserver.backend import Backend
from sampan.apiserver.calls import Call
from sampan.apiserver.create import create
from sampan.apiserver.delete import delete, options
from sampan.apiserver.patch import PatchType, patch
from sampan.apiserver.posting import Posting
from sampan.apiserver.resources import Resource
from sampan.apiserver.update import update
from sampan.engine.cluster import Change
from sampan.kube.errors import NotFound
from sampan.kube.keys import Key, Manifest
from sampan.kube.selectors import EVERYTHING, LabelSelector
from sampan.store.records import Event


class InProcess:
    def __init__(self, backend: Backend, posting: Posting) -> None:
        self._backend = backend
        self._posting = posting

    # -- reading ------------------------------------------------------------------------------

    def get(self, key: Key) -> Manifest | None:
        return self._backend.get(key)

    def list(
        self, kind: str, namespace: str = "", selector: LabelSelector = EVERYTHING
    ) -> Sequence[Manifest]:
        """Labels are compared before anything is decoded."""
        manifest = self._backend.manifest
        found = self._backend.records(kind, namespace)
        if selector.empty:
            return [manifest(record) for record in found]
        test = selector.test
        return [manifest(record) for record in found if test(record.index.labels)]

    def owned(self, uid: str, kind: str = "", namespace: str = "") -> Sequence[Manifest]:
        """`kind` "" is every kind."""
        return [
            found
            for key in self._backend.store.owned(uid)
            if (not kind or key.kind == kind)
            and (not namespace or key.namespace == namespace)
            and (found := self._backend.get(key)) is not None
        ]

    def versions(self, uid: str, kind: str, namespace: str = "") -> Sequence[tuple[Key, int | str]]:
        """Nothing is decoded for this."""
        return [
            (record.key, record.revision)
            for record in self._backend.store.children(uid)
            if record.key.kind == kind and namespace in ("", record.key.namespace)
        ]

    def contents(self, namespace: str) -> Sequence[Manifest]:
        return self._backend.view.contents(namespace)

    def has_kind(self, kind: str) -> bool:
        return self._backend.resources.stored(kind) is not None

    def subscribe(self, kind: str, tell: Callable[[Change], None]) -> Callable[[], None]:
        store = self._backend.store

        def heard(event: Event) -> None:
            record = event.record
            tell(Change(event.type, record.key, self._backend.manifest(record)))

        for present in [kind] if kind != "*" else store.kinds():
            for record in store.records(present):
                tell(Change("ADDED", record.key, self._backend.manifest(record)))
        return store.subscribe(kind, heard)

    # -- writing ------------------------------------------------------------------------------

    async def create(self, manifest: Manifest, *, manager: str) -> Manifest:
        resource, namespace = self._of(manifest)
        return (await create(self._backend, resource, namespace, manifest, _call(manager))).manifest

    async def post(self, key: Key, subresource: str, manifest: Manifest) -> Manifest:
        resource = self._resource(key.kind)
        return await self._posting.subresource(resource, key, subresource, manifest, Call())

    async def replace(self, manifest: Manifest, *, subresource: str, manager: str) -> Manifest:
        resource, namespace = self._of(manifest)
        name = manifest["metadata"]["name"]
        call = _call(manager)
        if subresource == "scale":
            return await scale.write(self._backend, resource, namespace, name, manifest, call)
        stored, _ = await update(
            self._backend, resource, namespace, name, manifest, call, subresource=subresource
        )
        return stored.manifest

    async def patch(
        self, key: Key, patch: Any, *, type: PatchType, subresource: str, manager: str, force: bool
    ) -> Manifest:
        resource = self._resource(key.kind)
        if type == "apply" and isinstance(patch, dict):
            resource = self._of(patch)[0]
        call = _call(manager, force=force)
        if subresource == "scale":
            return await scale.patch(
                self._backend, resource, key.namespace, key.name, patch, call, type=type
            )
        stored, _ = await _patch(
            self._backend,
            resource,
            key.namespace,
            key.name,
            patch,
            call,
            type=type,
            subresource=subresource,
        )
        return stored.manifest

    async def delete(self, key: Key, options: Mapping[str, Any]) -> Manifest:
        resource = self._resource(key.kind)
        how = _options(options)
        stored = await delete(self._backend, resource, key.namespace, key.name, how, Call())
        return stored.manifest

    def _resource(self, kind: str) -> Resource:
        resource = self._backend.resources.stored(kind)
        if resource is None:
            raise NotFound(f"the cluster does not serve {kind}")
        return resource

    def _of(self, manifest: Manifest) -> tuple[Resource, str]:
        api_version, kind = manifest.get("apiVersion", ""), manifest.get("kind", "")
        resource = self._backend.resources.of(api_version, kind)
        if resource is None:
            raise NotFound(f'no matches for kind "{kind}" in version "{api_version}"')
        namespace = manifest.get("metadata", {}).get("namespace") or ""
        return resource, namespace if resource.namespaced else ""


_patch, _options = patch, options


def _call(manager: str, *, force: bool = False) -> Call:
    return Call(manager=manager, validation="Ignore", force=force)
