"""Lists: what the query of a list asks for, and the token that leads to its next page.

`asked` reads the query into a Selection, which the records turn into SQL and
`records.pipelines.selection.page` carries out on objects. A token holds the order, the filter and
where the page before ended; it is opaque to clients.
Upstream: backend/src/apiserver/{list/list.go,filter/filter.go,server/list_request_util.go}.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import unquote_plus

import msgspec
import orjson
from msgspec import Struct

from sampan.kube import times
from sampan.kube.keys import Manifest
from sampan.records.pipelines.selection import (
    METRIC,
    RUN_KEYS,
    After,
    Page,
    Predicate,
    Selection,
    page,
)
from sampan.services.errors import Refused, invalid
from sampan.services.pipelines import messages

DEFAULT_PAGE, LARGEST_PAGE = 20, 200
TAGS = "tags."
"""Prefix of a key to filter by: the value of a tag."""
_METRIC_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,127}\Z")
_SCALAR_OPERATIONS = frozenset(
    {"EQUALS", "NOT_EQUALS", "GREATER_THAN", "GREATER_THAN_EQUALS", "LESS_THAN", "LESS_THAN_EQUALS"}
)
_TYPES = {
    "int_value": "int32", "long_value": "int64", "string_value": "string",
    "timestamp_value": "int64", "int_values": "[]int32", "long_values": "[]int64",
    "string_values": "[]string",
}  # fmt: skip


class Listed(Struct, frozen=True):
    """What can be listed. `keys`: what clients call a key -> the item's. prefixes: of keys that
    are taken as they are, to filter and to sort by."""

    name: str
    keys: Mapping[str, str]
    filters: str = ""
    sorts: str = ""


def _keys(*names: str, **others: str) -> Mapping[str, str]:
    return {**{name: name for name in names}, **others}


RUNS = Listed("Run", RUN_KEYS, sorts=METRIC)
EXPERIMENTS = Listed("Experiment", _keys(
    "experiment_id", "display_name", "created_at", "last_run_created_at", "description",
    "namespace", "storage_state", id="experiment_id", name="display_name",
))  # fmt: skip
PIPELINES = Listed("Pipeline", _keys(
    "pipeline_id", "name", "display_name", "created_at", "description", "namespace",
    id="pipeline_id",
), filters=TAGS)  # fmt: skip
VERSIONS = Listed("PipelineVersion", _keys(
    "pipeline_version_id", "name", "display_name", "created_at", "status", "description",
    id="pipeline_version_id",
), filters=TAGS)  # fmt: skip
RECURRING_RUNS = Listed("Job", _keys(
    "recurring_run_id", "display_name", "created_at", "updated_at", "description",
    id="recurring_run_id", name="display_name",
))  # fmt: skip


class _Token(Struct, frozen=True, forbid_unknown_fields=True):
    sort_by: str
    descending: bool
    predicates: tuple[Predicate, ...]
    after: After


def asked(
    query: Callable[[str], str],
    listed: Listed,
    *,
    namespace: str = "",
    experiment_id: str = "",
    version: Literal["v1beta1", "v2beta1"] = "v2beta1",
) -> Selection:
    """`query` answers with a parameter, "" for none. Raises Refused."""
    size = page_size(query("page_size"))
    sort, text, token = query("sort_by"), query("filter"), query("page_token")
    found: dict[str, Any] = {}
    if sort or text or not token:
        found = {**_order(sort, listed), "predicates": _predicates(text, listed, version)}
    if token:
        held = _read(token, listed)
        if found and any(held[name] != value for name, value in found.items()):
            raise invalid(
                "page token does not match the supplied sort by and/or filtering criteria. Either"
                " specify the same criteria or leave the latter empty if page token is specified"
            )
        found = held
    return Selection(
        namespace=namespace, experiment_id=experiment_id, page_size=size,
        **found,
    )  # fmt: skip


def token(wanted: Selection, after: After | None) -> str:
    """What leads to the page after this one, "" at the end."""
    if after is None:
        return ""
    held = _Token(wanted.sort_by, wanted.descending, wanted.predicates, after)
    return base64.b64encode(msgspec.json.encode(held)).decode()


def answer(
    name: str,
    wanted: Selection,
    objects: Iterable[Manifest],
    shown: Callable[[Manifest], dict[str, Any]],
    *,
    tie: str,
) -> dict[str, Any]:
    """The page of these objects that is wanted, as a list's answer; `shown` tells one of them."""
    found = page([_item(shown(each)) for each in objects], wanted, tie=tie)
    return told(name, wanted, found, [item[""] for item in found.items])


def told(
    name: str, wanted: Selection, found: Page, shown: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The answer of a list whose page was asked of the records."""
    after = token(wanted, found.after)
    return messages.compact(**{name: shown}, total_size=found.total, next_page_token=after)


def _item(shown: dict[str, Any]) -> dict[str, Any]:
    """What is told of an object, as selections see it: times as numbers, each tag by itself."""
    times_of = {key: seconds(value) for key, value in shown.items() if key.endswith("_at")}
    tags = {TAGS + key: value for key, value in (shown.get("tags") or {}).items()}
    return {**shown, **times_of, **tags, "": shown}


def page_size(given: str) -> int:
    size = messages.integer(given or "0", "page_size")
    if size < 0:
        raise invalid(f"The page size should be greater than 0. Got {size}")
    return min(size or DEFAULT_PAGE, LARGEST_PAGE)


def seconds(time: str | None) -> int:
    """A time as items of lists hold it; 0 for none."""
    try:
        return int(times.parse(time).timestamp()) if time else 0
    except ValueError:
        return 0


def _order(given: str, listed: Listed) -> dict[str, Any]:
    words = given.split()
    name, direction = (words[0] if words else "created_at"), words[1:]
    if len(words) > 2 or (direction and direction[0].lower() not in ("asc", "desc")):
        raise invalid(
            f'Received invalid sort by format "{given}". Supported format: "field_name",'
            ' "field_name desc", or "field_name asc"'
        )
    metric = name[len(METRIC) :] if listed.sorts and name.lower().startswith(METRIC) else None
    key = METRIC + metric if metric is not None else listed.keys.get(name.lower())
    if key is None:
        raise invalid(f'Invalid sorting field: "{name}" on listable type {listed.name}')
    if metric is not None and not _METRIC_NAME.match(metric):
        raise invalid(
            f'Invalid metric name: "{metric}". Metric names must start with a letter and contain'
            " only letters, numbers, underscores, and hyphens (max 128 characters)"
        )
    return {"sort_by": key, "descending": [each.lower() for each in direction] == ["desc"]}


def _predicates(text: str, listed: Listed, version: str) -> tuple[Predicate, ...]:
    if not text:
        return ()
    v1 = version == "v1beta1"
    try:
        value = orjson.loads(text if text.lstrip().startswith("{") else unquote_plus(text))
        found = messages.read(messages.FILTER_V1 if v1 else messages.FILTER, value)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise invalid(f'failed to parse valid filter from "{text[:200]}": {error}') from None
    except Refused as error:
        raise invalid(f'failed to parse valid filter from "{text[:200]}": {error}') from None
    operation = "op" if v1 else "operation"
    return tuple(_predicate(each, operation, listed) for each in found.get("predicates") or ())


def _predicate(given: Mapping[str, Any], name: str, listed: Listed) -> Predicate:
    operation, key = given.get(name, "OPERATION_UNSPECIFIED"), given.get("key", "")
    kind = next((each for each in _TYPES if each in given), None)
    if kind is None:
        raise invalid(f'predicate of "{key}" has no value')
    value: Any = given[kind]
    _check(operation, kind)
    if kind == "timestamp_value":
        value = seconds(value)
    elif isinstance(value, dict):
        value = tuple(value.get("values") or ())
    tagged = bool(listed.filters) and key.startswith(listed.filters)
    if tagged and operation != "EQUALS":
        raise invalid(
            f'only EQUALS operation is supported for tag filtering, got {operation} for key "{key}"'
        )
    known = key if tagged else listed.keys.get(key)
    if known is None:
        raise invalid(f'no support for filtering on unrecognized field "{key}"')
    return Predicate(known, operation, value)


def _check(operation: str, kind: str) -> None:
    """Whether the operation takes such a value. Raises Refused."""
    many = kind.endswith("values")
    if operation == "OPERATION_UNSPECIFIED":
        raise invalid(f"invalid predicate operation: {operation}")
    if operation == "IN" and not many:
        raise invalid(f"cannot use IN operator with scalar type {_TYPES[kind]}")
    if operation in _SCALAR_OPERATIONS and many:
        raise invalid(f"cannot use scalar operator {operation} on array type {_TYPES[kind]}")
    if operation == "IS_SUBSTRING" and kind != "string_value":
        raise invalid(f"cannot use non string value type {_TYPES[kind]} with operator {operation}")


def _read(token: str, listed: Listed) -> dict[str, Any]:
    try:
        held = msgspec.json.decode(base64.b64decode(token, validate=True), type=_Token)
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        raise invalid("Invalid page token") from None
    known = set(listed.keys.values())
    keys = [each.key for each in held.predicates if not _prefixed(each.key, listed.filters)]
    keys += [] if _prefixed(held.sort_by, listed.sorts) else [held.sort_by]
    if not known.issuperset(keys):
        raise invalid("Invalid page token")
    return {
        "sort_by": held.sort_by, "descending": held.descending, "predicates": held.predicates,
        "after": held.after,
    }  # fmt: skip


def _prefixed(key: str, prefix: str) -> bool:
    return bool(prefix) and key.startswith(prefix)
