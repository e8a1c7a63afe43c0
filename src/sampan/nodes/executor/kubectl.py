"""kubectl's verbs on one object, as resource templates use them: what is asked, and of which path.

`apply` is a server-side apply that wins conflicts. Errors are in kubectl's words, as workflows show
them. Not a client of its own: no output, no lists, no config. Upstream: k8s.io/kubectl pkg/cmd.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from sampan.engine.discovery import Discovery, Resource
from sampan.kube.errors import ApiStatus, Conflict, Invalid, NotFound, TooManyRequests
from sampan.kube.keys import Key, Manifest, kind_of
from sampan.lib import yaml
from sampan.nodes.account import Api
from sampan.nodes.executor.flags import Flags
from sampan.nodes.executor.job import Failed

_PATCHES = {
    "strategic": "application/strategic-merge-patch+json",
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
}
_APPLY = "application/apply-patch+yaml"
_PROPAGATION = {
    "true": "Background", "background": "Background", "foreground": "Foreground",
    "orphan": "Orphan", "false": "Orphan",
}  # fmt: skip
_VALIDATION = {"true": "Strict", "strict": "Strict", "warn": "Warn", "false": "Ignore",
               "ignore": "Ignore"}  # fmt: skip
_PAUSES = (0.01, 0.05, 0.25)
_LOOK = 0.25


class Place(Struct, frozen=True):
    """An object of the API: where it is, and what it is called there."""

    resource: Resource
    version: str
    namespace: str
    name: str

    @property
    def key(self) -> Key:
        about = self.resource
        return Key(kind_of(about.api_version, about.kind), self.namespace, self.name)

    def path(self, subresource: str = "", **query: str) -> str:
        return self.resource.path(
            self.namespace, self.name, subresource, version=self.version, **query
        )

    def collection(self, **query: str) -> str:
        return self.resource.path(self.namespace, version=self.version, **query)


class Kubectl:
    """`file`: what the manifest is called in messages."""

    def __init__(self, api: Api, namespace: str, flags: Flags, file: str) -> None:
        self._api = api
        self._discovery = Discovery(api)
        self._namespace = flags.set.get("--namespace") or namespace
        self._flags = flags
        self._file = file

    # -- what is meant ----------------------------------------------------------------------------
    def documents(self, text: str) -> list[Manifest]:
        """The objects in a text. Raises Failed."""
        try:
            found = [each for each in yaml.load_all(text) if each is not None]
        except yaml.YamlError as error:
            raise Failed(f"error: error parsing {self._file}: {error}") from None
        for each in found:
            if not isinstance(each, dict):
                raise Failed(f"error: unable to decode {self._file!r}: no object")
            if not each.get("kind"):
                raise Failed(f"error: unable to decode \"{self._file}\": Object 'Kind' is missing")
        return found

    async def place_of(self, manifest: Manifest) -> Place:
        """Where an object of this kind and name lies. Raises Failed."""
        api_version, kind = str(manifest.get("apiVersion") or ""), str(manifest["kind"])
        about = manifest.get("metadata") or {}
        if not isinstance(about, dict):
            raise Failed(f'error: unable to decode "{self._file}": metadata is no object')
        name, namespace = str(about.get("name") or ""), str(about.get("namespace") or "")
        _, _, version = api_version.rpartition("/")
        try:
            found = await self._discovery.need(kind_of(api_version, kind))
            known = version in found.versions
        except NotFound:
            known = False
        if not known:
            raise Failed(
                f'error: resource mapping not found for name: "{name}" namespace: "{namespace}"'
                f' from "{self._file}": no matches for kind "{kind}" in version "{api_version}"\n'
                "ensure CRDs are installed first"
            )
        wanted = self._flags.set.get("--namespace")
        if wanted and namespace and wanted != namespace:
            raise Failed(
                f'error: the namespace from the provided object "{namespace}" does not match the'
                f" namespace \"{wanted}\". You must pass '--namespace={namespace}' to perform this"
                " operation."
            )
        where = (namespace or self._namespace) if found.namespaced else ""
        return Place(found, version, where, name)

    async def named(self, kind: str, name: str) -> Place:
        """Where the object lies that two words name. Raises Failed."""
        await self._discovery.refresh()
        word, _, group = kind.lower().partition(".")
        for each in self._discovery:
            words = {each.plural, each.singular, each.kind.lower(), *each.short}
            if word in words and group in ("", each.group, f"{each.version}.{each.group}"):
                where = self._namespace if each.namespaced else ""
                return Place(each, each.version, where, name)
        raise Failed(f'error: the server doesn\'t have a resource type "{kind}"')

    # -- verbs ------------------------------------------------------------------------------------
    async def get(self, place: Place) -> Manifest | None:
        try:
            return await self._ask("GET", place.path())
        except ApiStatus as error:
            if isinstance(error, NotFound) and self._flags.has("--ignore-not-found"):
                return None
            raise _said(error) from error

    async def create(self, place: Place, manifest: Manifest) -> Manifest:
        whole = _in_namespace(manifest, place)
        query = self._query(fieldManager="kubectl-create", fieldValidation=self._validation())
        try:
            return await self._ask("POST", place.collection(**query), whole)
        except ApiStatus as error:
            raise _said(error, f'error when creating "{self._file}": ') from error

    async def apply(self, place: Place, manifest: Manifest) -> Manifest:
        if not place.name:
            raise Failed("error: resource name may not be empty")
        whole = _in_namespace(manifest, place)
        forced = not self._flags.has("--server-side") or self._flags.has("--force-conflicts")
        query = self._query(
            fieldManager="kubectl", force=str(forced).lower(), fieldValidation=self._validation()
        )
        try:
            return await self._ask("PATCH", place.path(**query), whole, _APPLY)
        except ApiStatus as error:
            raise _said(error, f'error when applying "{self._file}": ') from error

    async def replace(self, place: Place, manifest: Manifest) -> Manifest:
        if self._flags.has("--force"):
            await self.delete(place)
            return await self.create(place, manifest)
        whole = _in_namespace(manifest, place)
        query = self._query(fieldManager="kubectl-replace", fieldValidation=self._validation())
        sub = self._flags.set.get("--subresource", "")
        try:
            if not whole["metadata"].get("resourceVersion"):
                live = await self._ask("GET", place.path())
                version = live["metadata"]["resourceVersion"]
                whole = {**whole, "metadata": {**whole["metadata"], "resourceVersion": version}}
            return await self._ask("PUT", place.path(sub, **query), whole)
        except ApiStatus as error:
            raise _said(error, f'error when replacing "{self._file}": ') from error

    async def patch(self, place: Place, patch: Any, strategy: str) -> Manifest:
        if strategy not in _PATCHES:
            known = "json, merge, strategic"
            raise Failed(f'error: --type must be one of [{known}], not "{strategy}"')
        query = self._query(fieldManager="kubectl-patch")
        sub = self._flags.set.get("--subresource", "")
        try:
            return await self._ask("PATCH", place.path(sub, **query), patch, _PATCHES[strategy])
        except ApiStatus as error:
            raise _said(error) from error

    async def delete(self, place: Place) -> None:
        """Returns when the object is gone, unless that is not to be waited for."""
        flags = self._flags
        how = flags.set.get("--cascade", "background")
        if how not in _PROPAGATION:
            known = '"background", "foreground", or "orphan"'
            raise Failed(f"error: invalid cascade value ({how}). Must be {known}")
        options: dict[str, Any] = {"propagationPolicy": _PROPAGATION[how]}
        grace = "1" if flags.has("--now") else flags.set.get("--grace-period", "")
        if flags.has("--force"):
            grace = "0"
        if grace.isdecimal():
            options["gracePeriodSeconds"] = int(grace)
        try:
            gone = await self._ask("DELETE", place.path(**self._query()), options)
            uid = (gone.get("details") or gone.get("metadata") or {}).get("uid")
            if flags.set.get("--wait") != "false" and not flags.has("--dry-run"):
                await self._gone(place, uid)
        except NotFound:
            return
        except ApiStatus as error:
            raise _said(error, f'error when deleting "{self._file}": ') from error

    async def _gone(self, place: Place, uid: str | None) -> None:
        """Returns when nothing is there any more, or something else. NotFound."""
        while True:
            live = await self._ask("GET", place.path())
            if uid and live["metadata"]["uid"] != uid:
                return
            await asyncio.sleep(_LOOK)

    # -- requests ---------------------------------------------------------------------------------
    def _query(self, **query: str) -> dict[str, str]:
        flags = self._flags.set
        if manager := flags.get("--field-manager"):
            query["fieldManager"] = manager
        dry = flags.get("--dry-run", "none")
        if dry not in ("none", "server", "client", "true", "unchanged"):
            known = '"none", "server", or "client"'
            raise Failed(f"error: Invalid dry-run value ({dry}). Must be {known}.")
        if dry in ("server", "client", "true"):
            query["dryRun"] = "All"
        return query

    def _validation(self) -> str:
        wish = self._flags.set.get("--validate", "strict").lower()
        if wish not in _VALIDATION:
            raise Failed(
                f'error: Invalid - validate option "{wish}"; must be one of: strict (or true),'
                " warn, ignore (or false)"
            )
        return _VALIDATION[wish]

    async def _ask(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> Manifest:
        """Once more, a little later, where the server could not answer just then."""
        for pause in _PAUSES:
            try:
                return await self._once(method, path, body, content_type)
            except ApiStatus as error:
                if not _is_transient(error):
                    raise
            await asyncio.sleep(pause)
        return await self._once(method, path, body, content_type)

    async def _once(self, method: str, path: str, body: Any, content_type: str) -> Manifest:
        found = await self._api.request(method, path, body, content_type=content_type)
        return found if isinstance(found, dict) else {}


def _is_transient(error: ApiStatus) -> bool:
    return error.code >= 500 or isinstance(error, TooManyRequests) or type(error) is Conflict


def _in_namespace(manifest: Manifest, place: Place) -> Manifest:
    about = dict(manifest.get("metadata") or {})
    if place.namespace:
        about["namespace"] = place.namespace
    return {**manifest, "metadata": about}


def _said(error: ApiStatus, doing: str = "") -> Failed:
    """As kubectl tells what the server said."""
    if isinstance(error, Invalid):
        return Failed(f"The {error.message[:1].upper()}{error.message[1:]}" if not error.details
                      else _invalid(error))  # fmt: skip
    return Failed(f"Error from server ({error.reason}): {doing}{error.message}")


def _invalid(error: Invalid) -> str:
    details: Mapping[str, Any] = error.details or {}
    about = f'The {details.get("kind", "object")} "{details.get("name", "")}" is invalid'
    causes: Sequence[Mapping[str, Any]] = details.get("causes") or ()
    said = [f"{each.get('field')}: {each.get('message')}" for each in causes]
    if len(said) == 1:
        return f"{about}: {said[0]}"
    return "\n".join([f"{about}: ", *(f"* {each}" for each in said)]) if said else about
