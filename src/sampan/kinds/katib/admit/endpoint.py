"""What is wrong with an endpoint that metrics are read from, in the kind PrometheusMetric.

Rules beyond those of upstream, which has no collector for it, hold where ours reads it: it asks the
pod of the trial and nobody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sampan.kinds.katib import settings as configured
from sampan.kinds.katib.settings import Settings
from sampan.kinds.katib.types import HttpGet, Source, Spec
from sampan.kube.errors import Problem, invalid
from sampan.lib import exposition

KIND = "PrometheusMetric"
_SOURCE = "spec.metricsCollectorSpec.source"
_AT = f"{_SOURCE}.httpGet"
_POD = ("", "localhost", "127.0.0.1", "::1")
_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_TEXT = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_PATH = re.compile(r"/[\x21-\x7e]*")
_LAST_PORT = 65_535


def problems(source: Source, kind: str) -> Iterator[Problem]:
    """As upstream."""
    where = source.httpGet or HttpGet()
    port = str(where.port)
    if not port.isdecimal() or int(port) <= 0:
        fault = f"must be a positive integer value for metrics collector kind: {kind}"
        yield invalid(f"{_AT}.port", port, fault)
    if not (where.path or "").startswith("/"):
        fault = f"path is invalid for metrics collector kind: {kind}"
        yield invalid(f"{_AT}.path", where.path or "", fault)


def own_problems(spec: Spec, settings: Settings) -> Iterator[Problem]:
    """Where the node reads it."""
    given = spec.metricsCollectorSpec
    kind = given.collector.kind if given and given.collector else None
    if kind != KIND or not _is_own(settings):
        return
    source = (given.source if given else None) or Source()
    yield from _of_request(source.httpGet or HttpGet())
    if source.filter is not None:
        fault = "must be empty: metrics are found by their names"
        yield invalid(f"{_SOURCE}.filter", "", fault)
    yield from _of_names(spec)


def _is_own(settings: Settings) -> bool:
    try:
        return configured.scrapes(settings.collector(KIND))
    except ValueError:
        return False


def _of_request(where: HttpGet) -> Iterator[Problem]:
    port = str(where.port)
    if port.isdecimal() and int(port) > _LAST_PORT:
        yield invalid(f"{_AT}.port", port, f"must be between 1 and {_LAST_PORT}, inclusive")
    path = where.path or ""
    if path.startswith("/") and not _PATH.fullmatch(path):
        yield invalid(f"{_AT}.path", path, "must be of printable characters without blanks")
    if (where.scheme or "HTTP") not in ("HTTP", "HTTPS"):
        yield invalid(f"{_AT}.scheme", where.scheme, "must be HTTP or HTTPS")
    if (where.host or "") not in _POD:
        fault = "must be empty or localhost: metrics are those of the pod of the trial"
        yield invalid(f"{_AT}.host", where.host, fault)
    for place, each in enumerate(where.httpHeaders or ()):
        at = f"{_AT}.httpHeaders[{place}]"
        if not _TOKEN.fullmatch(each.name or ""):
            yield invalid(f"{at}.name", each.name or "", "must be a name of an HTTP header")
        if not _TEXT.fullmatch(each.value or ""):
            yield invalid(f"{at}.value", each.value, "must be of printable characters")


def _of_names(spec: Spec) -> Iterator[Problem]:
    objective = spec.objective
    if objective is None:
        return
    named = [("objectiveMetricName", objective.objectiveMetricName or "")]
    more = objective.additionalMetricNames or ()
    named += [(f"additionalMetricNames[{place}]", each) for place, each in enumerate(more)]
    for field, name in named:
        try:
            exposition.series(name)
        except exposition.Malformed as wrong:
            yield invalid(f"spec.objective.{field}", name, str(wrong))
            continue
        if ";" in name:
            yield invalid(f"spec.objective.{field}", name, "must not contain ';'")
