"""Selection: which workflows a list means, the same for those that are there and for the archived.

`of` reads the list options of the Argo Server. `matches` is the meaning of a selection in Python;
`archive` says the same in SQL, and its tests compare the two.
Upstream: argo-workflows server/utils/list_options.go, persist/sqldb/selector.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from sampan.kube.errors import BadRequest
from sampan.kube.selectors import EVERYTHING, LabelSelector, parse_labels
from sampan.kube.times import parse

NameFilter = Literal["", "Exact", "Contains", "Prefix", "NotEquals"]
_FILTERS = ("", "Exact", "Contains", "Prefix", "NotEquals")
_PARSE_BOOL = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}
MOST = 1 << 31


class Selection(Struct, frozen=True, kw_only=True):
    """`limit` 0 is everything, whatever `offset` says. `counted`: the number of those that remain
    is wanted. Times are inclusive."""

    namespace: str = ""
    not_namespace: str = ""
    name: str = ""
    name_filter: NameFilter = ""
    name_prefix: str = ""
    created_after: datetime | None = None
    finished_before: datetime | None = None
    started_from: datetime | None = None
    started_to: datetime | None = None
    labels: LabelSelector = EVERYTHING
    limit: int = 0
    offset: int = 0
    counted: bool = False

    def matches(self, workflow: Mapping[str, Any]) -> bool:
        """Whether a workflow is meant, on whatever page."""
        meta, status = workflow["metadata"], workflow.get("status") or {}
        namespace = meta.get("namespace") or ""
        started, finished = moment(status.get("startedAt")), moment(status.get("finishedAt"))
        created = moment(meta.get("creationTimestamp"))
        return (
            (not self.namespace or namespace == self.namespace)
            and (not self.not_namespace or namespace != self.not_namespace)
            and meta["name"].startswith(self.name_prefix)
            and self._named(meta["name"])
            and _not_before(created, self.created_after)
            and _not_before(started, self.started_from)
            and _not_after(finished, self.finished_before)
            and _not_after(started, self.started_to)
            and self.labels.matches(meta.get("labels") or {})
        )

    def _named(self, name: str) -> bool:
        if not self.name:
            return True
        match self.name_filter:
            case "Contains":
                return self.name in name
            case "Prefix":
                return name.startswith(self.name)
            case "NotEquals":
                return name != self.name
            case _:
                return name == self.name

    def page(self, limit: int, offset: int) -> Selection:
        return replace(self, limit=limit, offset=offset)


def of(
    *,
    namespace: str = "",
    name_prefix: str = "",
    name_filter: str = "",
    created_after: str = "",
    finished_before: str = "",
    labels: str = "",
    fields: str = "",
    limit: int = 0,
    continued: str = "",
) -> Selection:
    """Raises BadRequest, in upstream's words."""
    if name_filter not in _FILTERS:
        raise BadRequest(f"nameFilter must be one of {', '.join(_FILTERS[1:])}")
    found: dict[str, Any] = {
        "name_prefix": name_prefix,
        "name_filter": name_filter,
        "created_after": _time(created_after),
        "finished_before": _time(finished_before),
        "labels": parse_labels(labels),
        "limit": min(max(limit, 0), MOST),
        "offset": _offset(continued),
    }
    for term in filter(None, fields.split(",")):
        _read(term, found, namespace)
    if "not_namespace" not in found:
        found.setdefault("namespace", namespace)
    return Selection(**found)


def _read(term: str, found: dict[str, Any], namespace: str) -> None:
    """One term of a field selector; upstream knows these and no others."""
    text = term.strip()
    if text.startswith("metadata.namespace!="):
        found["not_namespace"] = text.partition("!=")[2]
    elif text.startswith("metadata.namespace="):
        given = text.partition("=")[2].removeprefix("=")
        if namespace and given != namespace:
            raise BadRequest(
                f"'namespace' query param (\"{namespace}\") and fieldselector 'metadata.namespace'"
                f' ("{given}") are both specified and contradict each other'
            )
        found["namespace"] = given
    elif text.startswith("metadata.name!="):
        found |= {"name": text.partition("!=")[2], "name_filter": "NotEquals"}
    elif text.startswith("metadata.name="):
        found["name"] = text.partition("=")[2].removeprefix("=")
    elif text.startswith("spec.startedAt>"):
        found["started_from"] = _time(text.partition(">")[2])
    elif text.startswith("spec.startedAt<"):
        found["started_to"] = _time(text.partition("<")[2])
    elif text.startswith("ext.showRemainingItemCount="):
        said = text.partition("=")[2].lower()
        if said not in _PARSE_BOOL:
            raise BadRequest(f"ext.showRemainingItemCount: {said!r} is neither true nor false")
        found["counted"] = _PARSE_BOOL[said]
    else:
        raise BadRequest(f"unsupported requirement {text}")


def _offset(text: str) -> int:
    if not text:
        return 0
    if not text.isascii() or not text.removeprefix("-").isdecimal() or len(text) > 18:
        raise BadRequest("listOptions.continue must be int")
    if int(text) < 0:
        raise BadRequest("listOptions.continue must >= 0")
    return min(int(text), MOST)


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return parse(text)
    except ValueError:
        raise BadRequest(f'"{text}" is not a time (RFC 3339)') from None


def moment(text: Any) -> datetime:
    """A time of an object; the year one for none, as in Go."""
    try:
        return parse(text) if text else NEVER
    except (TypeError, ValueError):
        return NEVER


NEVER = datetime(1, 1, 1, tzinfo=UTC)


def _not_before(time: datetime, limit: datetime | None) -> bool:
    return limit is None or time >= limit


def _not_after(time: datetime, limit: datetime | None) -> bool:
    return limit is None or time <= limit
