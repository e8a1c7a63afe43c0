"""Artifacts on servers: what the helper process has to know for each, and the way there.

Each verb is one request to the helper (`helper`), with the values of the secrets that the location
names, and a proxy where only pods can reach the server. No server is spoken to from here.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from sampan.artifacts.destination import destination
from sampan.artifacts.digests import Digest
from sampan.artifacts.faults import Refused
from sampan.artifacts.forms import form, type_of
from sampan.artifacts.helper import Helper
from sampan.artifacts.request import Verb
from sampan.kube import locations
from sampan.kube.locations import Location

Route = Callable[[str, int, str], str]
"""(host, port, namespace) -> the URL of an HTTP proxy that reaches the host as a pod of the
namespace does; "" when everybody can reach it, `LOCAL_ENDPOINT` when it is the local repository."""


class Remote:
    def __init__(self, helper: Helper, route: Route | None) -> None:
        self._helper = helper
        self._route = route

    def load(self, artifact: Location, target: str, secrets: Any, namespace: str) -> None:
        self._do("load", artifact, target, secrets, namespace)

    def save(self, artifact: Location, source: Path, secrets: Any, namespace: str) -> None:
        self._do("save", artifact, str(source), secrets, namespace)

    def delete(self, artifact: Location, secrets: Any, namespace: str) -> None:
        self._do("delete", artifact, "", secrets, namespace)

    def keys(self, artifact: Location, secrets: Any, namespace: str) -> list[str]:
        return list(self._do("keys", artifact, "", secrets, namespace)["keys"])

    def digest(self, artifact: Location, secrets: Any, namespace: str) -> Digest:
        found = self._do("tag", artifact, "", secrets, namespace)
        return Digest(f"etag:{found['tag']}", int(found["size"]))

    def open(self, artifact: Location, secrets: Any, namespace: str) -> tuple[IO[bytes], str]:
        """(file, its type). All of it has come before the first byte can be read."""
        with self._helper.scratch() as directory:
            path = f"{directory}/object"
            self._do("fetch", artifact, path, secrets, namespace)
            return open(path, "rb"), type_of(locations.key_of(artifact))  # it has no name any more

    def _do(
        self, verb: Verb, artifact: Location, path: str, secrets: Any, namespace: str
    ) -> dict[str, Any]:
        return self._helper.ask(
            verb, path, form(artifact), artifact=artifact, secrets=_values(artifact, secrets),
            proxy=self.way(artifact, namespace),
        )  # fmt: skip

    def way(self, artifact: Location, namespace: str) -> str:
        """To the artifact's server, as `Route` says it."""
        to = destination(artifact)
        return self._route(*to, namespace) if to and self._route else ""


def _values(artifact: Location, secrets: Any) -> dict[str, str]:
    found = {}
    for name, key in locations.secrets(artifact):
        try:
            value = secrets(name, key)
        except KeyError as error:
            raise Refused(f'secret "{name}" with key "{key}" not found') from error
        found[f"{name}/{key}"] = base64.b64encode(value).decode()
    return found
