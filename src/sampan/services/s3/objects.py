"""Requests about one object: get, head, put, copy, delete, and uploads in parts."""

from __future__ import annotations

import hashlib
import re
from email.utils import parsedate_to_datetime
from typing import IO
from urllib.parse import unquote_to_bytes

from sampan.artifacts.buckets import About, Object
from sampan.artifacts.faults import NotThere
from sampan.services.s3 import documents
from sampan.services.s3.call import Call, object_headers
from sampan.services.s3.errors import S3Error
from sampan.services.s3.uploads import MOST_PARTS, Uploads, numbers_of

_PIECE = 1 << 20
_EMPTY = hashlib.md5(usedforsecurity=False).hexdigest()
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_REFUSED = (
    "x-amz-tagging", "x-amz-website-redirect-location", "x-amz-object-lock-mode",
    "x-amz-object-lock-legal-hold", "x-amz-object-lock-retain-until-date",
    "x-amz-server-side-encryption", "x-amz-server-side-encryption-customer-algorithm",
)  # fmt: skip
"""What an object would have to remember."""


async def get(call: Call) -> None:
    if call.key.endswith("/"):
        await head(call)
        return
    file, found = await call.work(call.buckets.open, call.bucket, call.key)
    with file:
        if await _unchanged(call, found):
            return
        begin, size = _range(call.sent.header("range"), found.size)
        more = [("content-range", f"bytes {begin}-{begin + size - 1}/{found.size}")]
        file.seek(begin)
        await call.send(file, size, found, more if size != found.size or begin else ())


async def head(call: Call) -> None:
    if call.key.endswith("/"):
        if not await call.work(call.buckets.is_directory, call.bucket, call.key):
            raise S3Error("NoSuchKey")
        found = Object(call.key, 0, 0.0, _EMPTY)
    else:
        found = await call.work(call.buckets.about, call.bucket, call.key)
        if await _unchanged(call, found):
            return
    headers = [*object_headers(found), ("content-length", str(found.size))]
    await call.request.empty(200, found.type or "application/octet-stream", headers)


async def put(call: Call) -> None:
    _check(call)
    if call.sent.header("if-none-match") == "*" and await _is_there(call):
        raise S3Error("PreconditionFailed")
    if call.sent.header("x-amz-copy-source"):
        await _copy(call)
        return
    with call.buckets.draft() as draft:
        tag = await call.into(draft)
        if call.key.endswith("/"):
            if tag != _EMPTY:
                raise S3Error("InvalidObjectName", "A key that ends in / has no content here.")
            await call.work(call.buckets.put_directory, call.bucket, call.key)
        else:
            await call.work(call.buckets.put, call.bucket, call.key, draft, call.about(tag))
    await call.answer(200, more=[("etag", f'"{tag}"')])


async def delete(call: Call) -> None:
    await call.work(call.buckets.delete, call.bucket, call.key)
    await call.answer(204)


async def _copy(call: Call) -> None:
    await call.drain()
    bucket, key = _source(call)
    file, found = await call.work(call.buckets.open, bucket, key)
    anew = call.sent.header("x-amz-metadata-directive").upper() == "REPLACE"
    if (bucket, key) == (call.bucket, call.key) and not anew:
        file.close()
        raise S3Error("InvalidRequest", "The object would be copied to itself as it is.")
    about = call.about(found.tag) if anew else About(found.tag, found.type, found.metadata)
    with file, call.buckets.draft() as draft:
        await call.work(_write, file, draft, (0, found.size))
        made = await call.work(call.buckets.put, call.bucket, call.key, draft, about)
    tree = {"LastModified": documents.time(made.modified), "ETag": f'"{made.tag}"'}
    await call.answer(200, documents.document("CopyObjectResult", tree))


# -- in parts -------------------------------------------------------------------------------------
async def begin_upload(call: Call) -> None:
    _check(call)
    await call.drain()
    uploads = Uploads(call.buckets, call.namespace)
    id = await call.work(uploads.begin, call.bucket, call.key, call.about())
    tree = {"Bucket": call.bucket, "Key": call.key, "UploadId": id}
    await call.answer(200, documents.document("InitiateMultipartUploadResult", tree))


async def put_part(call: Call) -> None:
    number, id = call.query.get("partNumber", ""), call.query["uploadId"]
    if not number.isascii() or not number.isdigit() or not 0 < int(number[:6]) <= MOST_PARTS:
        raise S3Error("InvalidArgument", "partNumber is no number from 1 to 10000.")
    uploads = Uploads(call.buckets, call.namespace)
    await call.work(uploads.find, id, call.bucket, call.key)
    with call.buckets.draft() as draft:
        if call.sent.header("x-amz-copy-source"):
            await call.drain()
            tag = await _copy_part(call, draft)
        else:
            tag = await call.into(draft)
        await call.work(uploads.keep, id, int(number), draft, tag)
    if call.sent.header("x-amz-copy-source"):
        tree = {"ETag": f'"{tag}"'}
        await call.answer(200, documents.document("CopyPartResult", tree))
    else:
        await call.answer(200, more=[("etag", f'"{tag}"')])


async def complete_upload(call: Call) -> None:
    document = documents.parsed(await call.xml(), "CompleteMultipartUpload")
    uploads, id = Uploads(call.buckets, call.namespace), call.query["uploadId"]
    upload = await call.work(uploads.find, id, call.bucket, call.key)
    made = await call.work(uploads.complete, id, upload, numbers_of(document))
    tree = {
        "Location": f"/{call.bucket}/{call.key}", "Bucket": call.bucket, "Key": call.key,
        "ETag": f'"{made.tag}"',
    }  # fmt: skip
    await call.answer(200, documents.document("CompleteMultipartUploadResult", tree))


async def abort_upload(call: Call) -> None:
    uploads, id = Uploads(call.buckets, call.namespace), call.query["uploadId"]
    await call.work(uploads.find, id, call.bucket, call.key)
    await call.work(uploads.abort, id)
    await call.answer(204)


async def list_parts(call: Call) -> None:
    uploads, id = Uploads(call.buckets, call.namespace), call.query["uploadId"]
    await call.work(uploads.find, id, call.bucket, call.key)
    found = await call.work(uploads.parts, id)
    parts = [
        {
            "PartNumber": part.number, "LastModified": documents.time(part.modified),
            "ETag": f'"{part.tag}"', "Size": part.size,
        }
        for part in found
    ]  # fmt: skip
    tree = {
        "Bucket": call.bucket, "Key": call.key, "UploadId": id, "IsTruncated": "false",
        "Part": parts,
    }  # fmt: skip
    await call.answer(200, documents.document("ListPartsResult", tree))


# -- what they share ------------------------------------------------------------------------------
def _check(call: Call) -> None:
    """What is asked for and would be forgotten is refused."""
    for name in _REFUSED:
        if call.sent.header(name):
            raise S3Error("NotImplemented", f"{name} is not implemented here.")
    if call.sent.header("x-amz-acl") not in ("", "private"):
        raise S3Error("NotImplemented", "There are no ACLs: the keys of the namespace see all.")
    if call.sent.header("x-amz-storage-class") not in ("", "STANDARD"):
        raise S3Error("InvalidStorageClass")


def _range(text: str, size: int) -> tuple[int, int]:
    """(where it begins, how many bytes); all for no range, or one that is not understood."""
    found = _RANGE.fullmatch(text.strip())
    if found is None or found[0] == "bytes=-":
        return 0, size
    if not found[1]:
        last = min(int(found[2][:18]), size)
        begin, end = size - last, size
    else:
        begin = int(found[1][:18])
        end = min(int(found[2][:18]) + 1, size) if found[2] else size
    if begin >= size or end <= begin:
        raise S3Error("InvalidRange")
    return begin, end - begin


async def _unchanged(call: Call, found: Object) -> bool:
    """Whether the client has it already, and was told so. S3Error."""
    header = call.sent.header
    tags = [each.strip().strip('"') for each in header("if-match").split(",")]
    if header("if-match") and "*" not in tags and found.tag not in tags:
        raise S3Error("PreconditionFailed")
    known = [each.strip().strip('"') for each in header("if-none-match").split(",")]
    same = found.tag in known or "*" in known
    if not header("if-none-match") and (since := header("if-modified-since")):
        same = _since(since) >= int(found.modified)
    if same:
        await call.request.empty(304, "application/octet-stream", object_headers(found))
    return same


def _since(text: str) -> float:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return -1.0


async def _is_there(call: Call) -> bool:
    try:
        await call.work(call.buckets.about, call.bucket, call.key)
    except NotThere:
        return False
    return True


def _source(call: Call) -> tuple[str, str]:
    text = unquote_to_bytes(call.sent.header("x-amz-copy-source")).decode("utf-8", "replace")
    path, _, query = text.removeprefix("/").partition("?versionId=")
    bucket, _, key = path.partition("/")
    if query or not bucket or not key:
        raise S3Error("InvalidArgument", "x-amz-copy-source has to be <bucket>/<key>.")
    return bucket, key


async def _copy_part(call: Call, draft: str) -> str:
    file, found = await call.work(call.buckets.open, *_source(call))
    with file:
        part = _range(call.sent.header("x-amz-copy-source-range"), found.size)
        return await call.work(_write, file, draft, part)


def _write(file: IO[bytes], draft: str, part: tuple[int, int]) -> str:
    """(from, how many) bytes of the file; answers with their MD5."""
    begin, left = part
    tag = hashlib.md5(usedforsecurity=False)
    file.seek(begin)
    with open(draft, "xb") as out:
        while left and (piece := file.read(min(left, _PIECE))):
            left -= len(piece)
            tag.update(piece)
            out.write(piece)
    return tag.hexdigest()
