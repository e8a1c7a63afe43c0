"""Requests about buckets: which there are, what is in them, removing many objects at once."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from sampan.artifacts.buckets import NotEmpty
from sampan.artifacts.faults import Fault
from sampan.kube.launcher import BUCKET
from sampan.services.s3 import documents
from sampan.services.s3.call import Call
from sampan.services.s3.errors import S3Error
from sampan.services.s3.uploads import Uploads

_MOST = 1000
_REGION = "us-east-1"


async def buckets(call: Call) -> None:
    await call.work(call.buckets.make, BUCKET)
    found = await call.work(call.buckets.names)
    await call.answer(200, documents.buckets(found))


async def create(call: Call) -> None:
    await call.drain()
    if not 3 <= len(call.bucket) <= 63:
        raise S3Error("InvalidBucketName")
    if not await call.work(call.buckets.make, call.bucket):
        raise S3Error("BucketAlreadyOwnedByYou")
    await call.answer(200, more=[("location", f"/{call.bucket}")])


async def exists(call: Call) -> None:
    await call.request.empty(200, "application/xml", [("x-amz-bucket-region", _REGION)])


async def location(call: Call) -> None:
    await call.answer(200, documents.document("LocationConstraint", {}))


async def versioning(call: Call) -> None:
    """There is none, and nobody has switched it on."""
    await call.answer(200, documents.document("VersioningConfiguration", {}))


async def uploads(call: Call) -> None:
    """All that are under way, whatever `max-uploads` says: few are."""
    begun = await call.work(Uploads(call.buckets, call.namespace).begun, call.bucket)
    prefix, quoted = call.query.get("prefix", ""), call.query.get("encoding-type") == "url"
    tree = {
        "Bucket": call.bucket, "Prefix": documents.encoded(prefix, quoted=quoted),
        **({"EncodingType": "url"} if quoted else {}),
        "IsTruncated": "false",
        "Upload": [
            {
                "Key": documents.encoded(each.key, quoted=quoted), "UploadId": each.id,
                "Initiated": documents.time(each.began), "StorageClass": "STANDARD",
            }
            for each in begun if each.key.startswith(prefix)
        ],
    }  # fmt: skip
    await call.answer(200, documents.document("ListMultipartUploadsResult", tree))


async def remove(call: Call) -> None:
    try:
        await call.work(call.buckets.remove, call.bucket)
    except NotEmpty:
        raise S3Error("BucketNotEmpty") from None
    await call.answer(204)


async def objects(call: Call) -> None:
    second = call.query.get("list-type") == "2"
    begin = call.query.get("start-after", "") if second else call.query.get("marker", "")
    token = call.query.get("continuation-token", "") if second else ""
    most, prefix = _most(call), call.query.get("prefix", "")
    delimiter, after = call.query.get("delimiter", ""), _decoded(token) if token else begin
    page = await call.work(call.buckets.page, call.bucket, prefix, after, delimiter, most)
    quoted = call.query.get("encoding-type") == "url"

    def shown(text: str) -> str:
        return documents.encoded(text, quoted=quoted)

    asked: dict[str, Any] = {
        "Name": call.bucket, "Prefix": shown(prefix), "MaxKeys": most,
        **({"Delimiter": shown(delimiter)} if delimiter else {}),
    }  # fmt: skip
    if second:
        asked["KeyCount"] = len(page.objects) + len(page.prefixes)
        asked |= {"StartAfter": shown(begin)} if begin else {}
        asked |= {"ContinuationToken": token} if token else {}
        asked |= {"NextContinuationToken": _token(page.last)} if page.last else {}
    else:
        asked["Marker"] = shown(begin)
        asked |= {"NextMarker": shown(page.last)} if page.last else {}
    await call.answer(200, documents.listing(asked, page, quoted=quoted))


async def delete_many(call: Call) -> None:
    document = documents.parsed(await call.xml(), "Delete")
    wanted = document.get("Object") or []
    if not 0 < len(wanted) <= _MOST:
        raise S3Error("MalformedXML", "There have to be between 1 and 1000 objects.")
    done: list[Any] = []
    failed: list[Any] = []
    for each in wanted:
        key = each["Key"][0] if isinstance(each, dict) and "Key" in each else ""
        if not isinstance(key, str) or not key:
            raise S3Error("MalformedXML", "An object has no Key.")
        try:
            await call.work(call.buckets.delete, call.bucket, key)
            done.append({"Key": key})
        except Fault as fault:
            failed.append({"Key": key, "Code": "InvalidObjectName", "Message": str(fault)})
    quiet = (document.get("Quiet") or [""])[0] == "true"
    tree = {"Deleted": [] if quiet else done, "Error": failed}
    await call.answer(200, documents.document("DeleteResult", tree))


def _most(call: Call) -> int:
    text = call.query.get("max-keys", str(_MOST))
    if not text.isascii() or not text.isdigit():
        raise S3Error("InvalidArgument", "max-keys is no number.")
    return min(int(text[:9]), _MOST)


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode("utf-8", "surrogateescape")).decode()


def _decoded(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        raise S3Error("InvalidArgument", "The continuation token is not one of ours.") from None
