"""Table: which handler answers a method and a path.

A pattern is a path whose parts in braces stand for anything; a part may end with a verb:

    ("POST", "apis/v2beta1/runs/{run_id}:retry", retry)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from sampan.services.errors import UNIMPLEMENTED, Refused, not_found

H = TypeVar("H")
Row = tuple[str, str, H]
_Pattern = tuple[str, ...]


class Table(Generic[H]):
    """`may_be_empty` names what may stand for nothing in a path."""

    def __init__(self, rows: Iterable[Row[H]], *, may_be_empty: Collection[str] = ()) -> None:
        self._empty = may_be_empty
        self._rows: dict[tuple[str, int], list[tuple[_Pattern, H]]] = {}
        for method, path, handler in rows:
            pattern = tuple(path.split("/"))
            self._rows.setdefault((method, len(pattern)), []).append((pattern, handler))
        for patterns in self._rows.values():
            patterns.sort(key=lambda each: _openness(each[0]))

    def patterns(self) -> Iterable[tuple[str, str]]:
        """Methods and paths, as they were given."""
        for (method, _), rows in self._rows.items():
            yield from ((method, "/".join(pattern)) for pattern, _ in rows)

    def find(self, method: str, parts: Sequence[str]) -> tuple[H, Mapping[str, str]]:
        """Raises Refused: 404, or 501 for another method than those that there are."""
        wanted = "GET" if method == "HEAD" else method
        for pattern, handler in self._rows.get((wanted, len(parts)), ()):
            if (path := self._match(pattern, parts)) is not None:
                return handler, path
        others = (each for (_, size), each in self._rows.items() if size == len(parts))
        if any(self._match(pattern, parts) is not None for each in others for pattern, _ in each):
            raise Refused(UNIMPLEMENTED, "Method Not Allowed")
        raise not_found("Not Found")

    def _match(self, pattern: _Pattern, parts: Sequence[str]) -> Mapping[str, str] | None:
        found = {}
        for wanted, part in zip(pattern, parts, strict=True):
            name, brace, verb = wanted.partition("}")
            if brace:
                value = part.removesuffix(verb)
                if not part.endswith(verb) or not (value or name[1:] in self._empty):
                    return None
                found[name[1:]] = value
            elif wanted != part:
                return None
        return found


def _openness(pattern: _Pattern) -> tuple[int, ...]:
    """What names a part comes before what names its verb, and that before what takes anything."""
    return tuple((0 if not part.startswith("{") else 1 + part.endswith("}")) for part in pattern)
