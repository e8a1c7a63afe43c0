"""HTTP: GET to load, PUT to save.

Redirects are followed to HTTP and HTTPS only, ten at most; what identifies us does not travel to
another host. Upstream: workflow/artifacts/http/{http,clients}.go.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import IO, Any

from sampan import __version__
from sampan.artifacts.drivers.driver import Driver
from sampan.artifacts.faults import Fault, NotThere, Refused, Unreachable
from sampan.artifacts.request import Request

AGENT = f"sampan/{__version__}"
_PATIENCE = 60.0  # seconds without a byte
_PIECE = 1 << 20
_MOST_REDIRECTS = 10  # as Go's client
_MOST_TOKEN = 1 << 20
_RESENT = (307, 308)  # redirects that take the body along
_OURS = ("authorization", "cookie", "content-length")
_KINDS = {401: Refused, 403: Refused, 404: NotThere, 410: NotThere}


class Http:
    """One URL."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._settings = request.settings
        self._url = str(self._settings.get("url") or "")
        if urllib.parse.urlsplit(self._url).scheme not in ("http", "https"):
            raise Fault(f"{self._url[:200]} is no URL of HTTP")
        self._context = ssl.create_default_context()
        self._opener = _opener(self._context, request.proxy)
        self._headers = self._identify()

    def load(self, target: str) -> None:
        answer = self._open("GET", f"loading content from {self._url}")
        with answer, open(target, "xb") as file:
            try:
                shutil.copyfileobj(answer, file, _PIECE)
            except (OSError, http.client.HTTPException) as error:
                raise Unreachable(f"{self._url}: the answer broke off: {error}") from error
            if answer.length:
                raise Unreachable(f"{self._url}: the answer broke off")

    def save(self, source: str) -> None:
        if os.path.isdir(source):
            raise Fault("a directory cannot be saved to a URL without an archive")
        with open(source, "rb") as file:
            self._open("PUT", f"saving file to {self._url}", file).close()

    def delete(self) -> None:
        raise Fault(f"delete not supported for {self._request.kind} artifacts")

    def keys(self) -> list[str]:
        raise Fault(f"objects cannot be listed for {self._request.kind} artifacts")

    def _open(
        self, method: str, doing: str, body: IO[bytes] | None = None
    ) -> http.client.HTTPResponse:
        request = urllib.request.Request(self._url, body, self._headers, method=method)
        if body is not None:
            request.add_unredirected_header("Content-Length", str(os.fstat(body.fileno()).st_size))
        return _answer(self._opener, request, doing)

    def _identify(self) -> dict[str, str]:
        found = {"User-Agent": AGENT}
        for each in self._settings.get("headers") or ():
            found[str(each.get("name"))] = str(each.get("value") or "")
        auth = self._settings.get("auth") or {}
        user, password = self._pair(auth.get("basicAuth") or {}, "usernameSecret", "passwordSecret")
        if user and password:
            found["Authorization"] = basic(user, password)
        self._certify(auth.get("clientCert") or {})
        token = self._token(auth.get("oauth2") or {})
        return {**found, "Authorization": f"Bearer {token}"} if token else found

    def _pair(self, settings: dict[str, Any], one: str, other: str) -> tuple[str, str]:
        return self._request.secret(settings.get(one)), self._request.secret(settings.get(other))

    def _certify(self, settings: dict[str, Any]) -> None:
        certificate, key = self._pair(settings, "clientCertSecret", "clientKeySecret")
        if not certificate or not key:
            return
        path = f"{self._request.scratch}/client.pem"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{certificate}\n{key}\n")
        try:
            self._context.load_cert_chain(path)
        except (OSError, ValueError) as error:
            raise Refused(f"the client certificate cannot be used: {error}") from error

    def _token(self, settings: dict[str, Any]) -> str:
        """By the grant for clients; RFC 6749 §4.4."""
        client, secret = self._pair(settings, "clientIDSecret", "clientSecretSecret")
        url = self._request.secret(settings.get("tokenURLSecret")).strip()
        if not client or not secret or not url:
            return ""
        wanted = {"grant_type": "client_credentials"}
        if settings.get("scopes"):
            wanted["scope"] = " ".join(settings["scopes"])
        for each in settings.get("endpointParams") or ():
            wanted[str(each.get("key"))] = str(each.get("value") or "")
        body = urllib.parse.urlencode(wanted).encode()
        request = urllib.request.Request(url, body, {"Authorization": basic(client, secret)})
        with _answer(self._opener, request, f"asking {url} for a token") as answer:
            try:
                return str(json.loads(answer.read(_MOST_TOKEN))["access_token"])
            except (ValueError, KeyError, TypeError) as error:
                raise Refused(f"{url} answers without a token") from error


def _answer(
    opener: urllib.request.OpenerDirector, request: urllib.request.Request, doing: str
) -> http.client.HTTPResponse:
    try:
        return opener.open(request, timeout=_PATIENCE)  # type: ignore[no-any-return]
    except urllib.error.HTTPError as error:
        kind = _KINDS.get(error.code, Fault)
        raise kind(f"{doing} failed with reason: {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise Unreachable(f"{doing}: {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"{doing}: {error or type(error).__name__}") from error


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _opener(context: ssl.SSLContext, proxy: str) -> urllib.request.OpenerDirector:
    """Without the handlers for files and FTP that are usual."""
    opener = urllib.request.OpenerDirector()
    proxies = {"http": proxy, "https": proxy} if proxy else None
    for handler in (
        urllib.request.ProxyHandler(proxies), urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=context), urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(), _Redirects(),
    ):  # fmt: skip
        opener.add_handler(handler)
    return opener


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = _MOST_REDIRECTS

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        parts = urllib.parse.urlsplit(newurl)
        if parts.scheme not in ("http", "https"):
            raise Fault(f"{req.host} redirects to {newurl[:200]}, which is not allowed")
        same = parts.netloc == req.host
        kept = {
            name: value
            for name, value in req.header_items()
            if name.lower() != "host" and (same or name.lower() not in _OURS)
        }
        body: Any = req.data
        if req.get_method() == "PUT":
            if code not in _RESENT:
                return None
            body.seek(0)
            kept["Content-length"] = str(os.fstat(body.fileno()).st_size)
            return urllib.request.Request(newurl, body, kept, method="PUT")
        return urllib.request.Request(newurl, None, kept, method="GET")


DRIVER: Callable[[Request], Driver] = Http
