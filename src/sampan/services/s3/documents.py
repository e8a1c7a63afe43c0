"""XML as S3 has it: what is answered, and the few documents that are sent. Pure.

Documents that declare types or entities are refused: nothing in S3 needs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from xml.parsers import expat
from xml.sax.saxutils import escape

from sampan.artifacts.buckets import Object, Page
from sampan.services.s3.errors import S3Error

_SPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_OWNER = {"ID": "sampan", "DisplayName": "sampan"}
_DEEPEST = 8
Tree = Mapping[str, Any]
"""Element -> text, elements, or a list of either for elements of one name."""


def document(name: str, tree: Tree) -> bytes:
    return f'{_HEAD}<{name} xmlns="{_SPACE}">{"".join(_elements(tree))}</{name}>'.encode()


def error(fault: S3Error, resource: str, id: str) -> bytes:
    tree = {"Code": fault.code, "Message": fault.message, "Resource": resource, "RequestId": id}
    return f"{_HEAD}<Error>{''.join(_elements(tree))}</Error>".encode()


def time(seconds: float) -> str:
    whole = datetime.fromtimestamp(seconds, UTC)
    return whole.strftime("%Y-%m-%dT%H:%M:%S.") + f"{whole.microsecond // 1000:03d}Z"


def buckets(found: Iterable[tuple[str, float]]) -> bytes:
    listed = [{"Name": name, "CreationDate": time(made)} for name, made in found]
    return document("ListAllMyBucketsResult", {"Owner": _OWNER, "Buckets": {"Bucket": listed}})


def encoded(text: str, *, quoted: bool) -> str:
    """A key as the client wants to read it: `quoted` is encoding-type=url."""
    return quote(text, safe="/") if quoted else text


def listing(asked: Tree, page: Page, *, quoted: bool) -> bytes:
    """`asked`: what the answer repeats of the question."""

    tree = {
        **asked,
        **({"EncodingType": "url"} if quoted else {}),
        "IsTruncated": "true" if page.last else "false",
        "Contents": [_entry(each, encoded(each.key, quoted=quoted)) for each in page.objects],
        "CommonPrefixes": [{"Prefix": encoded(each, quoted=quoted)} for each in page.prefixes],
    }
    return document("ListBucketResult", tree)


def _entry(found: Object, key: str) -> Tree:
    return {
        "Key": key,
        "LastModified": time(found.modified),
        "ETag": f'"{found.tag}"',
        "Size": str(found.size),
        "StorageClass": "STANDARD",
    }


def parsed(text: bytes, name: str) -> dict[str, list[Any]]:
    """The elements of a document whose root is `name`: names -> [text or elements]. S3Error."""
    reader = _Reader()
    try:
        reader.read(text)
    except (expat.ExpatError, ValueError, UnicodeError) as fault:
        raise S3Error("MalformedXML", f"The XML is not what it should be: {fault}") from None
    found = reader.tree.get(name)
    if not found or not isinstance(found[0], dict):
        raise S3Error("MalformedXML", f"The document is no {name}.")
    return dict(found[0])


class _Reader:
    def __init__(self) -> None:
        self.tree: dict[str, list[Any]] = {}
        self._open: list[tuple[dict[str, list[Any]], list[str]]] = [(self.tree, [])]

    def read(self, text: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _refuse
        parser.Parse(text, True)

    def _begin(self, _name: str, _attributes: object) -> None:
        if len(self._open) > _DEEPEST:
            raise ValueError("it is nested too deeply")
        self._open.append(({}, []))

    def _end(self, name: str) -> None:
        inner, text = self._open.pop()
        self._open[-1][0].setdefault(name.rpartition(" ")[2], []).append(inner or "".join(text))

    def _text(self, text: str) -> None:
        self._open[-1][1].append(text)


def _refuse(*_: object) -> None:
    raise ValueError("it declares a type")


def _elements(tree: Tree) -> Iterator[str]:
    for name, value in tree.items():
        for each in value if isinstance(value, list) else [value]:
            inner = "".join(_elements(each)) if isinstance(each, Mapping) else escape(str(each))
            yield f"<{name}>{inner}</{name}>"
