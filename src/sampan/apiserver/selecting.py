"""Selection: which objects of a kind a list, a watch or a deletecollection means.

Looks only at what the store has indexed, so nothing is decoded to be left out; fields of custom
resources excepted.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from msgspec import Struct

from sampan.apiserver.resources import Resource
from sampan.apiserver.traits import Path, selectable
from sampan.kube.errors import BadRequest
from sampan.kube.selectors import EVERYTHING, FieldTerm, LabelSelector, parse_fields, parse_labels
from sampan.store.records import Record

_METADATA = ("metadata.name", "metadata.namespace")


class Selection(Struct, frozen=True):
    """`namespace` "" is all; `name` is set when a field selector asks for exactly one name.

    `paths` are the fields of a custom resource: a definition may change which there are, and each
    version has its own, so they are not indexed but looked up in the object."""

    namespace: str = ""
    name: str = ""
    labels: LabelSelector = EVERYTHING
    fields: tuple[FieldTerm, ...] = ()
    absent: dict[str, str] = {}
    paths: Mapping[str, tuple[Path, str]] = {}

    @property
    def plain(self) -> bool:
        """Whether it takes everything in the namespace."""
        return self.labels.empty and not self.fields

    def matches(self, record: Record) -> bool:
        """Whether an object of the right kind is meant."""
        key = record.key
        if self.namespace and key.namespace != self.namespace:
            return False
        if not self.labels.empty and not self.labels.matches(record.index.labels):
            return False
        found = self._found(record) if self.fields else {}
        for name, operator, wanted in self.fields:
            if name == "metadata.name":
                has = key.name
            elif name == "metadata.namespace":
                has = key.namespace
            else:
                has = found.get(name, self.absent[name])
            if (has == wanted) is (operator == "!="):
                return False
        return True

    def _found(self, record: Record) -> Mapping[str, str]:
        """The values of the fields that are not what they are when absent."""
        if not self.paths:
            return record.index.fields
        return selectable(self.paths, orjson.loads(record.data))


def one_name(field_text: str) -> str:
    """The only name that a field selector admits, "" when there is no such."""
    if "metadata.name" not in field_text:
        return ""
    return _one_name(parse_fields(field_text))


def _one_name(fields: tuple[FieldTerm, ...]) -> str:
    names = {value for name, op, value in fields if name == "metadata.name" and op == "="}
    return names.pop() if len(names) == 1 else ""


def select(resource: Resource, namespace: str, label_text: str, field_text: str) -> Selection:
    """The selection that a query asks for. Raises BadRequest."""
    if not label_text and not field_text:
        return Selection(namespace)
    fields = parse_fields(field_text) if field_text else ()
    absent = {name: default for name, (_, default) in resource.trait.fields.items()}
    renamed = resource.conversion.fields if resource.conversion else dict.fromkeys(absent, "")
    for name, _, _ in fields:
        if name not in renamed and name not in _METADATA:
            known = ", ".join(f'"{known}"' for known in (*_METADATA, *renamed))
            raise BadRequest(f'"{name}" is not a known field selector: only {known}')
    fields = tuple((renamed.get(name) or name, is_, value) for name, is_, value in fields)
    return Selection(
        namespace,
        _one_name(fields),
        parse_labels(label_text) if label_text else EVERYTHING,
        fields,
        absent,
        resource.trait.fields if resource.custom else {},
    )
