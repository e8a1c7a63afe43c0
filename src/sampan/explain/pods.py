"""The story of one pod: deleted, unscheduled, waiting, restarting, not ready, over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sampan.explain.facts import Known, Line, condition, sentence, status
from sampan.kube import volumes
from sampan.kube.keys import Manifest

_LISTS = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
_CODES = {
    126: "the command was found, but could not be run",
    127: "the command was not found",
    137: "it was killed (SIGKILL)",
    139: "it crashed (segmentation fault)",
    143: "it was told to end (SIGTERM)",
}
_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_MISSING = re.compile(r'(secret|configmap|persistentvolumeclaim) "([^"]+)" not found', re.I)


def tell(pod: Manifest, known: Known) -> Iterator[Line]:
    """What keeps the pod from being ready, and what to do about it."""
    meta, state = pod["metadata"], status(pod)
    phase = state.get("phase") or "Pending"
    if meta.get("deletionTimestamp"):
        yield Line("waiting", f"It is being deleted since {meta['deletionTimestamp']}.")
        if meta.get("finalizers"):
            yield Line("note", f"Finalizers hold it: {', '.join(meta['finalizers'])}.")
    if phase == "Succeeded":
        yield Line("ok", "It has run to its end.")
    elif phase == "Failed":
        yield from _failed(pod)
    elif not pod["spec"].get("nodeName"):
        yield from _unscheduled(pod, known)
    elif condition(pod, "Ready").get("status") == "True":
        yield Line("ok", f"It runs on {pod['spec']['nodeName']} and is ready.")
        yield from _restarts(pod)
    else:
        yield from _unready(pod, known)


def _failed(pod: Manifest) -> Iterator[Line]:
    state = status(pod)
    if state.get("reason"):
        yield Line("bad", sentence(f"{state['reason']}: {state.get('message') or 'it has failed'}"))
        if state["reason"] == "Evicted":
            yield Line("advice", "Raise its limits or sizeLimits, or have it write and hold less.")
        elif state["reason"] == "DeadlineExceeded":
            yield Line(
                "advice", "Raise spec.activeDeadlineSeconds, or find out what takes so long."
            )
    for each in _statuses(pod):
        ended = (each.get("state") or {}).get("terminated") or {}
        if ended.get("exitCode"):
            yield from _ended(pod, each["name"], ended, previous=False)


def _unscheduled(pod: Manifest, known: Known) -> Iterator[Line]:
    found = condition(pod, "PodScheduled")
    if not found:
        name = pod["spec"].get("schedulerName") or "default-scheduler"
        yield Line("waiting", f"No node was chosen yet: {name} has not looked at it.")
        return
    message = found.get("message") or ""
    yield Line("bad", sentence(f"No node was chosen: {message or found.get('reason')}"))
    if found.get("reason") == "SchedulingGated":
        gates = [gate["name"] for gate in pod["spec"].get("schedulingGates") or ()]
        yield Line("advice", f"It waits until its gates are removed: {', '.join(gates)}.")
    if "persistentvolumeclaim" in message.lower() or "PersistentVolumeClaim" in message:
        yield from claims(pod, known)
    for resource in re.findall(r"Insufficient ([\w/-]+(?:\.[\w/-]+)*)", message):
        yield Line("note", _demand(pod, known, resource))
        yield Line("advice", f"Lower resources.requests.{resource}, or end pods that hold it.")
    if "Too many pods" in message:
        yield Line("advice", "End pods that are not needed, or raise the node's limit of pods.")
    if "pressure" in message:
        yield Line("advice", "Free disk or memory on the machine: the taint goes by itself.")
    elif "untolerated taint" in message:
        yield Line("advice", "Add a toleration to the pod, or remove the taint from the node.")
    if "affinity/selector" in message:
        yield Line(
            "advice", "Compare spec.nodeSelector and affinity with `sampan get nodes -o yaml`."
        )


def _demand(pod: Manifest, known: Known, resource: str) -> str:
    """What it asks for, and what the nodes have."""
    wants = [_request(each, resource) for each in pod["spec"]["containers"]]
    asked = " + ".join(each for each in wants if each) or "nothing"
    nodes = [
        f"{node['metadata']['name']} has {(status(node).get('allocatable') or {}).get(resource, 0)}"
        for node in known.of_kind("Node")
    ]
    others = [
        other["metadata"]["name"]
        for other in known.of_kind("Pod")
        if other["spec"].get("nodeName")
        and status(other).get("phase") in ("Pending", "Running")
        and any(_request(each, resource) for each in other["spec"]["containers"])
    ]
    text = f"It asks for {asked} of {resource}"
    text += f"; {', '.join(nodes)}" if nodes else ""
    text += f"; in its namespace {', '.join(others[:5])} hold some" if others else ""
    return sentence(text)


def _request(container: dict[str, Any], resource: str) -> str:
    table = (container.get("resources") or {}).get("requests") or {}
    return str(table.get(resource) or "")


def claims(pod: Manifest, known: Known) -> Iterator[Line]:
    """Of the claims that the pod uses, those that are not bound."""
    for name, made in volumes.claim_names(pod):
        claim = known.find("PersistentVolumeClaim", name)
        if claim is None:
            yield Line("bad", f"PersistentVolumeClaim {name} does not exist.", 1)
            if not made:
                yield Line("advice", f"Create the claim {name}, or correct spec.volumes.", 1)
        elif status(claim).get("phase") != "Bound":
            phase = status(claim).get("phase") or "Pending"
            yield Line("bad", f"PersistentVolumeClaim {name} is {phase}.", 1)
            yield from claim_story(claim, known, 1)


def claim_story(claim: Manifest, known: Known, depth: int = 0) -> Iterator[Line]:
    """Why a claim is not bound."""
    name = claim["spec"].get("storageClassName")
    storage = known.find("StorageClass", name) if name else None
    if name and storage is None and known.of_kind("StorageClass"):
        names = ", ".join(each["metadata"]["name"] for each in known.of_kind("StorageClass"))
        yield Line("bad", f"There is no StorageClass {name}; there are {names}.", depth)
    elif storage and storage.get("volumeBindingMode") == "WaitForFirstConsumer":
        text = "Its StorageClass makes the volume once a pod that uses it has a node."
        yield Line("waiting", text, depth)
    said = known.warning(claim, "ProvisioningFailed", "FailedBinding", "VolumeMismatch")
    if said:
        yield Line("bad", sentence(said), depth)
    elif not name:
        yield Line("advice", "It names no StorageClass: make a fitting PersistentVolume.", depth)


def _unready(pod: Manifest, known: Known) -> Iterator[Line]:
    told = False
    for each in _statuses(pod):
        for line in _container(pod, each, known):
            told = True
            yield line
    if not told:
        mount = known.warning(pod, "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")
        if mount:
            yield Line("bad", sentence(mount))
            yield from _missing(mount)
            yield from claims(pod, known)
            return
        ready = condition(pod, "Ready")
        why = ready.get("message") or ready.get("reason") or "its containers are being started"
        yield Line("waiting", sentence(f"It is not ready yet: {why}"))


def _container(pod: Manifest, each: dict[str, Any], known: Known) -> Iterator[Line]:
    name, state = each["name"], each.get("state") or {}
    before = (each.get("lastState") or {}).get("terminated") or {}
    waiting = state.get("waiting") or {}
    reason, message = waiting.get("reason") or "", waiting.get("message") or ""
    if reason in _IMAGE:
        yield Line("bad", sentence(f"Container {name}: {reason}: {message or each.get('image')}"))
        yield Line("advice", f"Check the name {each.get('image')!r}, and whether it may be pulled.")
    elif reason == "CrashLoopBackOff":
        count = each.get("restartCount", 0)
        yield Line("bad", f"Container {name} ends again and again: {count} restarts so far.")
        yield from _ended(pod, name, before, previous=False)
    elif reason in ("ContainerCreating", "PodInitializing"):
        return
    elif reason:
        yield Line("bad", sentence(f"Container {name}: {reason}: {message}"))
        yield from _missing(message)
    elif (state.get("terminated") or {}).get("exitCode"):
        yield from _ended(pod, name, state["terminated"], previous=False)
    elif "running" in state and not each.get("ready") and not _is_init(pod, name):
        yield from _probes(pod, each, known)
    elif "running" in state and _is_init(pod, name) and not each.get("started"):
        yield Line("waiting", f"Init container {name} runs; the others wait for its end.")
        yield Line("advice", f"sampan logs {_where(pod)} -c {name}")


def _probes(pod: Manifest, each: dict[str, Any], known: Known) -> Iterator[Line]:
    name = each["name"]
    spec = _spec(pod, name)
    which = "readinessProbe" if each.get("started") else "startupProbe"
    said = known.warning(pod, "Unhealthy")
    if which in spec:
        text = f"Container {name} runs, but its {which} has not succeeded"
        yield Line("bad", sentence(f"{text}: {said}" if said else text))
        yield Line("advice", f"sampan logs {_where(pod)} -c {name}; compare the port and path.")
    else:
        yield Line("waiting", f"Container {name} runs, and is not ready yet.")


def _ended(pod: Manifest, name: str, ended: dict[str, Any], *, previous: bool) -> Iterator[Line]:
    """How a container has ended, and where to look."""
    code, reason = ended.get("exitCode", 0), ended.get("reason") or ""
    text = f"Container {name} ended with exit code {code}"
    if reason not in ("", "Error", "Completed"):
        text += f", {reason}"
    elif code in _CODES:
        text += f": {_CODES[code]}"
    yield Line("bad", sentence(text))
    if ended.get("message"):
        yield Line("note", sentence(f"It said: {ended['message'].strip()[-300:]}"))
    if reason == "OOMKilled":
        spec = _spec(pod, name)
        limit = ((spec.get("resources") or {}).get("limits") or {}).get("memory")
        of = f" (it is {limit})" if limit else ""
        yield Line("advice", f"Raise resources.limits.memory{of}, or have it use less.")
    flag = " -p" if previous else ""
    yield Line("advice", f"sampan logs {_where(pod)} -c {name}{flag}")


def _restarts(pod: Manifest) -> Iterator[Line]:
    for each in _statuses(pod):
        before = (each.get("lastState") or {}).get("terminated") or {}
        if before:
            count = each.get("restartCount", 0)
            yield Line("note", f"Container {each['name']} was restarted {count} times; the last:")
            yield from _ended(pod, each["name"], before, previous=True)


def _missing(message: str) -> Iterator[Line]:
    found = _MISSING.search(message)
    if found:
        kind, name = found.groups()
        yield Line("advice", f"Create the {kind.lower()} {name}: the pod goes on by itself.")


def _statuses(pod: Manifest) -> Iterator[dict[str, Any]]:
    for field in _LISTS:
        yield from status(pod).get(field) or ()


def _spec(pod: Manifest, name: str) -> dict[str, Any]:
    found = (each for each in pod["spec"]["containers"] if each["name"] == name)
    return dict(next(found, {}))


def _is_init(pod: Manifest, name: str) -> bool:
    return any(each["name"] == name for each in pod["spec"].get("initContainers") or ())


def _where(pod: Manifest) -> str:
    meta = pod["metadata"]
    return f"{meta['name']} -n {meta.get('namespace', 'default')}"
