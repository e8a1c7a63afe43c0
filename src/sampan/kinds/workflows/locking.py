"""Locks of a workflow and of its nodes: asked for before they run, given back when they are over.

A node that has to wait is Pending and says for which lock; a workflow is Pending until it has its
own. So is each at first, for a moment, until the arbiter (`locks.arbiter`) has answered.
Upstream: argo-workflows workflow/controller/operator.go operate, executeTemplate.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence

from sampan.kinds.workflows import nodes
from sampan.kinds.workflows.language import tags
from sampan.kinds.workflows.language.faults import Missing
from sampan.kinds.workflows.locks import limits, requests
from sampan.kinds.workflows.locks.requests import MUTEX, SEMAPHORE, Lock, Mistake
from sampan.kinds.workflows.nodes import Node, NodeType, Phase
from sampan.kinds.workflows.status import Word
from sampan.kinds.workflows.templates import retry
from sampan.kinds.workflows.types import Run
from sampan.kinds.workflows.walk import Broken, Running, Walk

_GROUPS = ("Steps", "DAG", "Retry")


def acquire(walk: Walk, running: Running, node: Node | None) -> Node | None:
    """None once all locks of the template are held; else the node, Pending, that waits. Raises
    Broken."""
    asked = running.template.get("synchronization")
    if not asked or (node is not None and not nodes.waiting(node)):
        return None
    id, run = walk.id(running.call.node), walk.workflow
    try:
        known = ChainMap(dict(running.scope), dict(walk.globals))
        locks = requests.asked(tags.fill(dict(asked), known), run.namespace)
    except (Missing, Mistake) as fault:
        walk.fail(running.call, str(fault))
        raise Broken(str(fault)) from fault
    walk.wants[id] = locks
    if not _missing(run, id, locks):
        if node is not None:
            _go_on(walk, node)
        return None
    if (why := _hopeless(run, locks)) and node is not None and not node.get("message"):
        walk.wants.pop(id)
        walk.fail(running.call, why)
        raise Broken(why)
    said, message = _waits_for(run, id, locks)
    waiting = node or walk.begin(running, _type(walk, running), "Pending")
    waiting = {**waiting, "synchronizationStatus": {"waiting": said}}
    return walk.put(nodes.turned(waiting, "Pending", walk.now, message))


def _type(walk: Walk, running: Running) -> NodeType:
    if retry.is_retried(walk, running.template):
        return "Retry"
    return nodes.type_of(running.template)


def _go_on(walk: Walk, node: Node) -> None:
    """The node waits no more. One that has no children begins with its template."""
    plain = {key: value for key, value in node.items() if key != "synchronizationStatus"}
    phase: Phase = "Running" if node["type"] in _GROUPS else "Pending"
    walk.put(nodes.turned(plain, phase, walk.now, ""))


def release(walk: Walk, node: Node) -> None:
    """Give back the locks of a node that is over."""
    walk.wants.pop(node["id"], None)


def acquire_all(walk: Walk) -> Word | None:
    """None once the workflow has all locks of its own; else what it says meanwhile."""
    run = walk.workflow
    asked = run.manifest["spec"].get("synchronization")
    if not asked:
        return None
    try:
        locks = requests.asked(tags.fill(dict(asked), walk.globals), run.namespace)
    except (Missing, Mistake) as fault:
        return _refused(str(fault))
    if not locks:
        return None
    walk.wants[""] = locks
    if not _missing(run, "", locks):
        return None
    if run.spec.shutdown:
        return Word(phase="Failed", message=f"Stopped with strategy '{run.spec.shutdown}'")
    if not run.status.get("message") and (why := _hopeless(run, locks)):
        return _refused(why)
    return Word(phase=run.phase or "Pending", message=_waits_for(run, "", locks)[1])


def _refused(why: str) -> Word:
    return Word(phase="Failed", message=f"Failed to acquire the synchronization lock. {why}")


def _missing(run: Run, holder: str, locks: Sequence[Lock]) -> list[Lock]:
    """The locks that a holder does not have."""
    key = requests.holder_key(run.namespace, run.name, holder)
    held = requests.held(requests.status_of(run.status), key)
    return [lock for lock in locks if lock not in held]


def _hopeless(run: Run, locks: Sequence[Lock]) -> str:
    """Why the locks cannot be had at all, once their limits have been looked for; else ""."""
    none = (lock for lock in locks if lock in run.limits and run.limits[lock] is None)
    return next((limits.why_none(lock) for lock in none), "")


def _waits_for(run: Run, holder: str, locks: Sequence[Lock]) -> tuple[str, str]:
    """The name of the lock that is waited for, and a message once the arbiter has spoken."""
    status = requests.status_of(run.status)
    lacking = _missing(run, holder, locks)
    for lock in lacking:
        for each in (status.get(lock.kind) or {}).get("waiting") or ():
            if each[lock.kind] == lock.name:
                taken = 1 if lock.kind == MUTEX else len(each.get("holders") or ())
                limit = run.limits.get(lock) or 0
                left = f"Lock status: {max(0, limit - taken)}/{limit}"
                if lock.kind == SEMAPHORE and not limit:
                    return lock.name, f"Failed to get semaphore limit for {lock.name}"
                return lock.name, f"Waiting for {lock.name} lock. {left}"
    return lacking[0].name, ""
