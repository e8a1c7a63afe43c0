"""Regular expressions: `test`, `match` and what is made of them. Go's syntax; see lib.regex."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from sampan.lib.jq.faults import Fault, Mistake
from sampan.lib.jq.values import Machine, described, preview
from sampan.lib.regex.patterns import Pattern, PatternError, compiled, translate

_LONG = 20_000
"""Characters from which on only a pattern that cannot run away is tried."""


def occurs(machine: Machine, value: Any, pattern: Any, flags: Any = None) -> bool:
    """Whether the pattern occurs. Raises Fault."""
    text, found, _ = _checked(machine, "test", value, pattern, flags)
    machine.tick(1 + len(text) // 64)
    answer = found.search(text)
    if answer is None:
        raise Mistake("the text is too long for the regular expression")
    return answer


def match(
    machine: Machine, value: Any, pattern: Any, flags: Any = None, *, every: bool = False
) -> list[dict[str, Any]]:
    """What the pattern matches, with its groups. Raises Fault."""
    text, found, given = _checked(machine, "match", value, pattern, flags)
    if found.risky or len(text) > _LONG:
        raise Mistake("the regular expression could take too long for this text")
    matches = _matches(_compiled(str(pattern), "i" in given, "m" in given), text)
    taken: list[dict[str, Any]] = []
    for each in matches:
        machine.tick(4)
        taken.append(_described(each))
        if not (every or "g" in given):
            break
    return taken


def captures(found: dict[str, Any]) -> dict[str, Any]:
    """The named groups of a match, by name."""
    return {each["name"]: each["string"] for each in found["captures"] if each["name"]}


def _checked(
    machine: Machine, name: str, value: Any, pattern: Any, flags: Any
) -> tuple[str, Pattern, str]:
    good = isinstance(value, str) and isinstance(pattern, str)
    if not good or not isinstance(flags, str | None):
        given = f"{preview(machine, pattern)}; {preview(machine, flags)}"
        raise Fault(f"{name}({given}) cannot be applied to: {described(machine, value)}")
    given = flags or ""
    if set(given) - set("gim"):
        raise Fault(f'unsupported regular expression flag: "{given}"')
    prefix = ("(?i)" if "i" in given else "") + ("(?s)" if "m" in given else "")
    try:
        return value, compiled(_flagged(prefix, pattern) if prefix else pattern), given
    except PatternError as wrong:
        raise Fault(f'invalid regular expression "{prefix}{pattern}": {wrong}') from None


def _flagged(prefix: str, pattern: str) -> str:
    """Python wants flags in one group at the beginning."""
    return f"(?{''.join(re.findall('[is]', prefix))}){pattern}"


@lru_cache(maxsize=256)
def _compiled(pattern: str, ignore_case: bool, dot_all: bool) -> re.Pattern[str]:
    flags = re.ASCII | (re.IGNORECASE if ignore_case else 0) | (re.DOTALL if dot_all else 0)
    return re.compile(translate(pattern), flags)


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """As Go finds them: no empty match right behind another match."""
    last = -1
    for found in pattern.finditer(text):
        if found.start() == found.end() == last:
            continue
        last = found.end()
        yield found


def _described(found: re.Match[str]) -> dict[str, Any]:
    names = {at: name for name, at in found.re.groupindex.items()}
    groups = [
        {
            "name": names.get(at),
            "offset": found.start(at),
            "length": found.end(at) - found.start(at),
            "string": found[at],
        }
        for at in range(1, found.re.groups + 1)
    ]
    start, end = found.span()
    return {"offset": start, "length": end - start, "string": found[0], "captures": groups}
