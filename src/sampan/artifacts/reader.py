"""Artifacts of pipelines by their URIs: are they there, what is in them, what are they made of.

Which store a URI names is said by ConfigMap `kfp-launcher` of the namespace (`providers`); its
secrets are read where they are named. Everything here may wait, and is called from a thread;
several may at once. Who may read is decided before: this reads as the namespace does.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from sampan.artifacts.digests import Digest
from sampan.artifacts.faults import Refused
from sampan.artifacts.providers import Stores, stores
from sampan.artifacts.store import Artifacts, Opened, Secrets
from sampan.kube import names
from sampan.kube.keys import Manifest
from sampan.kube.launcher import CONFIG
from sampan.kube.locations import Location

Find = Callable[[str, str, str], Manifest | None]
"""(kind, namespace, name) -> the object as it was last seen; called from any thread."""


class Reader:
    def __init__(self, artifacts: Artifacts, find: Find) -> None:
        """`find` knows ConfigMaps and Secrets."""
        self._artifacts = artifacts
        self._find = find

    def exists(self, uri: str, *, namespace: str) -> bool:
        """Whether there is an object or a directory of objects. Fault when that cannot be known."""
        location, secrets = self._place(uri, namespace)
        return self._artifacts.exists(location, secrets, namespace=namespace)

    def open(self, uri: str, *, namespace: str) -> Opened:
        """A file as it is, a directory as a compressed tar; closed by the caller. NotThere,
        Fault."""
        location, secrets = self._place(uri, namespace)
        return self._artifacts.open(location, secrets, namespace=namespace)

    def open_at(self, location: Location, secrets: Secrets, *, namespace: str) -> Opened:
        """The same of what a workflow says where it lies, with the secrets that the caller has."""
        return self._artifacts.open(location, secrets, namespace=namespace)

    def digest(self, uri: str, *, namespace: str) -> Digest:
        """`sha256:…` of what is there, `etag:…` where a server knows; NotThere, Fault."""
        location, secrets = self._place(uri, namespace)
        return self._artifacts.digest(location, secrets, namespace=namespace)

    def root(self, namespace: str) -> str:
        """Where the namespace's pipelines keep artifacts that name no root. Fault."""
        return self.stores(namespace).root

    def stores(self, namespace: str) -> Stores:
        """What the namespace has configured. BadProviders."""
        found = self._find(names.CONFIG_MAP, namespace, CONFIG) or {}
        return stores(found.get("data") or {})

    def _place(self, uri: str, namespace: str) -> tuple[Location, Secrets]:
        return self.stores(namespace).location(uri), self.secrets(namespace)

    def secrets(self, namespace: str) -> Secrets:
        def value(name: str, key: str) -> bytes:
            found = self._find(names.SECRET, namespace, name) or {}
            data: dict[str, str] = found.get("data") or {}
            try:
                return base64.b64decode(data[key], validate=True)
            except (binascii.Error, ValueError) as error:
                raise Refused(f'secret "{name}" has no base64 at "{key}"') from error

        return value
