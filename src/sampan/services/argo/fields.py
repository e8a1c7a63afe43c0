"""`fields=`: which parts of an answer are wanted, or with a leading `-` which are not.

    fields=items.metadata.name,items.status.phase       fields=-items.status.nodes

Paths go through lists without naming them. Upstream: argo-workflows util/fields.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Fields(Struct, frozen=True):
    """Without paths everything is wanted."""

    paths: frozenset[str] = frozenset()
    exclude: bool = False

    def of(self, value: Any, path: str = "") -> Any:
        """The wanted parts; the value itself stays as it is."""
        if not self.paths:
            return value
        if isinstance(value, list):
            return [self.of(each, path) for each in value]
        if not isinstance(value, dict):
            return value
        kept = {}
        for key, each in value.items():
            at = f"{path}.{key}" if path else key
            named = at in self.paths
            if named if self.exclude else not self._leads(at):
                continue
            kept[key] = each if named else self.of(each, at)
        return kept

    def _leads(self, path: str) -> bool:
        """Whether a wanted path begins like this one, as upstream compares: letter by letter."""
        return any(each.startswith(path) for each in self.paths)


def parse(text: str, prefix: str = "") -> Fields:
    """`prefix` is cut off the paths: a watch's are told as those of its events."""
    if not text:
        return Fields()
    exclude = text.startswith("-")
    paths = text.removeprefix("-").split(",")
    return Fields(frozenset(path.removeprefix(prefix) for path in paths), exclude)
