"""HTTP as registries need it, and what a registry may make us do.

Plain HTTP goes to loopback and to registries that the config calls insecure, nowhere else; a
redirect may lead to HTTPS or stay at the same host, never to a stranger's plain HTTP; credentials
do not travel along a redirect. Every answer has a bound. Proxies are those of the environment,
except for loopback.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import os
import selectors
import socket
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import IO, Any

from sampan import __version__
from sampan.nodes.images.oci.errors import PullError, Unreachable

PATIENCE = 10.0
"""Seconds without a byte: a registry that is slow still sends something."""
_REACH = 5.0
"""Seconds until one address of a host answers; firewalls drop what they do not like in silence,
and a name can have a dozen addresses."""
_MOST_REDIRECTS = 5


def is_loopback(host: str) -> bool:
    """`host` with or without a port."""
    name = urllib.parse.urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class Web:
    """Requests to one registry and to where it sends us."""

    def __init__(self, host: str, *, insecure: bool = False, ca: str = "") -> None:
        """`host` with its port. `ca` is a file of certificates to trust beside the usual ones."""
        self.plain = insecure or is_loopback(host)
        self._host = host
        handlers: list[urllib.request.BaseHandler] = [_Redirects(host, plain=self.plain)]
        if is_loopback(host):
            handlers.append(urllib.request.ProxyHandler({}))
        context = ssl.create_default_context()
        if ca:
            try:
                context.load_verify_locations(ca)
            except OSError as error:
                raise PullError(f"ca of registry {host}: {ca}: {error.strerror}") from error
        handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)
        self._reached = False

    @property
    def base(self) -> str:
        """Where the registry is found by default."""
        return f"{'http' if self.plain else 'https'}://{self._host}"

    def open(
        self,
        url: str,
        headers: Mapping[str, str] = {},
        *,
        authorization: str = "",
        body: bytes | None = None,
        method: str | None = None,
    ) -> http.client.HTTPResponse:
        """The answer, whatever its status. Unreachable when there is none."""
        self._check(url)
        if not self._reached:
            self._reach()
        request = urllib.request.Request(url, body, dict(headers), method=method)
        request.add_unredirected_header("User-Agent", f"sampan/{__version__}")
        if authorization:
            request.add_unredirected_header("Authorization", authorization)
        try:
            return self._opener.open(request, timeout=PATIENCE)  # type: ignore[no-any-return]
        except urllib.error.HTTPError as answer:
            return answer  # type: ignore[return-value]
        except urllib.error.URLError as error:
            raise Unreachable(f"{self._host}: {said(error.reason)}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable(f"{self._host}: {said(error)}") from error

    def _reach(self) -> None:
        """Find out soon whether anybody is there. A proxy answers for everybody."""
        parts = urllib.parse.urlsplit(self.base)
        host = parts.hostname or ""
        proxied = parts.scheme in urllib.request.getproxies()
        if not proxied or urllib.request.proxy_bypass(host) or is_loopback(host):
            port = parts.port or (443 if parts.scheme == "https" else 80)
            try:
                _connect(host, port)
            except OSError as error:
                raise Unreachable(f"{self._host}: {said(error)}") from error
        self._reached = True

    def _check(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme == "https":
            return
        if parts.scheme != "http" or not self.plain or parts.netloc != self._host:
            raise PullError(f"{self._host} sends us to {url[:200]}, which is not HTTPS")


def _connect(host: str, port: int) -> None:
    """Try all addresses at once. OSError when none answers in time."""
    failure: OSError = TimeoutError(f"no answer within {_REACH:.0f} s")
    with selectors.DefaultSelector() as waiting, contextlib.ExitStack() as stack:
        for family, kind, protocol, _, address in _addresses(host, port):
            try:
                sock = stack.enter_context(socket.socket(family, kind, protocol))
                sock.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    sock.connect(address)
                waiting.register(sock, selectors.EVENT_WRITE, sock)
            except OSError as error:
                failure = error
        until = time.monotonic() + _REACH
        while waiting.get_map() and (left := until - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                code = key.data.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not code:
                    return
                failure = OSError(code, os.strerror(code))
                waiting.unregister(key.data)
    raise failure


def _addresses(host: str, port: int) -> list[Any]:
    """As getaddrinfo, which may think for minutes about a name when no server answers it."""
    found: list[Any] = []

    def look() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            found.append(error)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(_REACH)
    if not found:
        raise TimeoutError("its name is not known within 5 s")
    if isinstance(found[0], OSError):
        raise found[0]
    return list(found[0])


def read(answer: IO[bytes], most: int) -> bytes:
    """The whole body. PullError when it is longer, Unreachable when it breaks off."""
    try:
        with contextlib.closing(answer):
            data = answer.read(most + 1)
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"the answer broke off: {said(error)}") from error
    if len(data) > most:
        raise PullError(f"the registry's answer is longer than {most} bytes")
    return data


def said(error: object) -> str:
    """An error's words without Python's dress."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = _MOST_REDIRECTS

    def __init__(self, host: str, *, plain: bool) -> None:
        self._host = host
        self._plain = plain

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        parts = urllib.parse.urlsplit(newurl)
        same = self._plain and parts.netloc == self._host
        if parts.scheme != "https" and not (parts.scheme == "http" and same):
            fp.close()
            raise PullError(f"{self._host} redirects to {newurl[:200]}, which is not allowed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
