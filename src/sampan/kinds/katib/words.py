"""Finalizers, reasons of Events, metrics: what leaves this package and belongs to no one object.

Counted as it happens: experiments and trials that were made, that ended, that went. Looked at when
asked: how many there are now, by their last condition.
Upstream: pkg/controller.v1beta1/{experiment,trial}/util/prometheus_metrics.go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sampan.kube import meta, names
from sampan.kube.keys import Manifest
from sampan.kube.plan import Measure, View
from sampan.lib.prometheus import Labels, Part, gauge

FINALIZER_EXPERIMENT = "update-prometheus-metrics"
FINALIZER_TRIAL = "clean-metrics-in-db"
"""What upstream deletes the rows of a trial under. Here the records follow the deletions of trials
by themselves; the finalizer is there for clients to see, and so that deletions are counted."""
RECONCILE_ERROR = "ReconcileError"


def counted(owner: Manifest, what: str, how: str, help: str) -> Measure:
    """One more of `katib_<what>_<how>_total`, counted once for each object."""
    return Measure(
        name=f"katib_{what}_{how}_total",
        help=help,
        kind="counter",
        value=1.0,
        labels={"namespace": meta.namespace_of(owner)},
        once=how,
    )


def now(cluster: View) -> Iterable[Part]:
    for kind, what in ((names.KATIB_EXPERIMENT, "experiments"), (names.TRIAL, "trials")):
        by: Counter[Labels] = Counter()
        for each in cluster.select(kind):
            said = (each.get("status") or {}).get("conditions") or ()
            last = str(said[-1].get("type")) if said else "Unknown"
            by[(meta.namespace_of(each), last)] += 1
        help = f"The number of current katib {what} in the cluster"
        yield gauge(f"katib_{what}_current", help, dict(by), ("namespace", "status"))
