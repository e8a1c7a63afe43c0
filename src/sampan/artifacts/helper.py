"""The asking side of the process that transfers, packs and unpacks.

One process for each artifact: a request on its standard input, one line of JSON back. It ends when
its input is closed, which also happens when the asking program dies. Nothing is imported here that
knows a protocol or a format.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from sampan.artifacts import trees
from sampan.artifacts.faults import KINDS, Fault
from sampan.artifacts.forms import Form
from sampan.artifacts.request import Request, Verb
from sampan.kube import locations
from sampan.kube.locations import Location

_KEPT = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY",
         "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")  # fmt: skip
_SDK = ("AWS_", "GOOGLE_", "AZURE_")
"""Of the environment: credentials of whoever runs this program are lent only to artifacts that ask
for them by `useSDKCreds` (or, for GCS, by naming no key, which means the same)."""
_MOST_SAID = 1 << 24  # bytes of an answer
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Helper:
    """Starts the processes, below whose directory `root` each has a scratch of its own."""

    def __init__(self, root: Path) -> None:
        self._root = root / ".tmp"
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False
        self._lock = threading.Lock()

    def ask(
        self,
        verb: Verb,
        path: str,
        form: Form,
        *,
        artifact: Location = _NOTHING,
        source: str = "",
        secrets: Mapping[str, str] = _NOTHING,
        proxy: str = "",
    ) -> dict[str, Any]:
        """Carry out a request; what was found. Fault."""
        with self.scratch() as directory:
            request = Request(
                verb=verb, artifact=dict(artifact), path=path, scratch=directory, form=form,
                source=source, secrets=dict(secrets), proxy=proxy,
            )  # fmt: skip
            answer = self._answer(request)
        if "failed" in answer:
            raise KINDS.get(answer.get("kind", ""), Fault)(answer["failed"])
        return answer

    @contextmanager
    def scratch(self) -> Iterator[str]:
        """A directory that goes again."""
        self._root.mkdir(0o700, parents=True, exist_ok=True)
        made = tempfile.mkdtemp(dir=self._root)
        try:
            yield made
        finally:
            trees.remove(made)

    def sweep(self) -> None:
        """Remove what was left by those who could not do it themselves."""
        with suppress(FileNotFoundError):
            for name in os.listdir(self._root):
                trees.remove(os.path.join(self._root, name))

    def close(self) -> None:
        """End what goes on: whoever waits for it hears of a fault."""
        with self._lock:
            self._closed = True
            for process in self._running:
                _kill(process)

    def _answer(self, request: Request) -> dict[str, Any]:
        process = self._start(request)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with process, process.stdin, process.stdout:
                try:
                    process.stdin.write(msgspec.json.encode(request) + b"\n")
                    process.stdin.flush()
                    return dict(msgspec.json.decode(process.stdout.read(_MOST_SAID)))
                except (BrokenPipeError, msgspec.DecodeError):
                    _kill(process)
                    return {"failed": "the process that moves artifacts ended before it was done"}
        finally:
            with self._lock:
                self._running.discard(process)

    def _start(self, request: Request) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise Fault("artifacts are not moved any more: the program is being stopped")
            process = subprocess.Popen(
                [sys.executable, "-I", "-m", "sampan.artifacts.process"],
                env=_environment(request), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                start_new_session=True,
            )  # fmt: skip
            self._running.add(process)
        return process


def _kill(process: subprocess.Popen[bytes]) -> None:
    """With all that it has started."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


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
