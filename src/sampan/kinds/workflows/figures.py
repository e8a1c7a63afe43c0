"""What /metrics says of workflows as a whole, in upstream's names.

Counted as it happens: workflows by phase, runs of templates, CronWorkflows. Looked at when asked:
how many workflows, conditions and pods there are now.
Upstream: argo-workflows docs/metrics.md, workflow/metrics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from sampan import __version__
from sampan.kinds.workflows.metrics import PREFIX
from sampan.kinds.workflows.status import Word
from sampan.kinds.workflows.walk import Walk
from sampan.kube import names
from sampan.kube.plan import Measure, View
from sampan.kube.times import parse
from sampan.lib.prometheus import Family, Labels, Part, gauge

_PHASES = ("Pending", "Running", "Succeeded", "Failed", "Error")
_TEMPLATES = ((names.LABEL_WORKFLOW_TEMPLATE, "false"),
              (names.LABEL_CLUSTER_WORKFLOW_TEMPLATE, "true"))  # fmt: skip
_RUNTIMES = (60.0, 300.0, 900.0, 3600.0, 14400.0, 43200.0)


def of_phase(walk: Walk, word: Word) -> Iterator[Measure]:
    """What to count when a workflow comes into another phase."""
    run = walk.workflow
    if word.phase == run.phase:
        return
    labels = {"phase": word.phase, "namespace": run.namespace}
    yield counted(
        "total_count", "Workflows by the phases that they came into", labels, f"/{word.phase}"
    )
    own = run.manifest["metadata"].get("labels") or {}
    for label, scope in _TEMPLATES:
        if label not in own:
            continue
        about = {"name": own[label], "namespace": run.namespace, "cluster_scope": scope}
        yield counted(
            "workflowtemplate_triggered_total", "Runs of WorkflowTemplates by phase",
            {**about, "phase": word.phase}, f"/template/{word.phase}",
        )  # fmt: skip
        if word.done and (began := run.status.get("startedAt")):
            yield Measure(
                name=f"{PREFIX}workflowtemplate_runtime",
                help="Seconds that runs of WorkflowTemplates took", kind="histogram",
                value=(run.now - parse(began)).total_seconds(), labels=about, bounds=_RUNTIMES,
                once="/template/runtime",
            )  # fmt: skip


def counted(name: str, help: str, labels: dict[str, str], once: str = "") -> Measure:
    return Measure(
        name=PREFIX + name, help=help, kind="counter", value=1.0, labels=labels, once=once
    )


def now(cluster: View) -> Iterable[Part]:
    """What there is now."""
    phases: Counter[Labels] = Counter({(phase,): 0 for phase in _PHASES})
    conditions: Counter[Labels] = Counter()
    for workflow in cluster.select(names.WORKFLOW):
        labels = workflow["metadata"].get("labels") or {}
        phases[(labels.get(names.LABEL_WORKFLOW_PHASE) or "Pending",)] += 1
        for each in (workflow.get("status") or {}).get("conditions") or ():
            conditions[(str(each.get("type")), str(each.get("status")))] += 1
    exists = {"matchExpressions": [{"key": names.LABEL_WORKFLOW, "operator": "Exists"}]}
    pods: Counter[Labels] = Counter()
    for pod in cluster.select(names.POD, "", exists):
        pods[(str((pod.get("status") or {}).get("phase") or "Pending"),)] += 1
    yield gauge(f"{PREFIX}gauge", "Workflows that there are, by phase", dict(phases), ("phase",))
    yield gauge(
        f"{PREFIX}workflow_condition",
        "Conditions of workflows",
        dict(conditions),
        ("type", "status"),
    )
    yield gauge(f"{PREFIX}pods_gauge", "Pods of workflows that there are", dict(pods), ("phase",))
    yield gauge(f"{PREFIX}is_leader", "Whether this controller is the one that acts", 1)
    versions: dict[Labels, float] = {(__version__,): 1.0}
    yield Family(f"{PREFIX}version", "The version", "gauge", ("version",), versions)
