"""CronWorkflow: the decision.

    what became of the children (active, succeeded, failed) → the oldest that are over go →
    the stopping condition → a due activation: suspend, when, concurrencyPolicy → a Workflow

Its name is made of the CronWorkflow's and the activation's time, so an activation has one Workflow
at most, whatever is repeated or crashes in between. The kind has no status subresource: status,
labels and annotations are one patch. Upstream: argo-workflows workflow/cron/operator.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sampan.kinds.workflows import figures
from sampan.kinds.workflows.cron import children, policy, schedules
from sampan.kinds.workflows.cron.status import Account
from sampan.kinds.workflows.cron.types import Child, Series, Spec, spec_of, status_of
from sampan.kinds.workflows.resolve import execution
from sampan.kinds.workflows.validate import manifests
from sampan.kube import meta, names
from sampan.kube.conditions import is_true
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Apply, Controller, Delete, Measure, Patch, Plan, View

_LONGEST_NAME = 52
"""Characters; a Workflow's name has eleven more, and no more than 63 (validate.go)."""


def see(cluster: View, key: Key) -> Series | None:
    manifest = cluster.get(key)
    if manifest is None or meta.deleting(manifest):
        return None
    spec, status, now = spec_of(manifest), status_of(manifest), cluster.now()
    owned = cluster.owned(manifest, names.WORKFLOW)
    due = following = None
    try:
        plan = schedules.read(spec)
        due = schedules.due(plan, manifest, spec, status, now)
        following = schedules.following(plan, now)
        fault = _fault(cluster, manifest, spec, due or now, urgent=due is not None)
    except ValueError as wrong:
        fault = str(wrong)
    if due is not None:
        taken = Key(names.WORKFLOW, key.namespace, children.name_for(manifest, due))
    return Series(
        manifest=manifest,
        spec=spec,
        status=status,
        children=tuple(Child(manifest=w) for w in owned if meta.is_controlled_by(w, manifest)),
        fault=fault,
        due=None if fault else due,
        occupied=due is not None and cluster.get(taken) is not None,
        following=following,
        now=now,
    )


def _fault(cluster: View, manifest: Manifest, spec: Spec, due: datetime, *, urgent: bool) -> str:
    """What is wrong with the CronWorkflow. Its Workflow is looked at only while there is none yet
    and when one is to be made: children change often, and each change leads here."""
    name = meta.name_of(manifest)
    if len(name) > _LONGEST_NAME:
        fault = f"must not be more than {_LONGEST_NAME} characters long (currently {len(name)})"
        return f'cron workflow name "{name}" {fault}'
    status = manifest.get("status") or {}
    told = is_true(status.get("conditions"), "SpecError")
    if not urgent and status.get("lastScheduledTime") and not told:
        return ""
    child = children.build(manifest, spec, due)
    whole = execution.see(cluster, child)
    wrong, joined = whole.fault, whole.manifest["spec"]
    if not wrong and (found := manifests.problems(child, whole.library, whole=joined)):
        wrong = found[0].message
    return f"cannot validate Workflow: {wrong}" if wrong else ""


def decide(series: Series) -> Plan:
    account = Account(series)
    actions: list[Action] = list(_forget(series))
    account.conclude()
    if series.due is not None:
        actions += _attempt(series, account, series.due)
    wait = None
    if series.following is not None and not account.stopped and not series.spec.suspend:
        wait = (series.following - series.now).total_seconds()
    patch = account.patch()
    actions += [patch] if patch else []
    return Plan(actions=tuple(actions), again_in=wait, refusal="SubmissionError")


def _forget(series: Series) -> Iterator[Action]:
    """Delete the oldest of the children that are over, beyond the limits."""
    spec = series.spec
    good = [child for child in series.children if child.phase == "Succeeded"]
    bad = [child for child in series.children if child.over and child.phase != "Succeeded"]
    for over, limit, usual in (
        (good, spec.successfulJobsHistoryLimit, 3),
        (bad, spec.failedJobsHistoryLimit, 1),
    ):
        over.sort(key=lambda child: (child.ended, child.name), reverse=True)
        for child in over[limit if limit >= 0 else usual :]:
            yield Delete(_key(series, child.name), meta.uid_of(child.manifest))


def _attempt(series: Series, account: Account, due: datetime) -> list[Action]:
    """Make the Workflow of a due activation, if nothing speaks against it. Within its deadline it
    is tried again whenever something changes."""
    if series.occupied:  # by the one that the round before made
        account.note_schedule()
        account.begun(due)
        return []
    if series.spec.suspend or account.stopped:
        return []
    account.note_schedule()
    first = account.pass_over(due)
    try:
        if not policy.wanted(series, account.counts):
            return []
    except policy.Broken as broken:
        account.complain("SubmissionError", str(broken))
        account.failed += first
        return []
    running = [child for child in series.children if not child.over]
    if series.spec.concurrencyPolicy == "Forbid" and running:
        return [_policy(series)] if first else []
    ended = running if series.spec.concurrencyPolicy == "Replace" else []
    account.begun(due)
    return [
        *(_terminate(series, child) for child in ended),
        *([_policy(series)] if ended else []),
        Apply(children.build(series.manifest, series.spec, due)),
        figures.counted(
            "cronworkflows_triggered_total", "Activations of CronWorkflows",
            {"name": series.name, "namespace": series.namespace},
        ),
    ]  # fmt: skip


def _policy(series: Series) -> Measure:
    policy = series.spec.concurrencyPolicy
    about = {"name": series.name, "namespace": series.namespace, "concurrency_policy": policy}
    name = "cronworkflows_concurrencypolicy_triggered"
    return figures.counted(name, "Times that a concurrencyPolicy acted", about)


def _terminate(series: Series, child: Child) -> Patch:
    body = {"metadata": {"uid": meta.uid_of(child.manifest)}, "spec": {"shutdown": "Terminate"}}
    return Patch(_key(series, child.name), body)


def _key(series: Series, name: str) -> Key:
    return Key(names.WORKFLOW, series.namespace, name)


CRON_WORKFLOW = Controller(name="cronworkflow", of=names.CRON_WORKFLOW, see=see, decide=decide)
