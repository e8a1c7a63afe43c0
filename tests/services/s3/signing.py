"""The client's side of SigV4, written once more from its description: what tests sign with."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import quote

from sampan.services.s3.signature import Sent

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STAMP, DAY = "20260102T030405Z", "20260102"
SCOPE = f"{DAY}/us-east-1/s3/aws4_request"
EMPTY = hashlib.sha256(b"").hexdigest()


def key(secret: str) -> bytes:
    found = f"AWS4{secret}".encode()
    for part in SCOPE.split("/"):
        found = hmac.new(found, part.encode(), hashlib.sha256).digest()
    return found


def sign(secret: str, text: str) -> str:
    return hmac.new(key(secret), text.encode(), hashlib.sha256).hexdigest()


def signed(
    method: str = "GET", path: str = "/", query: str = "", *, payload: str = EMPTY,
    secret: str = "secret", access: str = "ns.key", headers: dict[str, str] | None = None,
) -> Sent:  # fmt: skip
    """`path` unquoted, `query` quoted and in order."""
    known = {"host": "h", "x-amz-content-sha256": payload, "x-amz-date": STAMP, **(headers or {})}
    names = ";".join(sorted(known))
    lines = "".join(f"{name}:{known[name].strip()}\n" for name in sorted(known))
    quoted = quote(path, safe="/-_.~")
    canonical = "\n".join((method, quoted, query, lines, names, payload))
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{STAMP}\n{SCOPE}\n{hashed}"
    given = f"Credential={access}/{SCOPE}, SignedHeaders={names}, Signature={sign(secret, text)}"
    return Sent(
        method, quoted, query, (*known.items(), ("authorization", f"AWS4-HMAC-SHA256 {given}"))
    )
