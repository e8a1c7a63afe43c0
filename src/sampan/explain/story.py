"""The story of any object: itself, then what it has made, down to the pods.

What is well is summed up, what is not is followed. A kind that is not known here still has
conditions, children and events, and is told from those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace

from sampan.explain import pods, searches
from sampan.explain.facts import Known, Line, condition, sentence, status, word
from sampan.kube import labels
from sampan.kube.keys import Manifest

_DEEPEST = 8
_MOST_CHILDREN = 5  # of the same object that are told in full
_MOST_REASONS = 6
_BAD_WHEN_TRUE = ("ReplicaFailure", "Failed", "Stalled", "Degraded", "NamesConflict")
_GOOD_WHEN_TRUE = ("Ready", "Available", "Complete", "Succeeded", "Established", "Bound")


def tell(about: Manifest, known: Known) -> list[Line]:
    """Why the object is not ready, or that it is."""
    return list(_tell(about, known, 0))


def _tell(about: Manifest, known: Known, depth: int) -> Iterator[Line]:
    yield Line("note", f"{word(about)}", depth)
    own = list(_KINDS.get(about["kind"], _anything)(about, known))
    yield from _at(own, depth)
    if about["kind"] != "Pod":
        if about["metadata"].get("deletionTimestamp"):
            yield from _at(_deleted(about), depth)
        yield from _children(about, known, depth)
    if not _is_well(own):
        yield from _at(_warnings(about, known, own), depth)


def _children(about: Manifest, known: Known, depth: int) -> Iterator[Line]:
    children = [each for each in known.owned(about) if _matters(each)]
    well = [each for each in children if _is_well(list(_own(each, known)))]
    sick = [each for each in children if each not in well]
    failed = _failed_before(sick) if about["kind"] == "Job" else []
    sick = [each for each in sick if each not in failed]
    if well and (sick or len(well) > 1 or depth):
        names = ", ".join(each["metadata"]["name"] for each in well[:3])
        more = f" and {len(well) - 3} more" if len(well) > 3 else ""
        yield Line("ok", f"Fine: {names}{more}.", depth + 1)
    if depth >= _DEEPEST:
        return
    for child in sick[:_MOST_CHILDREN]:
        yield from _tell(child, known, depth + 1)
    if len(sick) > _MOST_CHILDREN:
        yield Line("note", f"{len(sick) - _MOST_CHILDREN} more are not ready.", depth + 1)
    if failed:
        yield Line("note", f"{len(failed)} earlier pods have failed, too.", depth + 1)


def _failed_before(found: list[Manifest]) -> list[Manifest]:
    """Pods that a Job has tried before its last one that failed: most fail alike."""
    failed = [each for each in found if status(each).get("phase") == "Failed"]
    return sorted(failed, key=lambda each: each["metadata"].get("creationTimestamp") or "")[:-1]


def _own(about: Manifest, known: Known) -> Iterator[Line]:
    return iter(_KINDS.get(about["kind"], _anything)(about, known))


def _is_well(lines: list[Line]) -> bool:
    return not any(line.sign in ("bad", "waiting") for line in lines)


def _matters(child: Manifest) -> bool:
    """Old ReplicaSets that a rollout has emptied are history."""
    empty = child["kind"] == "ReplicaSet" and not child["spec"].get("replicas")
    return not empty or bool(status(child).get("replicas"))


def _at(lines: Iterator[Line] | list[Line], depth: int) -> Iterator[Line]:
    for line in lines:
        yield replace(line, depth=line.depth + depth + 1)


def _warnings(about: Manifest, known: Known, said: list[Line]) -> Iterator[Line]:
    """Events that say something new, the newest of each reason."""
    texts = " ".join(line.text for line in said)
    told = (
        {"Failed", "BackOff", "FailedScheduling", "Unhealthy"} if about["kind"] == "Pod" else set()
    )
    for event in known.warnings(about):
        reason, text = event.get("reason") or "", sentence(event.get("message") or "")
        if reason in told or text in texts or len(told) > _MOST_REASONS:
            continue
        told.add(reason)
        count = event.get("count") or 1
        times = f" ({count} times)" if count > 1 else ""
        yield Line("note", f"Event {reason}{times}: {text}")
        yield from _refused(text)


def _deleted(about: Manifest) -> Iterator[Line]:
    meta = about["metadata"]
    yield Line("waiting", f"It is being deleted since {meta['deletionTimestamp']}.")
    holders = (*(meta.get("finalizers") or ()), *(about.get("spec") or {}).get("finalizers", ()))
    if holders:
        yield Line("note", f"Finalizers hold it: {', '.join(holders)}.")


# -- kinds ----------------------------------------------------------------------------------------


def _replicated(about: Manifest, known: Known) -> Iterator[Line]:
    """Deployment, ReplicaSet, StatefulSet, ReplicationController."""
    wanted = about["spec"].get("replicas", 1)
    state = status(about)
    if _unobserved(about):
        yield Line("waiting", "Its controller has not seen the latest change yet.")
    if about["spec"].get("paused"):
        yield Line("waiting", "It is paused: nothing is rolled out.")
        yield Line("advice", "kubectl rollout resume, or set spec.paused to false.")
    ready = state.get("readyReplicas", 0)
    if about["kind"] == "Deployment" and state.get("updatedReplicas", 0) < wanted:
        updated = state.get("updatedReplicas", 0)
        yield Line("waiting", f"{updated} of {wanted} pods are of the newest revision.")
    if ready < wanted:
        yield Line("bad", f"{ready} of {wanted} pods are ready.")
    else:
        yield Line("ok", f"All {wanted} pods are ready.")
    for kind, value in (("ReplicaFailure", "True"), ("Progressing", "False")):
        found = condition(about, kind)
        if found.get("status") == value:
            yield Line("bad", sentence(f"{found.get('reason')}: {found.get('message')}"))
            yield from _refused(found.get("message") or "")


def _refused(message: str) -> Iterator[Line]:
    if "exceeded quota" in message:
        yield Line("advice", "Ask for less, end what is not needed, or raise the ResourceQuota.")
    elif "serviceaccount" in message and "not found" in message:
        yield Line("advice", "Create the ServiceAccount that spec.serviceAccountName names.")


def _daemons(about: Manifest, known: Known) -> Iterator[Line]:
    state = status(about)
    wanted, ready = state.get("desiredNumberScheduled", 0), state.get("numberReady", 0)
    if _unobserved(about):
        yield Line("waiting", "Its controller has not seen the latest change yet.")
    sign = "ok" if ready >= wanted else "bad"
    yield Line(sign, f"{ready} of {wanted} nodes have a ready pod.")  # type: ignore[arg-type]


def _job(about: Manifest, known: Known) -> Iterator[Line]:
    state = status(about)
    failed, complete = condition(about, "Failed"), condition(about, "Complete")
    if complete.get("status") == "True":
        yield Line("ok", "It is complete.")
    elif failed.get("status") == "True":
        yield Line(
            "bad", sentence(f"It has failed: {failed.get('reason')}: {failed.get('message')}")
        )
        if failed.get("reason") == "BackoffLimitExceeded":
            limit = about["spec"].get("backoffLimit", 6)
            yield Line("advice", f"Its pods failed more than {limit} times: see the last one.")
    elif about["spec"].get("suspend"):
        yield Line("waiting", "It is suspended.")
        yield Line("advice", "Set spec.suspend to false, or find who has suspended it.")
    else:
        done, wanted = state.get("succeeded", 0), about["spec"].get("completions") or 1
        active, lost = state.get("active", 0), state.get("failed", 0)
        text = f"{done} of {wanted} completions; {active} pods are active, {lost} have failed."
        yield Line("waiting", text)
        if lost:
            limit = about["spec"].get("backoffLimit", 6)
            text = f"It tries again after a pause, {limit} times in all (spec.backoffLimit)."
            yield Line("note", text)


def _cron(about: Manifest, known: Known) -> Iterator[Line]:
    if about["spec"].get("suspend"):
        yield Line("waiting", "It is suspended: no Jobs are made.")
        yield Line("advice", "Set spec.suspend to false.")
    last = status(about).get("lastScheduleTime")
    text = f"The last Job was made at {last}." if last else "No Job was made so far"
    yield Line("ok", f"{sentence(text)} The schedule is {about['spec'].get('schedule')!r}.")


def _claim(about: Manifest, known: Known) -> Iterator[Line]:
    if status(about).get("phase") == "Bound":
        yield Line("ok", f"It is bound to {about['spec'].get('volumeName')}.")
        return
    yield Line("waiting", f"It is {status(about).get('phase') or 'Pending'}.")
    yield from pods.claim_story(about, known)


def _service(about: Manifest, known: Known) -> Iterator[Line]:
    selector = about["spec"].get("selector")
    if not selector:
        yield Line("ok", "It selects no pods: its endpoints are somebody else's.")
        return
    found = [
        pod
        for pod in known.of_kind("Pod")
        if labels.matches({"matchLabels": selector}, pod["metadata"].get("labels") or {})
    ]
    text = ",".join(f"{key}={value}" for key, value in selector.items())
    if not found:
        yield Line("bad", f"No pod has the labels {text}.")
        yield Line("advice", "Compare spec.selector with the labels in the pods' template.")
        return
    ready = [pod for pod in found if condition(pod, "Ready").get("status") == "True"]
    if ready:
        yield Line("ok", f"{len(ready)} of {len(found)} pods with the labels {text} are ready.")
        return
    yield Line("bad", f"None of the {len(found)} pods with the labels {text} is ready.")
    for pod in found[:_MOST_CHILDREN]:
        yield Line("note", word(pod))
        yield from (replace(line, depth=line.depth + 1) for line in pods.tell(pod, known))


def _workflow(about: Manifest, known: Known) -> Iterator[Line]:
    state = status(about)
    phase = state.get("phase") or "Pending"
    if phase == "Succeeded":
        yield Line("ok", "It has succeeded.")
        return
    sign = "bad" if phase in ("Failed", "Error") else "waiting"
    said = f": {state['message']}" if state.get("message") else ""
    yield Line(sign, sentence(f"It is {phase}{said}"))  # type: ignore[arg-type]
    for node in _leaves(state.get("nodes") or {}):
        name, text = node.get("displayName") or node.get("name"), node.get("message") or ""
        if node.get("phase") in ("Failed", "Error"):
            yield Line("bad", sentence(f"Step {name} has {node['phase'].lower()}: {text}"))
        elif node.get("phase") in ("Running", "Pending"):
            yield Line("waiting", sentence(f"Step {name} is {node['phase']} {text}".strip()))


def _leaves(nodes: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Steps that are pods or wait; groups only repeat what their members say."""
    return [node for node in nodes.values() if node.get("type") in ("Pod", "Suspend", "Skipped",
                                                                    "HTTP", "Plugin")]  # fmt: skip


def _namespace(about: Manifest, known: Known) -> Iterator[Line]:
    if status(about).get("phase") != "Terminating":
        yield Line("ok", "It is active.")
        return
    for each in status(about).get("conditions") or ():
        if each.get("status") == "True" and "Succeeded" not in each.get("reason", ""):
            yield Line("waiting", sentence(f"{each.get('reason')}: {each.get('message')}"))


def _anything(about: Manifest, known: Known) -> Iterator[Line]:
    """Whatever it is: its conditions say how it is."""
    told = False
    for each in status(about).get("conditions") or ():
        kind, value = each.get("type") or "", each.get("status")
        said = sentence(": ".join(t for t in (each.get("reason"), each.get("message")) if t))
        bad = value == "True" if kind in _BAD_WHEN_TRUE else (
            value == "False" and (kind in _GOOD_WHEN_TRUE or kind.endswith("Ready")))  # fmt: skip
        if bad:
            told = True
            yield Line("bad", f"{kind} is {value}. {said}".strip())
        elif kind in _GOOD_WHEN_TRUE and value == "True":
            told = True
            yield Line("ok", f"{kind}.")
    phase = status(about).get("phase")
    if phase and not told:
        sign = "bad" if phase in ("Failed", "Error", "Lost") else "note"
        yield Line(sign, f"Its phase is {phase}.")  # type: ignore[arg-type]
    elif not told:
        yield Line("note", "It has no conditions to go by.")


def _search(about: Manifest, known: Known) -> Iterator[Line]:
    return searches.tell(about) if searches.is_one(about) else _anything(about, known)


def _unobserved(about: Manifest) -> bool:
    observed = status(about).get("observedGeneration", 0)
    return bool(observed < about["metadata"].get("generation", 0))


_KINDS: dict[str, Callable[[Manifest, Known], Iterator[Line]]] = {
    "Pod": pods.tell,
    "Deployment": _replicated,
    "ReplicaSet": _replicated,
    "StatefulSet": _replicated,
    "ReplicationController": _replicated,
    "DaemonSet": _daemons,
    "Job": _job,
    "CronJob": _cron,
    "PersistentVolumeClaim": _claim,
    "Service": _service,
    "Workflow": _workflow,
    "Experiment": _search,
    "Suggestion": _search,
    "Trial": _search,
    "Namespace": _namespace,
}
