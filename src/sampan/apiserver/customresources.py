"""CustomResourceDefinitions: admission, status, and keeping what is served in step with them.

Names are accepted and the definition is established in the write that creates it, so a client that
has its answer can use the kind at once; a real server takes a moment. A definition that is deleted
first deletes its objects, then lets go of itself.
Upstream: k8s.io/apiextensions-apiserver pkg/controller/{status,establish,finalizer}.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import orjson

from sampan.apiserver import definitions
from sampan.apiserver.backend import Backend
from sampan.apiserver.calls import Call
from sampan.apiserver.delete import DeleteOptions, delete
from sampan.apiserver.establishing import holds, status_of, stored_problems
from sampan.apiserver.schemas import Schema, crd_problems
from sampan.apiserver.update import insist, replace
from sampan.kube import names
from sampan.kube.component import Rules
from sampan.kube.errors import ApiStatus, NotFound, Problem, invalid
from sampan.kube.keys import Key, Manifest
from sampan.lib.later import later
from sampan.store.records import Event, Record

_log = logging.getLogger(__name__)


class Definitions:
    """Keeps the served resources in step with the stored definitions."""

    def __init__(self, backend: Backend, changed: Callable[[str], None]) -> None:
        """`changed(kind)` is called when a kind is served differently, or no more."""
        self._backend = backend
        self._changed = changed
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._served: dict[str, tuple[bytes, bool]] = {}
        self.rules = Rules(default=definitions.fill, prepare=self._prepare, validate=self._validate)
        self._stop: Callable[[], None] | None = None

    def start(self) -> None:
        """Serve what is stored, and follow changes."""
        store = self._backend.store
        for record in store.records(names.CRD):
            self._serve(record)
        self._stop = store.subscribe(names.CRD, self._tell)

    async def close(self) -> None:
        if self._stop is not None:
            self._stop()
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    # -- serving ------------------------------------------------------------------------------

    def _tell(self, event: Event) -> None:
        if event.type == "DELETED":
            crd = self._backend.manifest(event.record)
            self._served.pop(crd["metadata"]["name"], None)
            self._backend.resources.remove(definitions.kind_of(crd))
            self._changed(definitions.kind_of(crd))
            self._reconsider(crd["spec"]["group"])
        else:
            self._serve(event.record)

    def _reconsider(self, group: str) -> None:
        """Names have become free: those that wait for them may have them."""
        for record in self._backend.store.records(names.CRD):
            crd = self._backend.manifest(record)
            if crd["spec"]["group"] == group and not holds(crd, "NamesAccepted"):
                self._do(record.key.name, self._write(record.key.name, lambda meta: None))

    def _do(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """In the background, one thing at a time for each definition."""
        if name in self._tasks:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name, None))

    def _serve(self, record: Record) -> None:
        crd = self._backend.manifest(record)
        name, kind = crd["metadata"]["name"], definitions.kind_of(crd)
        deleting = bool(crd["metadata"].get("deletionTimestamp"))
        served = (hashlib.sha256(orjson.dumps(crd["spec"])).digest(), deleting)
        if holds(crd, "Established") and self._served.get(name) != served:
            changed = name in self._served and self._served[name][0] != served[0]
            self._served[name] = served
            resources = list(definitions.resources_of(crd, record.data))
            self._backend.resources.remove(kind)
            for resource in resources:
                self._backend.resources.add(resource)
            if changed:
                self._changed(kind)
        if deleting:
            self._do(name, self._clear(name))

    async def _clear(self, name: str) -> None:
        """Delete all objects of the definition, wait until they are gone, let go of it."""
        key = Key(names.CRD, "", name)
        crd = self._backend.get(key)
        if crd is None:
            return
        kind, emptied = definitions.kind_of(crd), asyncio.Event()
        stop = self._backend.store.subscribe(kind, lambda _: emptied.set())
        try:
            while self._backend.store.count(kind):
                emptied.clear()
                await self._delete_all(kind)
                if self._backend.store.count(kind):
                    await emptied.wait()
            await self._let_go(name)
        except ApiStatus as error:
            _log.warning("the objects of %s could not be deleted: %s", name, error)
        finally:
            stop()

    async def _delete_all(self, kind: str) -> None:
        resource = self._backend.resources.stored(kind)
        if resource is None:
            return
        pending = [
            delete(
                self._backend, resource, record.key.namespace, record.key.name, DeleteOptions(),
                Call(),
            )
            for record in self._backend.store.records(kind)
            if not self._backend.manifest(record)["metadata"].get("deletionTimestamp")
        ]  # fmt: skip
        for result in await asyncio.gather(*pending, return_exceptions=True):
            if isinstance(result, BaseException) and not isinstance(result, NotFound):
                raise result

    async def _let_go(self, name: str) -> None:
        def without(meta: dict[str, Any]) -> None:
            held = meta.get("finalizers") or []
            meta["finalizers"] = [f for f in held if f != names.FINALIZER_CRD]

        await self._write(name, without)

    async def _write(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the metadata of a definition, whose status is then looked at anew."""
        resource = self._backend.resources.stored(names.CRD)
        assert resource is not None

        async def write() -> None:
            record, old = self._backend.newest(resource, "", name)
            new = orjson.loads(orjson.dumps(old))
            change(new["metadata"])
            await replace(self._backend, resource, record, old, new, Call(), admitted=True)

        with contextlib.suppress(NotFound):
            await insist(write)

    # -- admission ----------------------------------------------------------------------------

    def _prepare(self, crd: Manifest, old: Manifest | None) -> None:
        """Finalizer and status: what a real server's controllers write a moment later."""
        if old is None:
            held = crd["metadata"].setdefault("finalizers", [])
            if names.FINALIZER_CRD not in held:
                held.append(names.FINALIZER_CRD)
        spec = crd.get("spec")
        if not isinstance(spec, dict) or not spec.get("names") or not spec.get("versions"):
            return
        crd["status"] = status_of(crd, old, self._clash(crd), self._backend.now())

    def _clash(self, crd: Manifest) -> tuple[str, str] | None:
        """Another resource of the group that has one of the names: (reason, message)."""
        spec = crd["spec"]
        mine = spec["names"]
        words = {mine.get("plural"), mine.get("singular"), *(mine.get("shortNames") or ())}
        for other in self._backend.resources:
            custom = other.custom and other.custom.definition
            if other.group != spec.get("group") or custom == crd["metadata"].get("name"):
                continue
            taken = {other.plural, other.singular, *other.short_names}
            if both := sorted(words & taken - {None}):
                return "PluralConflict", f'"{both[0]}" is already in use'
            if mine.get("kind") in (other.object_kind, other.list_kind):
                return "KindConflict", f'"{mine["kind"]}" is already in use'
        return None

    def _validate(self, crd: Manifest, old: Manifest | None) -> list[Problem]:
        found = list(definitions.problems(crd))
        if not found:
            found = crd_problems(crd) or _rule_problems(crd, old) or list(stored_problems(crd))
        if old is not None and not found:
            for field in ("group", "scope"):
                if old["spec"].get(field) != crd["spec"].get(field):
                    found.append(invalid(f"spec.{field}", crd["spec"][field], "field is immutable"))
            if old["spec"]["names"]["kind"] != crd["spec"]["names"]["kind"]:
                text = "field is immutable"
                found.append(invalid("spec.names.kind", crd["spec"]["names"]["kind"], text))
        return found


def _rule_problems(crd: Manifest, old: Manifest | None) -> list[Problem]:
    """What is wrong with the CEL rules. CEL is not loaded for definitions that have none."""
    schemas = (
        (v.get("schema") or {}).get("openAPIV3Schema") or {} for v in crd["spec"]["versions"]
    )
    if not any(Schema.from_crd(schema).has_rules for schema in schemas):
        return []
    found: list[Problem] = later("sampan.apiserver.expressions.definitions").rule_problems(crd, old)
    return found
