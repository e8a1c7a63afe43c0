"""AWS Signature Version 4: whether a request was signed with its access key's secret. Pure.

In the Authorization header or in the query of a URL that somebody else was given. What is checked
is what was sent: path and query are quoted anew in the one way that is signed. Anonymous requests
and older signatures are refused. Upstream: the S3 API reference, "Authenticating Requests".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote_to_bytes

from msgspec import Struct

from sampan.services.s3.errors import S3Error

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY = hashlib.sha256().hexdigest()
_SKEW = timedelta(minutes=15)
_LONGEST = 7 * 86_400  # seconds that a URL may be good for
_FIELDS = re.compile(r"\s*(Credential|SignedHeaders|Signature)=([^,\s]+)\s*")
_STAMP = "%Y%m%dT%H%M%SZ"


class Sent(Struct, frozen=True):
    """A request as it came: `path` and `query` still quoted, header names in lower case."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


class Signed(Struct, frozen=True):
    """Who has signed, and what the pieces of a body are signed with. `payload`: what was signed of
    the body, a hash or how it comes."""

    access_key: str
    payload: str
    stamp: str
    scope: str
    key: bytes
    signature: str


class _Claim(Struct, frozen=True):
    access_key: str
    scope: str
    signed_headers: tuple[str, ...]
    signature: str
    stamp: str
    payload: str


def verified(sent: Sent, secret_of: Callable[[str], str | None], now: datetime) -> Signed:
    """S3Error."""
    presigned = dict(pairs(sent.query)).get("X-Amz-Algorithm", "")
    claim = _of_query(sent, now) if presigned else _of_header(sent, now)
    secret = secret_of(claim.access_key)
    if secret is None:
        raise S3Error("InvalidAccessKeyId")
    _check_headers(sent, claim)
    canonical = _canonical(sent, claim, presigned=bool(presigned))
    key = _key(secret, claim.scope)
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join((ALGORITHM, claim.stamp, claim.scope, hashed))
    if not hmac.compare_digest(mac(key, text).encode(), claim.signature.encode()):
        raise S3Error("SignatureDoesNotMatch")
    return Signed(
        claim.access_key, claim.payload, claim.stamp, claim.scope, key, claim.signature
    )  # fmt: skip


def mac(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def pairs(query: str) -> list[tuple[str, str]]:
    """The parameters of a query, unquoted; a plus stays one."""
    found = (each.partition("=") for each in query.split("&") if each)
    return [(_unquoted(name), _unquoted(value)) for name, _, value in found]


def _of_header(sent: Sent, now: datetime) -> _Claim:
    text = sent.header("authorization")
    if not text:
        raise S3Error("AccessDenied", "Anonymous requests are refused.")
    algorithm, _, rest = text.partition(" ")
    if algorithm != ALGORITHM:
        raise S3Error("AccessDenied", f"Only {ALGORITHM} is accepted.")
    found = [_FIELDS.fullmatch(each) for each in rest.split(",")]
    fields = {each[1]: each[2] for each in found if each is not None}
    if len(fields) != 3:
        raise S3Error("AuthorizationHeaderMalformed")
    payload = sent.header("x-amz-content-sha256")
    if not payload:
        raise S3Error("InvalidRequest", "x-amz-content-sha256 is missing.")
    stamp = sent.header("x-amz-date")
    if abs(_time(stamp, "AccessDenied") - now) > _SKEW:
        raise S3Error("RequestTimeTooSkewed")
    return _claim(fields, stamp, payload, "AuthorizationHeaderMalformed")


def _of_query(sent: Sent, now: datetime) -> _Claim:
    given = dict(pairs(sent.query))
    broken = "AuthorizationQueryParametersError"
    if given["X-Amz-Algorithm"] != ALGORITHM:
        raise S3Error(broken, f"Only {ALGORITHM} is accepted.")
    fields = {name: given.get(f"X-Amz-{name}", "") for name in
              ("Credential", "SignedHeaders", "Signature")}  # fmt: skip
    expires, stamp = given.get("X-Amz-Expires", ""), given.get("X-Amz-Date", "")
    if not expires.isascii() or not expires.isdigit() or not 0 < int(expires[:9]) <= _LONGEST:
        raise S3Error(broken, "X-Amz-Expires is no number of seconds within a week.")
    begins = _time(stamp, broken)
    if begins - now > _SKEW:
        raise S3Error("AccessDenied", "The URL is not good yet.")
    if now > begins + timedelta(seconds=int(expires[:9])):
        raise S3Error("AccessDenied", "Request has expired")
    payload = sent.header("x-amz-content-sha256") or UNSIGNED
    return _claim(fields, stamp, payload, broken)


def _claim(fields: Mapping[str, str], stamp: str, payload: str, broken: str) -> _Claim:
    access_key, _, scope = fields["Credential"].partition("/")
    parts = scope.split("/")
    if len(parts) != 4 or parts[2:] != ["s3", "aws4_request"] or parts[0] != stamp[:8]:
        raise S3Error(broken, "The scope has to be <date>/<region>/s3/aws4_request.")
    headers = tuple(fields["SignedHeaders"].lower().split(";"))
    return _Claim(access_key, scope, headers, fields["Signature"], stamp, payload)


def _check_headers(sent: Sent, claim: _Claim) -> None:
    """What says what a request does must be signed."""
    present = {name for name, _ in sent.headers}
    needed = {name for name in present if name.startswith("x-amz-")} | {"host"}
    needed -= {"x-amz-content-sha256"} if claim.payload == UNSIGNED else set()
    if missing := sorted(needed - set(claim.signed_headers)):
        raise S3Error("AccessDenied", f"Headers that are not signed: {', '.join(missing)}.")


def _canonical(sent: Sent, claim: _Claim, *, presigned: bool) -> str:
    query = sorted(
        (_quoted(name), _quoted(value))
        for name, value in pairs(sent.query)
        if not (presigned and name == "X-Amz-Signature")
    )
    headers = [f"{name}:{_values(sent.headers, name)}\n" for name in claim.signed_headers]
    return "\n".join((
        sent.method,
        quote(unquote_to_bytes(sent.path), safe="/-_.~"),
        "&".join(f"{name}={value}" for name, value in query),
        "".join(headers),
        ";".join(claim.signed_headers),
        claim.payload,
    ))  # fmt: skip


def _values(headers: Iterable[tuple[str, str]], name: str) -> str:
    return ",".join(" ".join(value.split()) for key, value in headers if key == name)


def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _time(stamp: str, code: str) -> datetime:
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise S3Error(code, "The date of the signature is missing or malformed.") from None


def _unquoted(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "surrogateescape")


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogateescape"), safe="-_.~")
