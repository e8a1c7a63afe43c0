"""Expressions in tags and fields: what they see, and when they cannot be evaluated yet.

They are written in expr (`sampan.lib.expr`). The variables are those of simple tags, spread out to
maps: `tasks.a.outputs.result` is `tasks['a'].outputs.result`. Where a name stands for a text and is
also the beginning of other names (`inputs.parameters`), the text gives way.
Upstream: argo-workflows util/template/expression_template.go, util/expr/env, util/expand.
"""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from sampan.kinds.workflows.language.faults import Missing
from sampan.lib import expr, jsonpath, printf
from sampan.lib.later import later

ALL = ("*",)
"""As strict names: every variable must be known."""
LATE = frozenset({
    "item", "retries", "lastRetry.exitCode", "lastRetry.status", "lastRetry.duration",
    "lastRetry.message", "workflow.status", "workflow.failures",
})  # fmt: skip
"""Variables that come only with a later pass. An expression that reads one waits for it, even if
it could do without."""


CLOCK = "now()"
"""The variable, which no tag can name, that holds the `Present`."""


class Present:
    """When a decision is made, and what is drawn by chance in it: all draws differ, and a decision
    that is made again draws the same."""

    def __init__(self, now: datetime, salt: str) -> None:
        """`now` is aware; salt: of whom the decision is."""
        self.now = now
        self._salt = salt
        self._draws = 0

    def seed(self) -> str:
        self._draws += 1
        return f"{self.now.isoformat()}/{self._salt}/{self._draws}"


def functions(known: Mapping[str, Any]) -> Mapping[str, Any]:
    """What expressions can call; those of time and chance only where the present is known."""
    present: Present | None = known.get(CLOCK)
    if present is None:
        return FUNCTIONS
    timed = {"now": lambda: present.now, "sprig": Sprig(present)}
    return ChainMap(timed, dict(FUNCTIONS))


class Sprig(Mapping[str, Any]):
    """sprig's functions, those of time and chance only with a present. Loaded when one is named."""

    def __init__(self, present: Present | None = None) -> None:
        self._present = present

    @cached_property
    def _functions(self) -> Mapping[str, Any]:
        sprig = later("sampan.lib.sprig")
        found: Mapping[str, Any] = sprig.FUNCTIONS
        present = self._present
        return found if present is None else sprig.functions(present.now, present.seed())

    def __getitem__(self, name: str) -> Any:
        return self._functions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)


def demanded(name: str, strict: Collection[str]) -> bool:
    """Whether a name must be known, for its first word is among the strict ones."""
    return bool(strict) and (strict is ALL or name.partition(".")[0] in strict)


def replaced(source: str, known: Mapping[str, Any], strict: Collection[str]) -> str | None:
    """What a tag with this expression stands for; None while it has to wait. Raises Missing."""
    try:
        program = expr.compile(source, functions(known))
        env = environment(known, program.names)
        missing = [name for name in sorted(program.names) if not _has(env, name)]
        for name in missing:
            if demanded(name, strict):
                raise Missing(f"failed to evaluate expression: {name} is missing")
        waits = bool(missing) or not strict
        if any(name in LATE for name in missing):
            return None
    except expr.Mistake as mistake:
        raise Missing(f"failed to evaluate expression: {mistake}") from mistake
    try:
        result = program.run(env)
        if result is None and not waits:
            raise Missing(f'failed to evaluate expression "{source}"')
        return None if result is None else shown(result)
    except expr.Mistake as mistake:
        if waits:
            return None
        raise Missing(f"failed to evaluate expression: {mistake}") from mistake


def evaluate(source: str, known: Mapping[str, Any]) -> Any:
    """The value of an expression that stands in a field of its own. Raises Missing."""
    try:
        program = expr.compile(source, functions(known))
        return program.run(environment(known, program.names))
    except expr.Mistake as mistake:
        raise Missing(str(mistake)) from mistake


def shown(value: Any) -> str:
    """A result as text: a text as it is, everything else as JSON. Raises expr.Mistake."""
    if isinstance(value, str):
        return value
    text = expr.marshal(value)
    return str(json.loads(text)) if text.startswith('"') else text


def printed(value: Any) -> str:
    """A value as the text of a parameter: as Go prints it, `[1 a]` for a list. Raises Missing."""
    try:
        return value if isinstance(value, str) else printf.sprintf("%v", value)
    except printf.Mistake as mistake:
        raise Missing(str(mistake)) from mistake


def environment(known: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The variables below the first words of these names, as nested maps."""
    wanted = {name.partition(".")[0] for name in names} - FUNCTIONS.keys()
    env: dict[str, Any] = {}
    if not wanted:
        return env
    for name in known:
        if name.partition(".")[0] in wanted:
            _spread(env, name.split("."), known[name])
    return env


def _spread(env: dict[str, Any], parts: list[str], value: Any) -> None:
    *above, last = parts
    for part in above:
        below = env.get(part)
        if not isinstance(below, _Level):
            if isinstance(below, Mapping):
                return  # an artifact: it holds its members itself
            below = env[part] = _Level()
        env = below
    if isinstance(value, Mapping) or not isinstance(env.get(last), _Level):
        env[last] = value


class _Level(dict[str, Any]):
    """A map made of names, as against one that is a value."""


def _has(env: Mapping[str, Any], name: str) -> bool:
    first, *parts = name.split(".")
    if first in FUNCTIONS:
        return True
    if first not in env:
        return False
    value = env[first]
    for part in parts:
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return True


def _int(value: Any) -> Any:
    return expr.compile("int(value)").run({"value": value})


def _float(value: Any) -> Any:
    return expr.compile("float(value)").run({"value": value})


def _json_path(text: str, path: str) -> Any:
    """A path that can name one value alone gives that, any other a list. Raises expr.Mistake."""
    try:
        found, compiled = json.loads(text), jsonpath.compile(path, joined=True)
    except ValueError as fault:
        raise expr.Mistake(f"jsonpath: {fault}") from fault
    values = compiled.find(found)
    if not compiled.definite:
        return values
    if not values:
        raise expr.Mistake(f"jsonpath: nothing found at {path!r}")
    return values[0]


FUNCTIONS: Mapping[str, Any] = {
    "asInt": _int,
    "asFloat": _float,
    "jsonpath": _json_path,
    "toJson": expr.marshal,
    "sprig": Sprig(),
}
"""What expressions can call beside the language's own functions."""
