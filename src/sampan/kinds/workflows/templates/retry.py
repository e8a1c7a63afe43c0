"""`retryStrategy`: a node of type Retry whose children are the attempts, `X(0)`, `X(1)`, …

When an attempt broke, the strategy is asked in upstream's order: the workflow stops; maxDuration;
the backoff (only with a `limit`); the policy; the limit; the expression. The Retry node then ends
like its last attempt, with its outputs, or begins another. Upstream: argo-workflows
workflow/controller/operator.go processNodeRetries, executeTemplate.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any

from msgspec import Struct, structs

from sampan.kinds.workflows import durations, naming, nodes
from sampan.kinds.workflows.language import scopes, tags
from sampan.kinds.workflows.language.arguments import Missing, text
from sampan.kinds.workflows.nodes import Node, Phase
from sampan.kinds.workflows.types import Template
from sampan.kinds.workflows.walk import Broken, Kind, Running, Walk
from sampan.kube import names
from sampan.kube.times import parse

MOST_AT_ONCE = 100
"""Attempts of one node that break before their pod was made, in one look."""
_WISHES = "preferredDuringSchedulingIgnoredDuringExecution"
POLICIES: Mapping[str, frozenset[str]] = {
    "Always": frozenset({"Failed", "Error"}),
    "OnFailure": frozenset({"Failed"}),
    "OnError": frozenset({"Error"}),
    "OnTransientError": frozenset({"Failed", "Error"}),
}
"""The phases of attempts after which there may be another one."""
TRANSIENT = (
    "exceeded quota", "Operation cannot be fulfilled on resourcequota",
    "resource quota evaluation timed out", "etcdserver: leader changed",
    "etcdserver: request timed out", "etcdserver: too many requests",
    "unexpected error when reading response body", "stream error when reading response body",
    "Connection closed by foreign host", "net/http: TLS handshake timeout", "i/o timeout",
    "connection timed out", "connection reset by peer", "http2: client connection lost",
    "connection refused", "client rate limiter Wait returned an error", "EOF",
)  # fmt: skip
"""Texts in messages of what may go well the next time."""


class Verdict(Struct, frozen=True, kw_only=True):
    """What comes after an attempt that is over: the end (phase), a wait, or another attempt."""

    phase: Phase | None = None
    message: str | None = None
    wait: float | None = None
    deadline: float | None = None


def is_retried(walk: Walk, template: Template) -> bool:
    """Whether there is a strategy for the template, its own or the workflow's."""
    own = template.get("retryStrategy")
    return (walk.workflow.spec.retryStrategy if own is None else own) is not None


def strategy_of(walk: Walk, running: Running) -> Mapping[str, Any] | None:
    """The template's strategy, else the workflow's. Raises Missing."""
    strategy = running.template.get("retryStrategy")
    if strategy is None:
        strategy = walk.workflow.spec.retryStrategy
    if strategy is None:
        return None
    known = ChainMap(dict(running.scope), dict(walk.globals))
    filled: Mapping[str, Any] = scopes.fill(strategy, known)
    return filled


def execute(walk: Walk, running: Running, strategy: Mapping[str, Any], kind: Kind) -> Node | None:
    """The Retry node after this look. `kind` runs an attempt."""
    node = walk.node(running.call.node) or walk.begin(running, "Retry", "Running")
    last = nodes.last_attempt(node, walk.by_id)
    if last is None:
        last = _begin(walk, running, node, 0, None, kind)
    elif not nodes.over(last):
        _look(walk, running, last, kind)
        last = walk.by_id(last["id"])
    for _ in range(MOST_AT_ONCE):
        node = walk.by_id(node["id"]) or node
        if last is None or not nodes.over(last):
            return _beside(walk, node, last)
        verdict = _judge(walk, running, node, strategy)
        if verdict.phase is not None:
            return _end(walk, node, last, verdict)
        if verdict.message is not None:
            node = walk.turn(node, node["phase"], verdict.message)
        if verdict.wait is not None:
            walk.wait(verdict.wait)
            return node
        number = len(nodes.attempts(node, walk.by_id))
        last = _begin(walk, running, node, number, verdict.deadline, kind)
    return walk.error(walk.by_id(node["id"]) or node, "Maximum recursion depth exceeded")


# -- attempts -------------------------------------------------------------------------------------
def _begin(
    walk: Walk, running: Running, node: Node, number: int, deadline: float | None, kind: Kind
) -> Node | None:
    """A new attempt; None while there is no room for one more pod."""
    most = walk.workflow.spec.parallelism
    if most is not None and walk.pods[""] >= most:
        return None
    name = naming.attempt_name(running.call.node, number)
    _run(walk, _attempt(walk, running, node, name, deadline), kind)
    attempt = walk.node(name)
    if attempt is not None:
        walk.adopt(node, attempt["id"])
    return attempt


def _look(walk: Walk, running: Running, last: Node, kind: Kind) -> None:
    """Look at an attempt that goes on. One that is a pod has been looked at."""
    if last["type"] != "Pod" or nodes.waiting(last):
        node = walk.node(running.call.node) or last
        _run(walk, _attempt(walk, running, node, last["name"], None), kind)


def _run(walk: Walk, attempt: Running, kind: Kind) -> None:
    try:
        kind(walk, attempt)
    except (Broken, Missing) as fault:
        walk.fail(attempt.call, str(fault))


def _attempt(
    walk: Walk, running: Running, node: Node, name: str, deadline: float | None
) -> Running:
    """The call of one attempt."""
    number = name[len(running.call.node) + 1 : -1]
    before = [each for each in nodes.attempts(node, walk.by_id) if each["name"] != name]
    told = {"retries": number, **_told(before[-1] if before else None, "0")}
    call = structs.replace(
        running.call,
        node=name,
        depth=running.call.depth + 1,
        flags={**running.call.flags, "retried": True},
        retries=told,
        deadline=deadline,
        avoid=_hosts(before) if _keeps_away(walk, running) else (),
    )
    local = {**running.local, **told}
    if "pod.name" in local:
        local["pod.name"] = naming.pod_name(walk.workflow.name, call.template, name)
    inputs = tags.fill(running.inputs, local)
    return structs.replace(running, call=call, local=local, inputs=inputs, display="")


def _keeps_away(walk: Walk, running: Running) -> bool:
    strategy = running.template.get("retryStrategy") or walk.workflow.spec.retryStrategy or {}
    return (strategy.get("affinity") or {}).get("nodeAntiAffinity") is not None


def _hosts(attempts: list[Node]) -> tuple[str, ...]:
    """The nodes of the cluster on which attempts broke."""
    found = (each.get("hostNodeName") for each in attempts if nodes.broken(each))
    return tuple(dict.fromkeys(host for host in found if host))


def keep_away(spec: dict[str, Any], hosts: tuple[str, ...]) -> None:
    """Have a pod prefer other nodes of the cluster than these. Upstream forbids them, with which
    a cluster of one node would never try again."""
    if not hosts:
        return
    term = {"key": names.LABEL_HOSTNAME, "operator": "NotIn", "values": list(hosts)}
    wish = {"weight": 100, "preference": {"matchExpressions": [term]}}
    affinity = spec.get("affinity") or {}
    of_nodes = affinity.get("nodeAffinity") or {}
    wishes = [*(of_nodes.get(_WISHES) or ()), wish]
    spec["affinity"] = {**affinity, "nodeAffinity": {**of_nodes, _WISHES: wishes}}


def _told(last: Node | None, code: str) -> dict[str, str]:
    """`lastRetry.…`; `code` stands for an exit code that is not known."""
    if last is None:
        found = {"exitCode": code, "status": "", "duration": "0", "message": ""}
    else:
        known = (last.get("outputs") or {}).get("exitCode")
        found = {
            "exitCode": code if known is None else str(known),
            "status": last["phase"],
            "duration": text(_seconds(last)),
            "message": last.get("message") or "",
        }
    return {f"lastRetry.{name}": value for name, value in found.items()}


def _seconds(node: Node) -> float:
    if not node.get("finishedAt"):
        return 0.0
    return (parse(node["finishedAt"]) - parse(node["startedAt"])).total_seconds()


# -- verdicts -------------------------------------------------------------------------------------
def _judge(walk: Walk, running: Running, node: Node, strategy: Mapping[str, Any]) -> Verdict:
    found = nodes.attempts(node, walk.by_id)
    last = found[-1]
    if not nodes.broken(last):
        return Verdict(phase="Succeeded", message="")
    if said := _stopped(walk):
        return Verdict(phase=last["phase"], message=said)
    try:
        backoff = _backoff(walk, found, strategy)
        if backoff.phase is not None or backoff.wait is not None:
            return backoff
        return _again(found, strategy) or backoff
    except (durations.Mistake, Missing, ValueError) as fault:
        return Verdict(phase="Error", message=str(fault))


def _stopped(walk: Walk) -> str:
    if walk.stopping:
        return f"Stopped with strategy '{walk.workflow.spec.shutdown}'"
    if walk.exhausted:
        return "Maximum recursion depth exceeded"
    if walk.deadline is not None and walk.late:
        return f"retry exceeded workflow deadline {walk.deadline:%Y-%m-%d %H:%M:%S} +0000 UTC"
    return ""


def _backoff(walk: Walk, found: list[Node], strategy: Mapping[str, Any]) -> Verdict:
    backoff = strategy.get("backoff")
    if not backoff:
        return Verdict()
    last, now, until = found[-1], walk.workflow.now, None
    if backoff.get("maxDuration"):
        most = min(durations.seconds(text(backoff["maxDuration"])), 10**10)
        until = parse(found[0]["startedAt"]) + timedelta(seconds=most)
        if now > until:
            return Verdict(phase=last["phase"], message="Max duration limit exceeded")
    wait = _wait(backoff, len(found))
    after = parse(last["finishedAt"]) + timedelta(seconds=min(wait, 10**10))
    if until is not None and after > until:
        return Verdict(phase=last["phase"], message="Backoff would exceed max duration limit")
    limit = _limit(strategy)
    if now < after and limit is not None and len(found) <= limit:
        message = f"Backoff for {durations.shown(wait)}"
        return Verdict(message=message, wait=(after - now).total_seconds())
    return Verdict(message="", deadline=until.astimezone(UTC).timestamp() if until else None)


def _wait(backoff: Mapping[str, Any], attempts: int) -> float:
    """Seconds between the end of the last attempt and the next one."""
    if not backoff.get("duration"):
        raise ValueError("no base duration specified for retryStrategy")
    wait = durations.seconds(text(backoff["duration"]))
    factor = _integer(backoff.get("factor"))
    if factor is not None and factor > 0:
        grown = float(factor) ** min(attempts - 1, 300 if factor < 10 else 60)
        wait = min(wait * grown, durations.LONGEST)
    if backoff.get("cap"):
        wait = min(wait, durations.seconds(text(backoff["cap"])))
    return wait


def _again(found: list[Node], strategy: Mapping[str, Any]) -> Verdict | None:
    """Why there is no other attempt; None when there is one."""
    last, policy = found[-1], strategy.get("retryPolicy")
    if not policy:
        policy = "Always" if strategy.get("expression") else "OnFailure"
    if policy not in POLICIES:
        raise ValueError(f"{policy} is not a valid RetryPolicy")
    wanted = last["phase"] in POLICIES[policy]
    if policy == "OnTransientError":
        wanted = any(each in (last.get("message") or "") for each in TRANSIENT)
    if not wanted:
        return Verdict(phase=last["phase"], message=last.get("message", ""))
    limit = _limit(strategy)
    if limit is not None and len(found) > limit:
        return Verdict(phase=last["phase"], message="No more retries left")
    if strategy.get("expression"):
        scope = {"retries": str(len(found) - 1), **_told(last, "-1")}
        if not scopes.holds(strategy["expression"], scope):
            message = "retryStrategy.expression evaluated to false"
            return Verdict(phase=last["phase"], message=message)
    return None


def _limit(strategy: Mapping[str, Any]) -> int | None:
    return _integer(strategy.get("limit"))


def _integer(value: Any) -> int | None:
    if value is None or value == "":
        return None
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"value '{value}' cannot be resolved to an int") from None


# -- ends -----------------------------------------------------------------------------------------
def _beside(walk: Walk, node: Node, last: Node | None) -> Node:
    """The Retry node of an attempt that goes on; that of a daemon is one itself."""
    if last is not None and nodes.is_daemon(last) and not nodes.is_daemon(node):
        return walk.put({**node, "daemoned": True})
    return node


def _end(walk: Walk, node: Node, last: Node, verdict: Verdict) -> Node:
    new = {key: value for key, value in node.items() if key not in ("outputs", "daemoned")}
    if last.get("outputs") is not None:
        new["outputs"] = last["outputs"]
    phase = verdict.phase or "Error"
    return walk.put(nodes.turned(new, phase, walk.now, verdict.message))
