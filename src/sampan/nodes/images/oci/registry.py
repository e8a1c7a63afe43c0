"""One repository of one registry: manifests and blobs, with the tokens that they need.

A blob is streamed to a file beside its final name, hashed as it comes; what breaks off is continued
where it broke, a few times. A file gets its final name only when digest and size are right, so what
has a name can be trusted. OCI distribution-spec 1.1; token exchange as in Docker's registry.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import http.client
import json
import os
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from sampan.nodes.images.oci import login, manifest, web
from sampan.nodes.images.oci.errors import NotThere, PullError, Unreachable
from sampan.nodes.images.oci.login import Login
from sampan.nodes.images.oci.manifest import Descriptor
from sampan.nodes.images.reference import DOCKER, Reference, is_digest

_HOSTS = {DOCKER: "registry-1.docker.io"}
_PIECE = 1 << 18
_ATTEMPTS = 4
_PAUSE = 0.2  # seconds before the second attempt, doubled for each one after it
_LARGEST_TOKEN = 1 << 20
_ACCEPT = {"Accept": ", ".join(manifest.ACCEPTED)}

Progress = Callable[[int], None]


class Repository:
    """Safe to be used by several threads. `stopped` ends what they are fetching."""

    def __init__(
        self, place: Reference, logins: Sequence[Login], *, insecure: bool = False, ca: str = ""
    ) -> None:
        host = _HOSTS.get(place.registry, place.registry)
        self._web = web.Web(host, insecure=insecure, ca=ca)
        self._name = place.name
        self._base = f"{self._web.base}/v2/{place.repository}"
        self._scope = f"repository:{place.repository}:pull"
        self._logins = [*login.best(logins, place.registry, place.repository), None]
        self._authorization = ""
        self._lock = threading.Lock()
        self.stopped = threading.Event()

    def manifest(self, name: str) -> tuple[bytes, str]:
        """(bytes, digest) of the manifest with this tag or digest."""
        data = web.read(self._get(f"/manifests/{name}", _ACCEPT), manifest.LARGEST)
        algorithm = name.partition(":")[0] if is_digest(name) else "sha256"
        found = f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
        if is_digest(name) and name != found:
            raise PullError(f"{self._name} sends {found} for the manifest {name}")
        return data, found

    def digest(self, tag: str) -> str:
        """What a tag means now, without the manifest, which public registries count as a pull;
        "" when the registry does not say so. Unreachable."""
        try:
            with contextlib.closing(self._get(f"/manifests/{tag}", _ACCEPT, "HEAD")) as answer:
                return str(answer.headers.get("Docker-Content-Digest") or "")
        except Unreachable:
            raise
        except PullError:
            return ""  # what is wrong is asked for by GET, which has an answer with words

    def blob(self, wanted: Descriptor, path: Path, progress: Progress) -> None:
        """Fetch a blob to `path`, unless it is there. PullError says what came instead."""
        if path.exists():
            return
        with _exclusive(f"{path}.part") as part:  # another process may be fetching the same
            if path.exists():
                return
            self._fetch(wanted, part, progress)
            try:
                _check(wanted, part, self._name)
            except PullError:
                os.unlink(f"{path}.part")
                raise
            os.rename(f"{path}.part", path)

    def _fetch(self, wanted: Descriptor, part: int, progress: Progress) -> None:
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_PAUSE * 2 ** (attempt - 1))
            try:
                self._continue(wanted, part, progress)
                return
            except Unreachable as error:
                if attempt == _ATTEMPTS - 1:
                    raise Unreachable(
                        f"{self._name}: {os.fstat(part).st_size} of {wanted.size} bytes of "
                        f"{wanted.digest} came in {_ATTEMPTS} attempts: {error}"
                    ) from error

    def _continue(self, wanted: Descriptor, part: int, progress: Progress) -> None:
        have = os.lseek(part, 0, os.SEEK_END)
        if have >= wanted.size:
            return
        headers = {"Range": f"bytes={have}-"} if have else {}
        with contextlib.closing(self._get(f"/blobs/{wanted.digest}", headers)) as answer:
            if have and answer.status != http.HTTPStatus.PARTIAL_CONTENT:
                have = 0
                os.ftruncate(part, 0)
                os.lseek(part, 0, os.SEEK_SET)
            while piece := _receive(answer, wanted.size + 1 - have):
                if self.stopped.is_set():
                    raise PullError("stopped")
                _write(part, piece)
                have += len(piece)
                progress(len(piece))
        if have < wanted.size:
            raise Unreachable("the connection was closed")

    # -- authorization ----------------------------------------------------------------------------
    def _get(
        self, path: str, headers: Mapping[str, str], method: str = "GET"
    ) -> http.client.HTTPResponse:
        """The answer with status 200 or 206. Every login that fits is tried, then none."""
        tried = self._authorization
        ask = functools.partial(self._web.open, self._base + path, headers, method=method)
        answer = ask(authorization=tried)
        if answer.status == http.HTTPStatus.UNAUTHORIZED:
            answer = self._authorize(ask, answer, tried)
        if answer.status in (http.HTTPStatus.OK, http.HTTPStatus.PARTIAL_CONTENT):
            return answer
        raise self._refused(path, answer)

    def _authorize(
        self,
        ask: Callable[..., http.client.HTTPResponse],
        answer: http.client.HTTPResponse,
        tried: str,
    ) -> http.client.HTTPResponse:
        with self._lock:
            if self._authorization != tried:  # another thread has been here
                answer.close()
                return ask(authorization=self._authorization)
            for each in self._logins:
                try:
                    found = self._answer_to(answer, each)
                except PullError:
                    answer.close()
                    raise
                if not found:
                    continue
                answer.close()
                answer = ask(authorization=found)
                if answer.status not in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN):
                    self._authorization = found
                    break
            return answer

    def _answer_to(self, answer: http.client.HTTPResponse, who: Login | None) -> str:
        """The Authorization header that a challenge asks for; "" when we have none."""
        asked = login.challenge(answer.headers.get("WWW-Authenticate") or "")
        if asked is None:
            return ""
        if asked.scheme == "basic":
            return who.basic if who else ""
        if asked.scheme != "bearer":
            return ""
        return self._token(asked.parameters.get("realm", ""), asked, who)

    def _token(self, realm: str, asked: login.Challenge, who: Login | None) -> str:
        query = {"scope": asked.parameters.get("scope") or self._scope}
        if asked.parameters.get("service"):
            query["service"] = asked.parameters["service"]
        if who and who.token:
            form = {"grant_type": "refresh_token", "refresh_token": who.token,
                    "client_id": "sampan", **query}  # fmt: skip
            answer = self._web.open(realm, body=urllib.parse.urlencode(form).encode())
        else:
            separator = "&" if "?" in realm else "?"
            answer = self._web.open(
                realm + separator + urllib.parse.urlencode(query),
                authorization=who.basic if who else "",
            )
        body = web.read(answer, _LARGEST_TOKEN)
        if answer.status != http.HTTPStatus.OK:
            return ""
        try:
            found = json.loads(body)
            token = found.get("token") or found.get("access_token") or ""
        except (ValueError, AttributeError):
            token = ""
        return f"Bearer {token}" if isinstance(token, str) and token.isprintable() else ""

    def _refused(self, path: str, answer: http.client.HTTPResponse) -> PullError:
        status, reason = answer.status, _reason(web.read(answer, manifest.LARGEST))
        what = f"{self._name}: {status}{': ' + reason if reason else ''}"
        if status in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN):
            return NotThere(
                f"{what}: pull access denied, the repository does not exist or needs a login "
                "(imagePullSecrets)"
            )
        if 300 <= status < 400:
            return PullError(f"{what}: a redirect that is not allowed")
        if status == http.HTTPStatus.NOT_FOUND:
            return NotThere(f"{self._name}: not found ({path.lstrip('/')})")
        if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unreachable(what)
        return PullError(what)


@contextlib.contextmanager
def _exclusive(path: str) -> Iterator[int]:
    """The file at `path`, made if need be, for as long as nobody else has it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_at(path, descriptor):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _is_at(path: str, descriptor: int) -> bool:
    """Whether the file still has this name: who had it before us may have renamed it."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _write(part: int, piece: bytes) -> None:
    """All of it: a disk that is nearly full takes less than it is given."""
    while piece:
        piece = piece[os.write(part, piece) :]


def _receive(answer: http.client.HTTPResponse, most: int) -> bytes:
    try:
        return answer.read(min(_PIECE, most)) if most > 0 else b""
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(web.said(error)) from error


def _check(wanted: Descriptor, part: int, name: str) -> None:
    size = os.fstat(part).st_size
    if size != wanted.size:
        raise PullError(f"{name}: {wanted.digest} has {size} bytes and not {wanted.size}")
    algorithm, _, expected = wanted.digest.partition(":")
    with os.fdopen(os.dup(part), "rb") as file:
        file.seek(0)
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != expected:
        raise PullError(f"{name}: what came for {wanted.digest} is {algorithm}:{found}")


def _reason(body: bytes) -> str:
    """The registry's own words about an error."""
    try:
        first = json.loads(body)["errors"][0]
        return str(first.get("message") or first.get("code"))[:200]
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
