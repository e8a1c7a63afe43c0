"""Multipart: the file in a form that a browser or an HTTP library sends.

Upstream: RFC 7578.
"""

from __future__ import annotations

from email.message import Message
from email.utils import collapse_rfc2231_value

from msgspec import Struct

from sampan.services.errors import invalid

_MOST_PARTS = 100
_MOST_HEADERS = 16 << 10  # bytes of a part's headers


class File(Struct, frozen=True):
    name: str
    data: bytes


def file(content_type: str, body: bytes, field: str) -> File:
    """The file in this field of the form. Raises Refused."""
    boundary = _boundary(content_type)
    delimiter = b"--" + boundary
    begin = 0 if body.startswith(delimiter) else body.find(b"\r\n" + delimiter) + 2
    if begin < 2 and not body.startswith(delimiter):
        raise invalid("Failed to read pipeline from file: the form has no parts")
    at = begin + len(delimiter)
    for _ in range(_MOST_PARTS):
        if body[at : at + 2] == b"--":
            break
        end = body.find(b"\r\n" + delimiter, at)
        if end < 0:
            raise invalid("Failed to read pipeline from file: the form breaks off")
        found = _part(body, at, end, field)
        if found is not None:
            return found
        at = end + 2 + len(delimiter)
    raise invalid(f"Failed to read pipeline from file: the form has no file {field}")


def _part(body: bytes, at: int, end: int, field: str) -> File | None:
    """What stands between two delimiters, if it is the file."""
    at = body.find(b"\r\n", at, end) + 2
    split = body.find(b"\r\n\r\n", at - 2, min(end, at + _MOST_HEADERS))
    if at < 2 or split < 0:
        return None
    head = body[at:split].decode("utf-8", "replace")
    given = next((line for line in head.split("\r\n") if _is_disposition(line)), "")
    disposition = given.partition(":")[2].strip()
    if _parameter(disposition, "name") != field:
        return None
    name = _parameter(disposition, "filename")
    return None if name is None else File(name, body[split + 4 : end])


def _is_disposition(line: str) -> bool:
    return line.lower().startswith("content-disposition:")


def _boundary(content_type: str) -> bytes:
    kind = content_type.partition(";")[0].strip().lower()
    found = _parameter(content_type, "boundary")
    if kind != "multipart/form-data" or not found:
        raise invalid("Failed to read pipeline from file: the body is no multipart/form-data")
    return found.encode("utf-8", "replace")


def _parameter(header: str, name: str) -> str | None:
    message = Message()
    message["x"] = header.replace("\n", " ").replace("\r", " ")
    found = message.get_param(name, header="x")
    return None if found is None else collapse_rfc2231_value(found)
