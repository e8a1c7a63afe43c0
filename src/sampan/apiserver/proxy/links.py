"""Links in HTML, rewritten while the page passes: `href="/x"` becomes `href="<prefix>/x"`.

Only the attributes that hold one address, in tags that are whole; scripts and styles stay as they
are. A tag may be cut between two pieces, so the last piece waits for its `>`, up to a bound.
Upstream: k8s.io/apimachinery pkg/util/proxy/transport.go rewriteHTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_LONGEST_TAG = 1 << 16  # bytes that wait for a ">"
_TAG = re.compile(rb"<[A-Za-z][^<>]*>")
_ATTRIBUTE = re.compile(
    rb"(?P<head>\s(?:href|src|action|formaction|cite|background|poster|data|longdesc|manifest)"
    rb"\s*=\s*)(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s\"'=<>`]+))",
    re.IGNORECASE,
)


class Links:
    """`change` maps one address to another."""

    def __init__(self, change: Callable[[str], str]) -> None:
        self._change = change
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """The next piece of the page, as far as it is certain."""
        data = self._rest + data
        cut = data.rfind(b"<")
        if cut < 0 or b">" in data[cut:] or len(data) - cut > _LONGEST_TAG:
            cut = len(data)
        self._rest = data[cut:]
        return _TAG.sub(self._tag, data[:cut])

    def end(self) -> bytes:
        rest, self._rest = self._rest, b""
        return rest

    def _tag(self, tag: re.Match[bytes]) -> bytes:
        return _ATTRIBUTE.sub(self._attribute, tag[0])

    def _attribute(self, found: re.Match[bytes]) -> bytes:
        name = found.lastgroup or "bare"
        old = found[name].decode("utf-8", "surrogateescape")
        new = self._change(old)  # entities pass as they are: what is put before them needs none
        if new == old:
            return found[0]
        mark = b"'" if name == "single" else b'"'
        return found["head"] + mark + new.encode("utf-8", "surrogateescape") + mark
