"""Whether a due activation may start: `suspend`, `stopStrategy`, `when`, `concurrencyPolicy`.

Expressions see the variables `cronworkflow.…`. `when` is text with tags, filled in and then
evaluated as a condition; the stopping condition is one expression.
Upstream: argo-workflows workflow/cron/operator.go enforceRuntimePolicy, expressionEnv.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows.cron.types import Series
from sampan.kinds.workflows.language import expressions, tags
from sampan.kinds.workflows.language.faults import Missing
from sampan.kube.times import parse
from sampan.lib import expr, govaluate

Counts = tuple[int, int]
"""How many children succeeded and failed, those included that ended just now."""


class Broken(Exception):
    """An expression has no value; the text says why."""


def stops(series: Series, counts: Counts) -> bool:
    """Whether the stopping condition is met. Raises Broken."""
    strategy = series.spec.stopStrategy
    if strategy is None:
        return False
    env = {name.removeprefix("cronworkflow."): one for name, one in _known(series, counts).items()}
    try:
        found = expr.compile(strategy.expression).run({"cronworkflow": env})
        if found.__class__ is not bool:
            shown = expr.show(found)
            raise expr.Mistake(f"unable to cast expression result '{shown}' to bool")
    except expr.Mistake as mistake:
        raise Broken(
            f"failed to check CronWorkflow '{series.name}' stopping condition: "
            f"failed to evaluate stop expression: {mistake}"
        ) from mistake
    return bool(found)


def wanted(series: Series, counts: Counts) -> bool:
    """Whether `when` lets the activation start. Raises Broken."""
    when = series.spec.when
    if not when:
        return True
    known = {
        **_known(series, counts),
        expressions.CLOCK: expressions.Present(series.now, series.name),
    }
    try:
        filled = tags.fill(when, known, expressions.ALL)
        found = govaluate.evaluate(filled)
    except (Missing, govaluate.Mistake) as wrong:
        raise Broken(f"run policy error: {wrong}") from wrong
    if found.__class__ is not bool:
        raise Broken(
            f"run policy error: Expected boolean evaluation for '{filled}'. Got {expr.show(found)}"
        )
    return bool(found)


def _known(series: Series, counts: Counts) -> Mapping[str, Any]:
    """`annotations` are the labels: so it is upstream, and expressions may count on it."""
    about, last = series.manifest["metadata"], series.status.lastScheduledTime
    labels, annotations = about.get("labels") or {}, about.get("annotations") or {}
    succeeded, failed = counts
    return {
        "cronworkflow.name": series.name,
        "cronworkflow.namespace": series.namespace,
        "cronworkflow.labels": labels,
        "cronworkflow.annotations": labels,
        "cronworkflow.labels.json": json.dumps(labels, separators=(",", ":"), sort_keys=True),
        "cronworkflow.annotations.json": json.dumps(
            annotations, separators=(",", ":"), sort_keys=True
        ),
        "cronworkflow.succeeded": succeeded,
        "cronworkflow.failed": failed,
        "cronworkflow.lastScheduledTime": expr.time(parse(last)) if last else None,
    }
