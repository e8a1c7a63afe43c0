"""The S3 server: an ASGI application for one port, for who has keys of a namespace.

A table says which request is what; each is signed, or refused. What is not in the table is not
implemented, and said to be.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from sampan.artifacts.buckets import Buckets
from sampan.artifacts.faults import Fault, NotThere
from sampan.lib.clock import Clock
from sampan.services.http import Left, Receive, Request, Scope, Send
from sampan.services.s3 import documents, listing, objects, signature
from sampan.services.s3.call import Call
from sampan.services.s3.errors import S3Error
from sampan.services.s3.signature import Sent

log = logging.getLogger(__name__)

Find = Callable[[str], tuple[str, str] | None]
"""An access key -> (namespace, secret key)."""
Handler = Callable[[Call], Awaitable[None]]

_PLAIN: Mapping[tuple[str, str], Handler] = {
    ("GET", "service"): listing.buckets,
    ("PUT", "bucket"): listing.create,
    ("HEAD", "bucket"): listing.exists,
    ("GET", "bucket"): listing.objects,
    ("DELETE", "bucket"): listing.remove,
    ("GET", "object"): objects.get,
    ("HEAD", "object"): objects.head,
    ("PUT", "object"): objects.put,
    ("DELETE", "object"): objects.delete,
}
_ABOUT: Mapping[tuple[str, str, str], Handler] = {
    ("GET", "bucket", "location"): listing.location,
    ("GET", "bucket", "versioning"): listing.versioning,
    ("GET", "bucket", "uploads"): listing.uploads,
    ("POST", "bucket", "delete"): listing.delete_many,
    ("POST", "object", "uploads"): objects.begin_upload,
    ("PUT", "object", "uploadId"): objects.put_part,
    ("GET", "object", "uploadId"): objects.list_parts,
    ("POST", "object", "uploadId"): objects.complete_upload,
    ("DELETE", "object", "uploadId"): objects.abort_upload,
}
_SUBRESOURCES = frozenset({
    "accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption",
    "intelligent-tiering", "inventory", "legal-hold", "lifecycle", "location", "logging", "metrics",
    "notification", "object-lock", "ownershipControls", "policy", "policyStatus",
    "publicAccessBlock", "replication", "requestPayment", "restore", "retention", "select",
    "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website",
})  # fmt: skip


class S3Server:
    """`root` is the directory of the local repository."""

    def __init__(self, root: Path, find: Find, clock: Clock) -> None:
        self._root = root
        self._find = find
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive, send)
        id = secrets.token_hex(8).upper()
        try:
            await self._serve(request, scope, receive)
        except Left:
            return
        except Exception as error:
            if request.answered:
                log.warning("%s %s: %s", request.method, request.path, error)
                raise
            fault = _fault(error, request)
            more = [("x-amz-request-id", id)]
            if request.method in ("PUT", "POST"):  # its body may never have come, or still come
                more.append(("connection", "close"))
            text = documents.error(fault, request.path, id)
            await request.answer(fault.status, text, "application/xml", more)

    async def _serve(self, request: Request, scope: Scope, receive: Receive) -> None:
        sent = Sent(
            request.method, request.raw_path, scope["query_string"].decode("latin-1"),
            tuple(request.headers),
        )  # fmt: skip
        call = Call(request, sent, receive)
        call.signed = signature.verified(sent, self._secret, self._clock.now())
        found = self._find(call.signed.access_key)
        if found is None:
            raise S3Error("InvalidAccessKeyId")
        call.namespace = found[0]
        call.buckets = Buckets(self._root, call.namespace)
        call.check()
        handler = _handler(call)
        if call.bucket and handler is not listing.create:
            await call.need_bucket()
        await handler(call)

    def _secret(self, access_key: str) -> str | None:
        found = self._find(access_key)
        return found[1] if found else None


def _handler(call: Call) -> Handler:
    method = call.request.method
    level = "object" if call.key else "bucket" if call.bucket else "service"
    about = sorted(_SUBRESOURCES.intersection(call.query))
    if not about:
        if (plain := _PLAIN.get((method, level))) is None:
            raise S3Error("MethodNotAllowed")
        return plain
    handler = _ABOUT.get((method, level, about[0])) if len(about) == 1 else None
    if handler is None:
        raise S3Error("NotImplemented", f"{', '.join(about)} is not implemented here.")
    return handler


def _fault(error: Exception, request: Request) -> S3Error:
    """What to say of it; what nobody has thought of is written down."""
    if isinstance(error, S3Error):
        return error
    if isinstance(error, NotThere):
        return S3Error("NoSuchKey")
    if isinstance(error, Fault):
        return S3Error("InvalidRequest", str(error))
    log.error("%s %s", request.method, request.path, exc_info=error)
    return S3Error("InternalError")
