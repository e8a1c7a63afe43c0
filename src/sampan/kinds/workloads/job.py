"""Job: run pods until enough of them succeeded.

    started -> SuccessCriteriaMet -> Complete
            -> FailureTarget      -> Failed (BackoffLimitExceeded, DeadlineExceeded, …)

The second condition of a row comes when no pod is left. A failed pod is replaced after 10 s, 20 s,
40 s … (at most ten minutes); one that is deleted before its end has failed too. What is counted is
in `tally`, what a failure means in `jobfailures`, when it is over in `jobverdict`, which pods to
start in `jobpods`, what is said in `jobstatus`. Upstream: kubernetes pkg/controller/job.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sampan.kinds.workloads import jobpods, jobstatus, jobverdict, kin, pods, tally
from sampan.kinds.workloads.jobs import Run, Spec, Status, tracked
from sampan.kinds.workloads.types import Pod, look, view
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Controller, Delete, Emit, Patch, Plan, View


def see(cluster: View, key: Key) -> Run | None:
    manifest = cluster.get(key)
    if manifest is None:
        return None
    spec = view(Spec, manifest["spec"])
    if spec.managedBy not in (None, names.JOB_CONTROLLER):
        return None
    own, strays = kin.sort_out(cluster, manifest, manifest["spec"].get("selector") or {})
    return Run(
        manifest=manifest,
        spec=spec,
        status=view(Status, manifest.get("status")),
        pods=tuple(map(look, own)),
        now=cluster.now(),
        strays=strays,
    )


def decide(run: Run) -> Plan:
    if run.finished:
        return _after(run)
    count = tally.count(run)
    noted = [*kin.release(run.manifest, run.strays), *(_release(run, p) for p in count.counted)]
    if meta.deleting(run.manifest):
        freed = [_release(run, pod) for pod in run.pods if tracked(pod)]
        return Plan(status=jobstatus.report(run, count, None), actions=tuple(freed))
    verdict = jobverdict.judge(run, count)
    if verdict is not None or run.spec.suspend:
        ends = all(pod.ended for pod in run.pods)
        stop = _stop(run) if verdict is not None else _give_up(run, filter(_active, run.pods))
        told = jobstatus.tell(run, verdict, ends=ends)
        return Plan(
            status=jobstatus.report(run, count, verdict, ends=ends),
            actions=(*noted, *stop, *told),
        )
    missing, wait = jobpods.missing(run, count)
    return Plan(
        status=jobstatus.report(run, count, None),
        actions=(
            *noted,
            *_give_up(run, jobpods.spare(run, count)),
            *(action for manifest in missing for action in pods.create(manifest)),
            *jobstatus.tell(run, None),
        ),
        again_in=pods.soonest(wait, jobverdict.deadline(run)),
    )


def _active(pod: Pod) -> bool:
    return pod.active


def _give_up(run: Run, surplus: Iterable[Pod]) -> Iterator[Action]:
    """Delete pods that are no longer wanted: they do not count."""
    for pod in surplus:
        if tracked(pod):
            yield _release(run, pod)
        yield from pods.delete(run.manifest, pod)


def _stop(run: Run) -> Iterator[Action]:
    """The Job is over: what still runs is deleted, and counts as failed."""
    for pod in filter(_active, run.pods):
        yield from pods.delete(run.manifest, pod)


def _release(run: Run, pod: Pod) -> Action:
    """Let go of a pod: the Job has taken note of it, or need not."""
    key = Key(names.POD, meta.namespace_of(run.manifest), pod.name)
    others = [held for held in pod.held if held != names.FINALIZER_JOB]
    return Patch(key, {"metadata": {"uid": pod.uid, "finalizers": others}})


def _after(run: Run) -> Plan:
    """A finished Job: nothing runs, and one day it goes."""
    actions = [*_stop(run), *(_release(run, pod) for pod in run.pods if tracked(pod))]
    lifetime, ended = run.spec.ttlSecondsAfterFinished, jobstatus.finished_at(run)
    if lifetime is None or ended is None or meta.deleting(run.manifest):
        return Plan(actions=tuple(actions))
    left = lifetime - (run.now - ended).total_seconds()
    if left > 0:
        return Plan(actions=tuple(actions), again_in=left)
    key = Key(names.JOB, meta.namespace_of(run.manifest), meta.name_of(run.manifest))
    told = Emit("Normal", "TTLExpired", "Job outlived ttlSecondsAfterFinished")
    return Plan(actions=(*actions, told, Delete(key, meta.uid_of(run.manifest))))


def see_left(cluster: View, key: Key) -> Manifest | None:
    """A pod that waits for a Job which is gone, or which it no longer belongs to."""
    pod = cluster.get(key)
    if pod is None or not left_behind(pod):
        return None
    owner = meta.controller_of(pod)
    if owner is not None and owner.get("kind") == "Job":
        job = cluster.get(meta.owner_key(pod, owner))
        if job is not None and meta.uid_of(job) == owner.get("uid"):
            return None
    return pod


def left_behind(pod: Manifest) -> bool:
    """It may wait for nobody: being deleted, and held for a Job."""
    return meta.deleting(pod) and meta.has_finalizer(pod, names.FINALIZER_JOB)


def release_left(pod: Manifest) -> Plan:
    key = Key(names.POD, meta.namespace_of(pod), meta.name_of(pod))
    return Plan(actions=(Patch(key, meta.without_finalizer(pod, names.FINALIZER_JOB)),))


JOB = Controller(name="job", of=names.JOB, see=see, decide=decide)
LEFT_BEHIND = Controller(
    name="job-orphans", of=names.POD, see=see_left, decide=release_left, concerns=left_behind
)
