"""Entries of metadata.managedFields: who manages which fields, since when, by which operation.

Entries are kept in the order of a real server: by operation, time, manager, version, subresource.
One with no fields left is dropped. At most ten managers may be there by updates; the oldest are
then thrown together. Upstream: k8s.io/apimachinery pkg/util/managedfields/internal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from msgspec import Struct

from sampan.apiserver.apply.fieldsets import FieldSet, is_well_formed, union

MAX_UPDATERS = 10
ANCIENT = "ancient-changes"
BEFORE_FIRST_APPLY = "before-first-apply"
APPLY, UPDATE = "Apply", "Update"


class Manager(Struct, frozen=True):
    """Who. For an Apply the version does not matter: its entry is one over all versions."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    def is_same(self, entry: Entry) -> bool:
        return (
            entry.name == self.name
            and entry.operation == self.operation
            and entry.subresource == self.subresource
            and (self.operation == APPLY or entry.api_version == self.api_version)
        )


class Entry(Struct, frozen=True):
    """One entry, with the JSON that it came from as long as nothing about it has changed."""

    name: str
    operation: str
    api_version: str
    subresource: str
    time: str
    fields: FieldSet
    source: dict[str, Any] | None = None

    def with_fields(self, fields: FieldSet, *, time: str = "", api_version: str = "") -> Entry:
        return Entry(
            self.name,
            self.operation,
            api_version or self.api_version,
            self.subresource,
            time or self.time,
            fields,
        )

    def written(self) -> dict[str, Any]:
        if self.source is not None:
            return self.source
        made: dict[str, Any] = {"manager": self.name} if self.name else {}
        made["operation"] = self.operation
        made["apiVersion"] = self.api_version
        if self.time:
            made["time"] = self.time
        made["fieldsType"] = "FieldsV1"
        made["fieldsV1"] = _shared(self.fields)
        if self.subresource:
            made["subresource"] = self.subresource
        return made

    def shown(self) -> str:
        """As a conflict names it."""
        text = f'"{self.name}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return f"{text} using {self.api_version}" if self.operation == UPDATE else text


_known: dict[bytes, FieldSet] = {}
_MOST_KNOWN, _LONGEST_KNOWN = 256, 4096


def share(managed: Any) -> None:
    """Let field sets be in memory once; for entries just decoded, that nobody else reads yet."""
    for entry in managed or ():
        if entry.__class__ is dict and entry.get("fieldsV1").__class__ is dict:
            entry["fieldsV1"] = _shared(entry["fieldsV1"])


def _shared(fields: FieldSet) -> FieldSet:
    """The same set, but each of its parts once in memory: a few managers write thousands of objects
    in the same way, and what they manage is three quarters of a decoded pod."""
    return {key: _once(part) for key, part in fields.items()}


def _once(part: FieldSet) -> FieldSet:
    try:
        text = orjson.dumps(part)
    except orjson.JSONEncodeError:  # too deep; whoever writes it says so
        return part
    if len(text) > _LONGEST_KNOWN:
        return part
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    return _known.setdefault(text, part)


def new_entry(manager: Manager, time: str, fields: FieldSet) -> Entry:
    return Entry(
        manager.name, manager.operation, manager.api_version, manager.subresource, time, fields
    )


def read(managed: Any) -> list[Entry] | None:
    """The entries; None when they are not what a server could have written."""
    if not isinstance(managed, list):
        return None
    entries = []
    for source in managed:
        if not isinstance(source, dict) or source.get("operation") not in (APPLY, UPDATE):
            return None
        fields = source.get("fieldsV1", {})
        if fields.__class__ is not dict:
            return None
        entries.append(
            Entry(
                str(source.get("manager") or ""),
                source["operation"],
                str(source.get("apiVersion") or ""),
                str(source.get("subresource") or ""),
                str(source.get("time") or ""),
                fields,
                source,
            )
        )
    return entries


def trusted(managed: Any) -> list[Entry] | None:
    """`read` for entries that a client sent."""
    entries = read(managed)
    if entries is None or not all(is_well_formed(entry.fields) for entry in entries):
        return None
    return entries


def changed(entries: list[Entry], change: Callable[[FieldSet], FieldSet]) -> list[Entry]:
    """Entries with `change` applied to their fields, without those that have none left."""
    kept = []
    for entry in entries:
        fields = change(entry.fields)
        if fields is entry.fields:
            kept.append(entry)
        elif fields:
            kept.append(entry.with_fields(fields))
    return kept


def written(entries: list[Entry]) -> list[dict[str, Any]]:
    """The value of metadata.managedFields."""
    if len(entries) > 1:
        if sum(entry.operation == UPDATE for entry in entries) > MAX_UPDATERS:
            entries = _capped(entries)
        entries = sorted(entries, key=_order)
    return [entry.written() for entry in entries if entry.fields]


def _order(entry: Entry) -> tuple[str, ...]:
    return (entry.operation, entry.time, entry.name, entry.api_version, entry.subresource)


def _capped(entries: list[Entry]) -> list[Entry]:
    """The oldest updates of each version thrown together under one name."""
    updates = sorted((entry for entry in entries if entry.operation == UPDATE), key=_order)
    surplus = len(updates) - MAX_UPDATERS + 1
    ancient: dict[str, Entry] = {}
    for entry in updates[:surplus]:
        mine = ancient.get(entry.api_version)
        fields = union(mine.fields, entry.fields) if mine else entry.fields
        ancient[entry.api_version] = Entry(
            ANCIENT, UPDATE, entry.api_version, "", entry.time, fields
        )
    rest = [entry for entry in entries if entry.operation == APPLY]
    return [*rest, *ancient.values(), *updates[surplus:]]
