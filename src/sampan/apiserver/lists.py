"""Get and list: stored bytes, joined. Pages stay at the revision of the first one.

A continue token names that revision and the last key that was given out. When the history no longer
reaches back to it, the answer is 410 with a token that goes on with the present state.
Upstream: k8s.io/apiserver pkg/storage/etcd3/store.go, pkg/storage/continue.go.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from itertools import islice
from typing import Any

import orjson
from msgspec import Struct

from sampan.apiserver.backend import Backend
from sampan.apiserver.resources import Resource
from sampan.apiserver.selecting import Selection
from sampan.kube.errors import (
    BadRequest,
    Expired,
    Invalid,
    Problem,
    Timeout,
    forbidden,
    invalid,
    unsupported,
)
from sampan.kube.keys import Key
from sampan.store.records import Compacted, Record

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DIGITS, _TOO_LARGE = 20, 1 << 63  # of a 64-bit number
_TOKEN_VERSION = "meta.k8s.io/v1"
_MATCHES = ("Exact", "NotOlderThan")
_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start"
    " a new list without the continue parameter, or use the continue token in this response to"
    " retrieve the remainder of the results. Continuing with the provided token results in an"
    " inconsistent list - objects that were created, modified, or deleted between the time the"
    " first chunk was returned and now may show up in the list."
)


class ExpiredToken(Expired):
    """410 with a token that goes on where the old one stopped, in the present state."""

    def __init__(self, fresh: str) -> None:
        super().__init__(_TOO_OLD)
        self.fresh = fresh

    def status(self) -> dict[str, Any]:
        return super().status() | {"metadata": {"continue": self.fresh}}


class ListOptions(Struct, frozen=True, kw_only=True):
    """A list's query, parsed. `revision` 0 is the present."""

    limit: int = 0
    token: str = ""
    revision: int = 0
    match: str = ""


class Page(Struct, frozen=True):
    """What a list gives: records, and the ListMeta."""

    records: list[Record]
    revision: int
    token: str = ""
    remaining: int | None = None

    def meta(self) -> dict[str, Any]:
        found: dict[str, Any] = {"resourceVersion": str(self.revision)}
        if self.token:
            found["continue"] = self.token
        if self.remaining is not None:
            found["remainingItemCount"] = self.remaining
        return found


def parse_revision(text: str) -> int:
    """A resourceVersion in a query; "" and "0" are 0. Raises BadRequest."""
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise BadRequest(
            f'invalid resource version: resourceVersion: Invalid value: "{text}":'
            f' strconv.ParseUint: parsing "{text}": invalid syntax'
        )
    return int(text)


def parse_options(query: Callable[[str], str]) -> ListOptions:
    """`query(name)` answers with a parameter, "" when it is absent."""
    limit = query("limit")
    for number in (limit, query("timeoutSeconds")):
        if number and not _INTEGER.fullmatch(number):
            raise BadRequest(f'strconv.ParseInt: parsing "{number}": invalid syntax')
        if len(number) > _DIGITS or not -_TOO_LARGE <= int(number or 0) < _TOO_LARGE:
            raise BadRequest(f'strconv.ParseInt: parsing "{number}": value out of range')
    match, revision, token = (
        query("resourceVersionMatch"),
        query("resourceVersion"),
        query("continue"),
    )
    if faults := _match_problems(match, revision, token):
        raise Invalid.of("ListOptions", "meta.k8s.io", "", faults)
    if token and revision not in ("", "0"):
        raise BadRequest("specifying resource version is not allowed when using continue")
    return ListOptions(
        limit=max(int(limit or 0), 0), token=token, revision=parse_revision(revision), match=match
    )


def page(backend: Backend, resource: Resource, selection: Selection, options: ListOptions) -> Page:
    """Raises Expired, Timeout, BadRequest."""
    current = backend.store.revision
    if options.revision > current:
        raise too_large(options.revision, current)
    if options.token:
        revision, after = _read_token(resource, selection.namespace, options.token)
    else:
        # Exactly the revision asked for; every other wish is met by the present state.
        revision, after = (options.revision if options.match == "Exact" else 0), None
    try:
        return _page(backend, resource, selection, options, revision, after)
    except Compacted:
        if not options.token:
            text = "The resourceVersion for the provided list is too old."
            raise Expired(text) from None
        assert after is not None
        raise ExpiredToken(_token(selection.namespace, -1, after)) from None


def too_large(revision: int, current: int) -> Timeout:
    """The client knows of a later revision than this server."""
    return Timeout(
        f"Timeout: Too large resource version: {revision}, current: {current}",
        {
            "causes": [
                {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
            ],
            "retryAfterSeconds": 1,
        },
    )


def body(resource: Resource, page: Page) -> bytes:
    """The list as JSON."""
    head = {"kind": resource.list_kind, "apiVersion": resource.api_version, "metadata": page.meta()}
    items = b",".join(resource.present(record.data) for record in page.records)
    return orjson.dumps(head)[:-1] + b',"items":[' + items + b"]}"


def _page(
    backend: Backend,
    resource: Resource,
    selection: Selection,
    options: ListOptions,
    revision: int,
    after: Key | None,
) -> Page:
    shown = revision or backend.store.revision
    if resource.kind in backend.computed:  # few, and never the same twice: all at once
        records = backend.records(resource.kind, selection.namespace)
        return Page([record for record in records if selection.matches(record)], shown)
    if selection.name and not options.token and not revision:
        return Page(_named(backend, resource, selection), shown)
    found = backend.store.page(
        resource.kind, selection.namespace, after=after, revision=max(revision, 0)
    )
    if not selection.plain:
        found = (record for record in found if selection.matches(record))
    shown = backend.store.revision if revision < 0 else shown
    if not options.limit:
        return Page(list(found), shown)
    records = list(islice(found, options.limit))
    rest = sum(1 for _ in found) if len(records) == options.limit else 0
    if not rest:
        return Page(records, shown)
    token = _token(selection.namespace, shown, records[-1].key)
    return Page(records, shown, token, rest if selection.plain else None)


def _named(backend: Backend, resource: Resource, selection: Selection) -> list[Record]:
    """A field selector for one name: a look-up, where the namespace is known too."""
    if selection.namespace or not resource.namespaced:
        record = backend.store.get(resource.key(selection.namespace, selection.name))
        found = [] if record is None else [record]
    else:
        found = list(backend.store.records(resource.kind))
    return [record for record in found if selection.matches(record)]


def _token(namespace: str, revision: int, last: Key) -> str:
    start = last.name if namespace or not last.namespace else f"{last.namespace}/{last.name}"
    content = {"v": _TOKEN_VERSION, "rv": revision, "start": start + "\0"}
    return base64.urlsafe_b64encode(orjson.dumps(content)).rstrip(b"=").decode()


def _read_token(resource: Resource, namespace: str, token: str) -> tuple[int, Key]:
    """The revision (-1: whatever is present) and the key to go on behind."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        content = orjson.loads(raw)
        version, revision, start = content["v"], content["rv"], content["start"]
        if version != _TOKEN_VERSION or not isinstance(revision, int):
            raise ValueError("unrecognized version")
        place = start.rstrip("\0")
        if not namespace and resource.namespaced:
            namespace, _, place = place.partition("/")
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRequest(f"invalid continue token: continue key is not valid: {error}") from None
    return revision, Key(resource.kind, namespace, place)


def _match_problems(match: str, revision: str, token: str) -> list[Problem]:
    field = "resourceVersionMatch"
    if not match:
        return []
    if token:
        return [forbidden(field, "resourceVersionMatch is forbidden when continue is provided")]
    if not revision:
        text = "resourceVersionMatch is forbidden unless resourceVersion is provided"
        return [forbidden(field, text)]
    if match not in _MATCHES:
        return [unsupported(field, match, [*_MATCHES, ""])]
    if match == "Exact" and revision == "0":
        text = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        return [invalid(field, match, text)]
    return []
