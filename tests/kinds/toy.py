"""A cluster in a dict for tests of pure controllers: no event loop, no server, a clock by hand.

`settle` asks every controller about every object until nothing changes any more, checks that
decisions are repeatable and leave their snapshot alone, and `step_pods` plays the node: one pod at
a time moves one step on. Admission rules of a component hold as in the API server.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sampan.kube import labels as selectors
from sampan.kube import meta, podspec
from sampan.kube.component import Component
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.patches import json_patch
from sampan.kube.plan import (
    Apply,
    Controller,
    Create,
    Delete,
    Emit,
    Measure,
    Patch,
    Plan,
    Unanswered,
)
from sampan.kube.times import rfc3339

G = TypeVar("G")
T = TypeVar("T")
START = datetime(2026, 1, 1, tzinfo=UTC)
ENDED = ("Succeeded", "Failed")
NO_STATUS_SUBRESOURCE = ("Workflow", "ScheduledWorkflow")


class Refused(Exception):
    """Admission said no."""


class Toy:
    def __init__(self, *components: Component) -> None:
        self.objects: dict[Key, Manifest] = {}
        self.controllers: dict[str, list[Controller]] = {}
        self.rules: dict[str, Any] = {}
        for component in components:
            for each in component.controllers:
                self.controllers.setdefault(each.of, []).append(each)
            self.rules |= component.rules
        self.time = START
        self.events: list[Emit] = []
        self.measured: list[Measure] = []
        self.waits: list[float] = []
        self.rounds = 0
        self.made = 0
        self.answer: Callable[[str, Hashable], Any] = lambda source, _: Unanswered(f"no {source}")
        self.lacks: set[str] = set()
        self.watch: Callable[[Toy], None] | None = None
        """Called after each write: the place for invariants."""

    # -- View ---------------------------------------------------------------------------------
    def get(self, key: Key) -> Manifest | None:
        return self.objects.get(key)

    def owned(self, owner: Manifest, kind: str) -> Sequence[Manifest]:
        uid = meta.uid_of(owner)
        return [o for k, o in self._sorted() if k.kind == kind and uid in meta.owner_uids(o)]

    def owned_as(
        self, owner: Manifest, kind: str, read: Callable[[Manifest, G], T], given: G
    ) -> Sequence[T]:
        return [read(each, given) for each in self.owned(owner, kind)]

    def select(
        self, kind: str, namespace: str = "", labels: Mapping[str, Any] | None = None
    ) -> Sequence[Manifest]:
        return [
            o
            for k, o in self._sorted()
            if k.kind == kind and namespace in ("", k.namespace)
            if labels is None or selectors.matches(labels, selectors.of(o))
        ]

    def has_kind(self, kind: str) -> bool:
        return kind not in self.lacks

    def consult(self, source: str, question: Hashable) -> Any | None:
        return self.answer(source, question)

    def now(self) -> datetime:
        return self.time

    def _sorted(self) -> list[tuple[Key, Manifest]]:
        return sorted(self.objects.items())

    # -- writing ------------------------------------------------------------------------------
    def create(self, manifest: Manifest) -> Manifest:
        return self.apply(deepcopy(manifest))

    def apply(self, manifest: Manifest) -> Manifest:
        manifest = deepcopy(manifest)
        manifest["metadata"].setdefault("namespace", "u")
        old = self.objects.get(key_of(manifest))
        return self._admit(manifest if old is None else _merged(old, manifest), old)

    def _admit(self, new: Manifest, old: Manifest | None) -> Manifest:
        about, kind = new["metadata"], key_of(new).kind
        if old is None:
            self.made += 1
            about |= {"uid": f"uid-{self.made}", "creationTimestamp": rfc3339(self.time)}
            about["generation"] = 1
        elif old.get("spec") != new.get("spec"):
            about["generation"] = about.get("generation", 1) + 1
        rules = self.rules.get(kind)
        if kind == "Pod":
            podspec.fill_pod(new["spec"])
            faults = podspec.problems(new["spec"])
        elif rules:
            if rules.default:
                rules.default(new)
            if rules.prepare:
                rules.prepare(new, old)
            faults = rules.validate(new, old) if rules.validate else []
        else:
            faults = []
        if faults:
            raise Refused("; ".join(map(str, faults)))
        return self.put(new)

    def put(self, manifest: Manifest) -> Manifest:
        key = key_of(manifest)
        if self.objects.get(key) != manifest:
            self.objects[key] = manifest
            if self.watch:
                self.watch(self)
        return manifest

    def patch(self, key: Key, patch: Manifest | list[Manifest]) -> None:
        old = self.objects.get(key)
        if isinstance(patch, list):
            if old is not None:
                self.put(json_patch(old, deepcopy(patch)))
            return
        if old is None or patch.get("metadata", {}).get("uid", meta.uid_of(old)) != meta.uid_of(
            old
        ):
            return
        new = _merged(old, patch)
        if key.kind in self.rules and "spec" in patch:
            self._admit(new, old)
        elif meta.deleting(new) and not meta.finalizers(new) and meta.finalizers(old):
            self.put(new)
            if not new["spec"].get("nodeName") or phase_of(new) in ENDED:
                self._drop(key, new)
        else:
            self.put(new)

    def delete(self, key: Key, uid: str = "") -> None:
        """What runs or is held gets a deletionTimestamp; all else goes, and what it owns."""
        old = self.objects.get(key)
        if old is None or (uid and meta.uid_of(old) != uid):
            return
        runs = key.kind == "Pod" and phase_of(old) not in ENDED and old["spec"].get("nodeName")
        if runs or meta.finalizers(old):
            when = {"metadata": {"deletionTimestamp": rfc3339(self.time)}}
            self.put(old if meta.deleting(old) else _merged(old, when))
            return
        self._drop(key, old)

    def _drop(self, key: Key, old: Manifest) -> None:
        """It goes, and what it owns."""
        del self.objects[key]
        for other, o in self._sorted():
            if meta.uid_of(old) in meta.owner_uids(o):
                self.delete(other)
        if self.watch:
            self.watch(self)

    # -- controllers --------------------------------------------------------------------------
    def settle(self, limit: int = 400) -> None:
        """Ask until nobody wants anything more."""
        for _ in range(limit):
            before = dict(self.objects)
            self.waits = []
            for key in sorted(before):
                if key.kind in self.controllers:
                    self.once(key)
            if before == self.objects:
                return
        raise AssertionError("the controllers never agree")

    def once(self, key: Key) -> Plan | None:
        """The last plan for the object, if it is anybody's concern."""
        plans = [self._ask(each, key) for each in self.controllers[key.kind]]
        return next((plan for plan in reversed(plans) if plan is not None), None)

    def _ask(self, controller: Controller, key: Key) -> Plan | None:
        live = self.objects.get(key)
        if live is None or (controller.concerns and not controller.concerns(live)):
            return None
        held = deepcopy(self.objects)
        snapshot = controller.see(self, key)
        if snapshot is None:
            return None
        plan = controller.decide(snapshot)
        assert controller.decide(controller.see(self, key)) == plan, "not repeatable"
        assert held == self.objects, "a decision changed what it saw"
        self.rounds += 1
        self.carry_out(key, plan)
        return plan

    def carry_out(self, key: Key, plan: Plan) -> None:
        for action in plan.actions:
            match action:
                case Apply(manifest):
                    self.apply(manifest)
                case Create(manifest):
                    if key_of(manifest) not in self.objects:
                        self.apply(manifest)
                case Patch(target, patch):
                    self.patch(target, patch)
                case Delete(target, uid):
                    self.delete(target, uid)
                case Emit():
                    self.events.append(action)
                case Measure():
                    self.measured.append(action)
        if plan.status is not None and key in self.objects:
            assert key.kind.partition(".")[0] not in NO_STATUS_SUBRESOURCE
            self.put({**self.objects[key], "status": deepcopy(plan.status)})
        if plan.again_in is not None:
            self.waits.append(plan.again_in)

    def advance(self, seconds: float | None = None) -> None:
        """Move the clock, by default to where a controller asked to be called again."""
        self.time += timedelta(seconds=min(self.waits, default=0.0) if seconds is None else seconds)
        self.settle()

    # -- the node -----------------------------------------------------------------------------
    def pods(self) -> list[Manifest]:
        return [o for k, o in self._sorted() if k.kind == "Pod"]

    def running(self) -> list[Manifest]:
        """Pods that count: neither ended nor on their way out."""
        return [p for p in self.pods() if phase_of(p) not in ENDED and not meta.deleting(p)]

    def run_pod(self, pod: Manifest, phase: str, *, exit_code: int = 0, ready: bool = True) -> None:
        """Give a pod a phase, as a node would report it."""
        now = rfc3339(self.time)
        ended = phase in ENDED
        code = exit_code or (1 if phase == "Failed" else 0)
        reason = "Error" if code else "Completed"
        over = {"terminated": {"exitCode": code, "reason": reason, "finishedAt": now}}
        alive = {"running": {"startedAt": now}}
        names = [each["name"] for each in pod["spec"]["containers"]]
        up = phase == "Running" and ready
        states = [{"name": name, "state": over if ended else alive, "ready": up} for name in names]
        is_ready = "True" if phase == "Running" and ready else "False"
        condition = {"type": "Ready", "status": is_ready, "lastTransitionTime": now}
        status = {"phase": phase, "containerStatuses": states, "conditions": [condition]}
        if ended and "wait" in names:
            self._report(pod)
        self.put({**pod, "spec": {**pod["spec"], "nodeName": _node_of(pod)}, "status": status})

    def _report(self, pod: Manifest) -> None:
        """Argo's executor says that it has nothing more to say, unless it did."""
        about = pod["metadata"]
        name, workflow = (
            (about.get(field) or {}).get(f"workflows.argoproj.io/{key}", "")
            for field, key in (("annotations", "node-id"), ("labels", "workflow"))
        )
        head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTaskResult"}
        labels = {
            "workflows.argoproj.io/workflow": workflow,
            "workflows.argoproj.io/report-outputs-completed": "true",
        }
        report = {**head, "metadata": {"name": name, "namespace": about["namespace"]}}
        old = self.objects.get(key_of(report))
        report["metadata"] = {**(old or report)["metadata"], "labels": labels, "uid": f"of-{name}"}
        self.put({**(old or {}), **report})

    def gone(self, pod: Manifest) -> None:
        """The node has stopped a pod that was deleted: it goes, unless somebody holds it."""
        if meta.finalizers(pod) and phase_of(pod) not in ENDED:
            self.run_pod(pod, "Failed", exit_code=143)
            self.settle()
        if (left := self.objects.get(key_of(pod))) and not meta.finalizers(left):
            del self.objects[key_of(pod)]
            self.settle()

    def step_pods(self, ends: Callable[[Manifest], str | None], *, most: int = 10**6) -> int:
        """Pending pods run, running pods end as `ends` says (None: they stay), deleted ones go."""
        moved = 0
        for pod in self.pods():
            if moved >= most:
                break
            phase = phase_of(pod)
            if meta.deleting(pod):
                self.gone(pod)
            elif phase == "Pending":
                self.run_pod(pod, "Running")
            elif phase == "Running" and pod["spec"].get("activeDeadlineSeconds") == 1:
                self.run_pod(pod, "Failed")
            elif phase == "Running" and (end := ends(pod)):
                self.run_pod(pod, end)
            else:
                continue
            moved += 1
            self.settle()
        return moved


def phase_of(pod: Manifest) -> str:
    return (pod.get("status") or {}).get("phase") or "Pending"


def _node_of(pod: Manifest) -> str:
    """Where the pod's affinity wants it, else the one node."""
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms = required.get("nodeSelectorTerms") or [{}]
    return str(terms[0].get("matchFields", [{"values": ["n"]}])[0]["values"][0])


def _merged(old: Any, patch: Any) -> Any:
    """JSON merge patch, without changing `old`."""
    if not isinstance(patch, dict):
        return patch
    new = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
        else:
            new[key] = _merged(new.get(key), value)
    return new
