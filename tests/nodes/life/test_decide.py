"""A pod's life as a table: what is seen -> what is done and said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.nodes.life.decide import decide
from sampan.nodes.life.seen import Run, Seen, Snapshot, Start, Stop, Waiting

NOW = 1_795_400_000.0


def run(code: int | None = None, *, attempt: int = 0, ago: float = 5.0, lasted: float = 1.0) -> Run:
    if code is None:
        return Run(attempt=attempt, started=NOW - ago)
    return Run(attempt=attempt, started=NOW - ago - lasted, finished=NOW - ago, code=code)


def container(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "busybox", **more}


def snapshot(
    seen: dict[str, Seen] | None = None,
    *,
    meta: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    evicted: tuple[str, str] | None = None,
    **spec: Any,
) -> Snapshot:
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("containers", [container("main")])
    pod = {
        "metadata": {"name": "p", "namespace": "ns", "uid": "u", **(meta or {})},
        "spec": spec,
        "status": status or {},
    }
    return Snapshot(
        pod=pod, now=NOW, containers=seen or {}, pod_ip="127.1.0.1", host_ip="127.0.0.1",
        evicted=evicted,
    )  # fmt: skip


DELETED = {"deletionTimestamp": "2026-11-23T02:13:50Z", "deletionGracePeriodSeconds": 30}
SIDECAR = container("side", restartPolicy="Always")
PROBED = container("main", readinessProbe={"exec": {}}, livenessProbe={"exec": {}})


@pytest.mark.parametrize(
    ("given", "actions", "phase"),
    [
        pytest.param(snapshot(), [Start("main", 0, 0)], "Pending", id="new"),
        pytest.param(snapshot({"main": Seen(last=run())}), [], "Running", id="running"),
        pytest.param(
            snapshot({"main": Seen(last=run(0))}), [Start("main", 1, 1)], "Running",
            id="always-restarts-success",
        ),
        pytest.param(
            snapshot({"main": Seen(last=run(0))}, restartPolicy="OnFailure"), [], "Succeeded",
            id="on-failure-keeps-success",
        ),
        pytest.param(
            snapshot({"main": Seen(last=run(1))}, restartPolicy="OnFailure"),
            [Start("main", 1, 1)], "Running", id="on-failure-restarts-failure",
        ),
        pytest.param(
            snapshot({"main": Seen(last=run(1))}, restartPolicy="Never"), [], "Failed",
            id="never-fails",
        ),
        pytest.param(
            snapshot({"main": Seen(last=run(1, attempt=1), streak=1)}), [], "Running",
            id="second-failure-waits",
        ),
        pytest.param(
            snapshot({"main": Seen(last=run(1, attempt=1, ago=10), streak=1)}),
            [Start("main", 2, 2)], "Running", id="back-off-is-over",
        ),
        pytest.param(
            snapshot({"main": Seen(last=run(1, attempt=7, lasted=600), streak=7)}),
            [Start("main", 8, 1)], "Running", id="ten-minutes-forgive",
        ),
        pytest.param(
            snapshot({"main": Seen(waiting=Waiting("ErrImagePull", "no"))}), [], "Pending",
            id="held-back",
        ),
        pytest.param(
            snapshot(initContainers=[container("a"), container("b")]), [Start("a", 0, 0)],
            "Pending", id="first-init",
        ),
        pytest.param(
            snapshot({"a": Seen(last=run(0))}, initContainers=[container("a"), container("b")]),
            [Start("b", 0, 0)], "Pending", id="second-init",
        ),
        pytest.param(
            snapshot({"a": Seen(last=run(2))}, initContainers=[container("a")]),
            [Start("a", 1, 1)], "Pending", id="init-is-tried-again",
        ),
        pytest.param(
            snapshot({"a": Seen(last=run(2))}, initContainers=[container("a")],
                     restartPolicy="Never"),
            [], "Failed", id="init-fails-the-pod",
        ),
        pytest.param(
            snapshot({"a": Seen(last=run(0))}, initContainers=[container("a")]),
            [Start("main", 0, 0)], "Pending", id="init-done",
        ),
        pytest.param(
            snapshot({"side": Seen(last=run())}, initContainers=[SIDECAR]),
            [Start("main", 0, 0)], "Pending", id="sidecar-up",
        ),
        pytest.param(
            snapshot({"side": Seen(last=run())},
                     initContainers=[{**SIDECAR, "startupProbe": {"exec": {}}}]),
            [], "Pending", id="sidecar-not-yet-started",
        ),
        pytest.param(
            snapshot({"side": Seen(last=run()), "main": Seen(last=run(0))},
                     initContainers=[SIDECAR], restartPolicy="Never",
                     terminationGracePeriodSeconds=7),
            [Stop("side", 7.0)], "Running", id="sidecar-ends-last",
        ),
        pytest.param(
            snapshot({"side": Seen(last=run(143)), "main": Seen(last=run(0))},
                     initContainers=[SIDECAR], restartPolicy="Never"),
            [], "Succeeded", id="sidecars-exit-code-does-not-count",
        ),
        pytest.param(
            snapshot({"main": Seen(last=run(), unhealthy="liveness")}, containers=[PROBED],
                     terminationGracePeriodSeconds=4),
            [Stop("main", 4.0, "Container main failed liveness probe, will be restarted")],
            "Running", id="liveness-stops",
        ),
        pytest.param(
            snapshot({"main": Seen(last=run(), unhealthy="liveness", stopping=True)}), [],
            "Running", id="stopped-once",
        ),
        pytest.param(
            snapshot({"main": Seen(last=run(), hook="failed")}, terminationGracePeriodSeconds=1),
            [Stop("main", 1.0, "FailedPostStartHook")], "Running", id="hook-failed",
        ),
        pytest.param(
            snapshot({"main": Seen(last=run())}, activeDeadlineSeconds=60,
                     terminationGracePeriodSeconds=2,
                     status={"startTime": "2026-11-23T00:00:00Z", "phase": "Running"}),
            [Stop("main", 2.0)], "Running", id="deadline-stops",
        ),
        pytest.param(
            snapshot({"main": Seen(last=run(137))}, evicted=("Evicted", "too much")), [], "Failed",
            id="evicted",
        ),
    ],
)  # fmt: skip
def test_moves_and_phase(given: Snapshot, actions: list[Any], phase: str) -> None:
    decision = decide(given)
    assert list(decision.actions) == actions
    assert decision.status["phase"] == phase


def test_deletion_stops_first_and_removes_then() -> None:
    seen = {"main": Seen(last=run())}
    stopping = decide(snapshot(seen, meta=DELETED))
    assert [type(action) for action in stopping.actions] == [Stop]
    assert 0 < stopping.actions[0].grace <= 30  # type: ignore[union-attr]
    assert not stopping.remove
    gone = decide(snapshot({"main": Seen(last=run(143))}, meta=DELETED))
    assert gone.remove
    assert gone.status["phase"] == "Failed"


def test_a_pod_that_never_started_can_be_removed_at_once() -> None:
    decision = decide(snapshot(meta=DELETED))
    assert decision.remove
    assert decision.actions == ()


def test_sidecars_end_after_the_others_and_one_by_one() -> None:
    inits = [SIDECAR, {**SIDECAR, "name": "late"}]
    both = {"side": Seen(last=run()), "late": Seen(last=run())}
    first = decide(snapshot({**both, "main": Seen(last=run())}, initContainers=inits, meta=DELETED))
    assert [action.container for action in first.actions] == ["main"]
    second = decide(
        snapshot({**both, "main": Seen(last=run(0))}, initContainers=inits, meta=DELETED)
    )
    assert [action.container for action in second.actions] == ["late"]


def test_a_finished_phase_is_for_ever() -> None:
    status = {"phase": "Failed", "reason": "DeadlineExceeded"}
    decision = decide(snapshot({"main": Seen(last=run(0))}, status=status))
    assert decision.finished
    assert decision.status == status


def test_the_deadline_gives_its_reason() -> None:
    status = {"startTime": "2026-11-23T00:00:00Z", "phase": "Running"}
    decision = decide(
        snapshot({"main": Seen(last=run(143))}, activeDeadlineSeconds=1, status=status)
    )
    assert decision.finished
    assert decision.status["reason"] == "DeadlineExceeded"


@pytest.mark.parametrize(
    ("streak", "seconds"),
    [(0, 0), (1, 10), (2, 20), (3, 40), (5, 160), (6, 300), (40, 300)],
)
def test_back_off_doubles_to_five_minutes(streak: int, seconds: float) -> None:
    last = run(1, attempt=streak, ago=0)
    decision = decide(snapshot({"main": Seen(last=last, streak=streak)}))
    if not seconds:
        assert decision.actions == (Start("main", 1, 1),)
        return
    assert decision.again_in == pytest.approx(seconds)
    waiting = decision.status["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] == "CrashLoopBackOff"
    assert waiting["message"] == (
        f"back-off {seconds}s restarting failed container=main pod=p_ns(u)"
    )


@pytest.mark.parametrize("policy", ["Always", "OnFailure", "Never"])
def test_a_changed_image_replaces_the_container_by_any_policy(policy: str) -> None:
    old = Seen(last=run(attempt=3), streak=3, outdated=True)
    told = decide(snapshot({"main": old}, restartPolicy=policy))
    why = "Container main definition changed, will be restarted"
    assert told.actions == (Stop("main", 30.0, why),)
    over = Seen(last=run(143, attempt=3, ago=0), streak=3, outdated=True, stopping=True)
    again = decide(snapshot({"main": over}, restartPolicy=policy))
    assert again.actions == (Start("main", 4, 0),)
    assert again.status["phase"] == "Running"


def test_the_status_says_which_spec_it_is_of() -> None:
    status = decide(snapshot(meta={"generation": 7})).status
    assert status["observedGeneration"] == 7
    assert {each["observedGeneration"] for each in status["conditions"]} == {7}


@pytest.mark.parametrize(
    ("seen", "kinds"),
    [
        pytest.param(Seen(last=run()), {"liveness", "readiness"}, id="started"),
        pytest.param(Seen(last=run(), hook="running"), set(), id="hook-runs"),
        pytest.param(Seen(last=run(), stopping=True), set(), id="stopping"),
        pytest.param(Seen(), set(), id="not-there"),
    ],
)
def test_which_probes_run(seen: Seen, kinds: set[str]) -> None:
    decision = decide(snapshot({"main": seen}, containers=[PROBED], restartPolicy="Never"))
    assert {kind for _, kind in decision.probes} == kinds


def test_the_startup_probe_gates_the_others() -> None:
    spec = {**PROBED, "startupProbe": {"exec": {}}}
    before = decide(snapshot({"main": Seen(last=run())}, containers=[spec]))
    after = decide(snapshot({"main": Seen(last=run(), passed=True)}, containers=[spec]))
    assert {kind for _, kind in before.probes} == {"startup"}
    assert {kind for _, kind in after.probes} == {"liveness", "readiness"}
    assert before.status["containerStatuses"][0]["started"] is False
    assert after.status["containerStatuses"][0]["started"] is True


def conditions(given: Snapshot) -> dict[str, tuple[str, str]]:
    found = decide(given).status["conditions"]
    return {each["type"]: (each["status"], each.get("reason", "")) for each in found}


def test_conditions_of_a_pod_that_starts() -> None:
    assert conditions(snapshot(initContainers=[container("a")])) == {
        "PodReadyToStartContainers": ("True", ""),
        "Initialized": ("False", "ContainersNotInitialized"),
        "Ready": ("False", "ContainersNotReady"),
        "ContainersReady": ("False", "ContainersNotReady"),
        "PodScheduled": ("True", ""),
    }


def test_a_pod_that_starts_names_what_it_waits_for() -> None:
    slow = {**SIDECAR, "startupProbe": {"exec": {}}}
    given = snapshot({"side": Seen(last=run())}, initContainers=[slow, container("once")])
    message = {c["type"]: c.get("message") for c in decide(given).status["conditions"]}
    assert message["Initialized"] == "containers with incomplete status: [side once]"


def test_conditions_of_a_pod_that_is_ready() -> None:
    found = conditions(snapshot({"main": Seen(last=run(), ready=True)}, containers=[PROBED]))
    assert {value for value, _ in found.values()} == {"True"}


def test_readiness_gates_hold_back_ready_alone() -> None:
    gates = [{"conditionType": "example.com/ok"}]
    closed = snapshot({"main": Seen(last=run())}, readinessGates=gates)
    opened = snapshot(
        {"main": Seen(last=run())}, readinessGates=gates,
        status={"conditions": [{"type": "example.com/ok", "status": "True"}]},
    )  # fmt: skip
    assert conditions(closed)["Ready"] == ("False", "ReadinessGatesNotReady")
    assert conditions(closed)["ContainersReady"] == ("True", "")
    gates = [*gates, {"conditionType": "example.com/no"}]
    said = {"conditions": [{"type": "example.com/no", "status": "Unknown"}]}
    both = snapshot({"main": Seen(last=run())}, readinessGates=gates, status=said)
    ready = next(c for c in decide(both).status["conditions"] if c["type"] == "Ready")
    assert ready["message"] == (
        'corresponding condition of pod readiness gate "example.com/ok" does not exist., '
        'the status of pod readiness gate "example.com/no" is not "True", but Unknown'
    )
    assert conditions(opened)["Ready"] == ("True", "")
    assert conditions(opened)["example.com/ok"] == ("True", "")


def test_a_transition_keeps_its_time_while_the_status_stays() -> None:
    since = "2020-01-01T00:00:00Z"
    old = {"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": since}]}
    found = decide(snapshot(status=old)).status["conditions"]
    times = {each["type"]: each["lastTransitionTime"] for each in found}
    assert times["Ready"] == since
    assert times["Initialized"] != since


def test_container_states_over_restarts() -> None:
    seen = Seen(last=run(attempt=1), before=run(3), streak=1)
    found = decide(snapshot({"main": seen})).status["containerStatuses"][0]
    assert found["state"] == {"running": {"startedAt": "2026-11-23T02:13:15Z"}}
    assert found["lastState"]["terminated"]["exitCode"] == 3
    assert found["restartCount"] == 1
    assert found["containerID"] == "sampan://u.main.1"


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        pytest.param({}, "BestEffort", id="nothing"),
        pytest.param({"requests": {"cpu": "1"}}, "Burstable", id="requests"),
        pytest.param({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed", id="limits"),
        pytest.param(
            {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}},
            "Burstable",
            id="less-requested",
        ),
    ],
)
def test_quality_of_service(resources: dict[str, Any], expected: str) -> None:
    spec = [container("main", resources=resources)]
    assert decide(snapshot(containers=spec)).status["qosClass"] == expected
    whole = decide(snapshot(resources=resources)).status["qosClass"]
    assert whole == expected, "as well where the pod asks as a whole"


class World:
    """Carries decisions out on containers that end as they are told to."""

    def __init__(self, spec: dict[str, Any], codes: dict[str, list[int]]) -> None:
        self.spec = spec
        self.codes = codes
        self.seen: dict[str, Seen] = {}
        self.status: dict[str, Any] = {}
        self.now = NOW
        self.started: list[tuple[str, int]] = []
        self.together = 0

    def step(self) -> bool:
        """One decision and what follows from it; whether the pod is over."""
        given = snapshot(self.seen, status=self.status, **self.spec)
        given = Snapshot(pod=given.pod, now=self.now, containers=self.seen, pod_ip="127.1.0.1")
        decision = decide(given)
        self.status = decision.status
        for action in decision.actions:
            if isinstance(action, Start):
                old = self.seen.get(action.container, Seen())
                self.started.append((action.container, action.attempt))
                begun = Run(attempt=action.attempt, started=self.now)
                self.seen[action.container] = Seen(
                    last=begun, before=old.last, streak=action.streak
                )
            else:
                self.end(action.container, 143)
        if not decision.actions:
            self.now += decision.again_in if decision.again_in else 1
            running = [n for n, s in self.seen.items() if s.running and self.codes.get(n)]
            if running:
                self.end(running[0], self.codes[running[0]].pop(0))
        return decision.finished

    def end(self, name: str, code: int) -> None:
        last = self.seen[name].last
        assert last is not None
        ended = Run(attempt=last.attempt, started=last.started, finished=self.now, code=code)
        self.seen[name] = Seen(
            last=ended, before=self.seen[name].before, streak=self.seen[name].streak
        )


@given(
    policy=st.sampled_from(["Never", "OnFailure"]),
    codes=st.lists(st.lists(st.sampled_from([0, 1, 2]), max_size=4), min_size=4, max_size=4),
)
def test_every_pod_ends_and_no_attempt_is_started_twice(
    policy: str, codes: list[list[int]]
) -> None:
    names = ["init", "side", "one", "two"]
    endings = {name: [*codes[index], 0] for index, name in enumerate(names) if name != "side"}
    spec = {
        "restartPolicy": policy,
        "initContainers": [container("init"), SIDECAR],
        "containers": [container("one"), container("two")],
    }
    world = World(spec, endings)
    for _ in range(200):
        if world.step():
            break
    assert world.status["phase"] in ("Succeeded", "Failed")
    assert not any(seen.running for seen in world.seen.values())
    assert len(world.started) == len(set(world.started))
    order = [name for name, attempt in world.started if attempt == 0]
    assert order == [name for name in names if name in order]


@pytest.mark.parametrize("back", [3600.0, 86_400.0])
def test_a_clock_that_is_set_back_holds_no_restart_up(back: float) -> None:
    """It waits once more at most as long as if it had just ended."""
    ended = run(1, attempt=1, ago=-back)
    found = decide(snapshot({"main": Seen(last=ended, streak=1)}))
    assert found.again_in is not None
    assert found.again_in <= 10.0
