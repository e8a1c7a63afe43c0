"""Which headers go through a proxy, and where a redirect leads.

What concerns one connection only is dropped, and so are credentials: a pod is told neither the
client's token nor its cookies, and sets no cookies for the API server's own address.
Upstream: Go's net/http/httputil ReverseProxy, k8s.io/apimachinery pkg/util/proxy/transport.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from sampan.apiserver.http import Headers

_HOP = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization",
    b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade",
})  # fmt: skip
_SECRET = frozenset({b"authorization", b"cookie", b"x-csrf-token"})
_IDENTITY = (b"impersonate-", b"x-remote-")
# Answers come uncompressed, so that links in pages can be rewritten; 100-continue is uvicorn's.
_OURS = frozenset({b"host", b"content-length", b"expect", b"accept-encoding", b"x-forwarded-uri"})
_BACK = frozenset({b"set-cookie", b"set-cookie2", b"clear-site-data", b"strict-transport-security"})
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def forwarded(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Of a request. Names are in lower case."""
    given = list(headers)
    hop = _HOP | _named(given)
    return [
        (name, value)
        for name, value in given
        if name not in hop
        and name not in _SECRET
        and name not in _OURS
        and not name.startswith(_IDENTITY)
    ]


def returned(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Of an answer, less those that are no valid headers."""
    given = [(name.lower(), value.strip()) for name, value in headers]
    hop = _HOP | _named(given)
    return [
        (name, value)
        for name, value in given
        if name not in hop
        and name not in _BACK
        and _NAME.fullmatch(name)
        and not _BAD_VALUE.search(value)
    ]


def _named(headers: Headers) -> set[bytes]:
    """Those that the header `Connection` names."""
    lists = [value for name, value in headers if name == b"connection"]
    return {word.strip().lower() for each in lists for word in each.split(b",")}


def beneath(prefix: str, link: str, hosts: Iterable[str]) -> str:
    """A link or a redirect of the pod as the client has to follow it: absolute paths and addresses
    of the pod itself (`hosts`) come to lie below `prefix`; all others are left alone."""
    try:
        parts = urlsplit(link.strip())
    except ValueError:
        return link
    elsewhere = parts.netloc and parts.netloc not in hosts
    if elsewhere or parts.scheme not in ("", "http", "https") or not parts.path.startswith("/"):
        return link
    if parts.path == prefix or parts.path.startswith(f"{prefix}/"):
        return urlunsplit(("", "", *parts[2:]))
    return urlunsplit(("", "", prefix + parts.path, parts.query, parts.fragment))
