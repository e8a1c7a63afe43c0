"""The asking side of the process that transfers, packs and unpacks.

One process for each artifact: a request on its standard input, one line of JSON back. It ends when
its input is closed, which also happens when the asking program dies. Nothing is imported here that
knows a protocol or a format.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from sampan.artifacts.faults import KINDS, Fault
from sampan.artifacts.forms import Form
from sampan.artifacts.request import Request
from sampan.kube import locations

_KEPT = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY",
         "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")  # fmt: skip
_SDK = ("AWS_", "GOOGLE_", "AZURE_")
"""Of the environment: credentials of whoever runs this program are lent only to artifacts that ask
for them by `useSDKCreds` (or, for GCS, by naming no key, which means the same)."""
_MOST_SAID = 1 << 24  # bytes of an answer


def ask(request: Request) -> dict[str, Any]:
    """Carry out a request; what was found. Fault."""
    answer = _answer(request)
    if "failed" in answer:
        raise KINDS.get(answer.get("kind", ""), Fault)(answer["failed"])
    return answer


def pack(source: str, target: str, form: Form, scratch: str) -> None:
    """Make an archive of a file or directory. Fault."""
    ask(Request(verb="pack", artifact={}, path=target, source=source, form=form, scratch=scratch))


def unpack(source: str, target: str, form: Form, scratch: str) -> None:
    """Put a file at `target`, unpacked if it is an archive of that form. Fault."""
    ask(Request(verb="unpack", artifact={}, path=target, source=source, form=form, scratch=scratch))


@contextmanager
def scratch(root: str) -> Iterator[str]:
    """A directory below one that is made if need be."""
    os.makedirs(root, 0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, ignore_cleanup_errors=True) as directory:
        yield directory


def _answer(request: Request) -> dict[str, Any]:
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
