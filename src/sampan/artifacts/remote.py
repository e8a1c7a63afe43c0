"""The asking side of the process that moves artifacts to and from servers.

One process for each artifact: a request on its standard input, one line of JSON back. It ends when
its input is closed, which also happens when the asking program dies. Nothing is imported here that
knows a protocol.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

from sampan.artifacts.destination import destination
from sampan.artifacts.faults import KINDS, Fault, Refused
from sampan.artifacts.forms import type_of
from sampan.artifacts.request import Request, Verb
from sampan.kube import locations
from sampan.kube.locations import Location

Route = Callable[[str, int, str], str]
"""(host, port, namespace) -> the URL of an HTTP proxy that reaches the host as a pod of the
namespace does; "" when everybody can reach it."""

_KEPT = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY",
         "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")  # fmt: skip
_SDK = ("AWS_", "GOOGLE_", "AZURE_")
"""Of the environment: credentials of whoever runs this program are lent only to artifacts that ask
for them by `useSDKCreds` (or, for GCS, by naming no key, which means the same)."""
_MOST_SAID = 1 << 24  # bytes of an answer


class Remote:
    def __init__(self, root: Path, route: Route | None) -> None:
        self._tmp = root / ".tmp"
        self._route = route

    def load(self, artifact: Location, target: str, secrets: Any, namespace: str) -> None:
        self._do("load", artifact, target, secrets, namespace)

    def save(self, artifact: Location, source: Path, secrets: Any, namespace: str) -> None:
        self._do("save", artifact, str(source), secrets, namespace)

    def delete(self, artifact: Location, secrets: Any, namespace: str) -> None:
        self._do("delete", artifact, "", secrets, namespace)

    def keys(self, artifact: Location, secrets: Any, namespace: str) -> list[str]:
        return list(self._do("keys", artifact, "", secrets, namespace)["keys"])

    def open(self, artifact: Location, secrets: Any, namespace: str) -> tuple[IO[bytes], str]:
        """(file, its type). All of it has come before the first byte can be read."""
        with self._directory() as directory:
            path = f"{directory}/object"
            self._do("fetch", artifact, path, secrets, namespace)
            return open(path, "rb"), type_of(locations.key_of(artifact))  # it has no name any more

    def text(self, data: str) -> tuple[IO[bytes], str]:
        file = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
        file.write(data.encode())
        file.seek(0)
        return file, "text/plain"

    def _do(
        self, verb: Verb, artifact: Location, path: str, secrets: Any, namespace: str
    ) -> dict[str, Any]:
        with self._directory() as directory:
            request = Request(
                verb=verb, artifact=dict(artifact), path=path, scratch=directory,
                secrets=_values(artifact, secrets), proxy=self._proxy(artifact, namespace),
            )  # fmt: skip
            answer = _ask(request)
        if "failed" in answer:
            raise KINDS.get(answer.get("kind", ""), Fault)(answer["failed"])
        return answer

    def _proxy(self, artifact: Location, namespace: str) -> str:
        to = destination(artifact)
        return self._route(*to, namespace) if to and self._route else ""

    @contextmanager
    def _directory(self) -> Iterator[str]:
        self._tmp.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=self._tmp, ignore_cleanup_errors=True) as directory:
            yield directory


def _values(artifact: Location, secrets: Any) -> dict[str, str]:
    found = {}
    for name, key in locations.secrets(artifact):
        try:
            value = secrets(name, key)
        except KeyError as error:
            raise Refused(f'secret "{name}" with key "{key}" not found') from error
        found[f"{name}/{key}"] = base64.b64encode(value).decode()
    return found


def _ask(request: Request) -> dict[str, Any]:
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "sampan.artifacts.process"], env=_environment(request),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    with process, process.stdin, process.stdout:
        try:
            process.stdin.write(msgspec.json.encode(request) + b"\n")
            process.stdin.flush()
            said = process.stdout.read(_MOST_SAID)
            return dict(msgspec.json.decode(said))
        except (BrokenPipeError, msgspec.DecodeError):
            process.kill()
            return {"failed": "the process that moves artifacts ended before it was done"}


def _environment(request: Request) -> Mapping[str, str]:
    settings = request.artifact.get(locations.kind_of(request.artifact)) or {}
    lent = settings.get("useSDKCreds") or (
        "gcs" in request.artifact and not settings.get("serviceAccountKeySecret")
    )
    return {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or (lent and (name.startswith(_SDK) or name == "HOME"))
    }
