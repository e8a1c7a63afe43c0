"""Job: run pods until enough of them succeeded.

    started -> SuccessCriteriaMet -> Complete
            -> FailureTarget      -> Failed (BackoffLimitExceeded, DeadlineExceeded)

The second condition of a row comes when no pod is left. A failed pod is replaced after 10 s, 20 s,
40 s … (at most ten minutes); a pod that was deleted before its end is replaced at once and is no
failure. What is counted is in `tally`, which pods to start in `jobpods`, what is said in
`jobstatus`. Upstream: kubernetes pkg/controller/job.
"""

from __future__ import annotations

from collections.abc import Iterator

from sampan.kinds.workloads import jobpods, jobstatus, pods, tally
from sampan.kinds.workloads.jobs import Run, Spec, Status
from sampan.kinds.workloads.tally import Tally
from sampan.kinds.workloads.types import look, view
from sampan.kube import meta, names
from sampan.kube.keys import Key
from sampan.kube.plan import Action, Controller, Delete, Emit, Plan, View


def see(cluster: View, key: Key) -> Run | None:
    manifest = cluster.get(key)
    if manifest is None:
        return None
    spec = view(Spec, manifest["spec"])
    if spec.managedBy not in (None, names.JOB_CONTROLLER):
        return None
    return Run(
        manifest=manifest,
        spec=spec,
        status=view(Status, manifest.get("status")),
        pods=tuple(look(pod) for pod in cluster.owned(manifest, names.POD)),
        now=cluster.now(),
    )


def decide(run: Run) -> Plan:
    if run.finished:
        return _after(run)
    count = tally.count(run)
    if meta.deleting(run.manifest):
        return Plan(status=jobstatus.report(run, count, None))
    verdict = jobstatus.judge(run, count)
    if verdict is not None or run.spec.suspend:
        left = [pod for pod in run.pods if not pod.ended]
        actions = [*_stop(run), *jobstatus.tell(run, verdict, ends=not left)]
        return Plan(
            status=jobstatus.report(run, count, verdict, ends=not left), actions=tuple(actions)
        )
    wait, changes = _move(run, count)
    return Plan(
        status=jobstatus.report(run, count, None),
        actions=(*changes, *jobstatus.tell(run, None)),
        again_in=pods.soonest(wait, jobstatus.deadline(run)),
    )


def _move(run: Run, count: Tally) -> tuple[float | None, list[Action]]:
    """Start what is missing, unless it is too soon after a failure; stop what is too much."""
    missing = jobpods.missing(run, count)
    actions: list[Action] = []
    for pod in jobpods.spare(run, count):
        actions += pods.delete(run.manifest, pod)
    if missing and (wait := tally.backoff(run)) > 0:
        return wait, actions
    for manifest in missing:
        actions += pods.create(manifest)
    return None, actions


def _stop(run: Run) -> Iterator[Action]:
    for pod in run.pods:
        if pod.active:
            yield from pods.delete(run.manifest, pod)


def _after(run: Run) -> Plan:
    """A finished Job: nothing runs, and one day it goes."""
    actions = list(_stop(run))
    lifetime, ended = run.spec.ttlSecondsAfterFinished, jobstatus.finished_at(run)
    if lifetime is None or ended is None or meta.deleting(run.manifest):
        return Plan(actions=tuple(actions))
    left = lifetime - (run.now - ended).total_seconds()
    if left > 0:
        return Plan(actions=tuple(actions), again_in=left)
    key = Key(names.JOB, meta.namespace_of(run.manifest), meta.name_of(run.manifest))
    told = Emit("Normal", "TTLExpired", "Job outlived ttlSecondsAfterFinished")
    return Plan(actions=(told, Delete(key, meta.uid_of(run.manifest))))


JOB = Controller(name="job", of=names.JOB, see=see, decide=decide)
