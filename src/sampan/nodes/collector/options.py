"""What a collector is asked for: the flags of upstream's images.

Upstream: cmd/metricscollector/v1beta1/{file-metricscollector/main.go,tfevent-metricscollector}.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from sampan.nodes.executor.job import Failed

USAGE = 2
"""The exit code of who does not understand what it is asked."""
_TEXTS = {"t": "trial", "o-type": "objective", "path": "path", "url": "url"}
_LISTS = {"m": "metrics", "f": "filters"}
_IGNORED = ("s-db", "s-earlystop", "p", "timeout")
"""Addresses of services that the node reaches without, and times that it does not need."""


class Rule(Struct, frozen=True):
    """`start`: how many reports of the metric are waited for, 0 for none."""

    metric: str
    value: str
    comparison: str
    start: int


class Options(Struct, kw_only=True):
    """`metrics`: the objective first. `form`: TEXT, JSON, or "" for files of events.
    `waits_for_all`: for the other containers of the pod too. `url` and `headers`, such as
    "name: value": where a program tells its metrics itself; no image of upstream's has these."""

    trial: str = ""
    metrics: tuple[str, ...] = ()
    objective: str = ""
    path: str = ""
    form: str = ""
    filters: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    waits_for_all: bool = True
    url: str = ""
    headers: tuple[str, ...] = ()


def read(args: Sequence[str]) -> Options:
    """Failed for flags that nobody knows."""
    options, words = Options(), list(args)
    while words:
        flag, separator, value = words.pop(0).partition("=")
        if not flag.startswith("-"):
            raise Failed(f"unexpected argument: {flag}", USAGE)
        if not separator:
            if not words:
                raise Failed(f"flag needs an argument: {flag}", USAGE)
            value = words.pop(0)
        _take(options, flag.lstrip("-"), value)
    return options


def _take(options: Options, flag: str, value: str) -> None:
    if flag in _TEXTS:
        setattr(options, _TEXTS[flag], value)
    elif flag in _LISTS:
        setattr(options, _LISTS[flag], tuple(value.split(";")) if value else ())
    elif flag == "format":
        if value not in ("TEXT", "JSON"):
            raise Failed("format must be set TEXT or JSON", USAGE)
        options.form = value
    elif flag == "w":
        options.waits_for_all = value.lower() in ("true", "t", "1")
    elif flag == "header":
        options.headers = (*options.headers, value)
    elif flag == "stop-rule":
        options.rules = (*options.rules, _rule(value))
    elif flag not in _IGNORED:
        raise Failed(f"flag provided but not defined: -{flag}", USAGE)


def _rule(text: str) -> Rule:
    parts = text.split(";")
    if len(parts) != 4:
        raise Failed(f"Invalid Early Stopping rule: {text}", USAGE)
    metric, value, comparison, start = parts
    try:
        float(value)
        return Rule(metric, value, comparison, int(start))
    except ValueError as wrong:
        raise Failed(f"Invalid Early Stopping rule: {text}: {wrong}", USAGE) from None
