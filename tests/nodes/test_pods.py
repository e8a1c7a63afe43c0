"""Pods from creation to result, with real processes in real sandboxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sampan.kube.errors import BadRequest, NotFound
from sampan.kube.keys import key_of

SANDBOXES = pytest.mark.parametrize("sandbox", ["bubblewrap", "namespaces"])


def terminated(status: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return dict(status["containerStatuses"][index]["state"]["terminated"])


def condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(each for each in status["conditions"] if each["type"] == kind)


def test_a_pod_runs_to_success(play: Any) -> None:
    async def story(site: Any) -> None:
        said = await site.output("echo hello; hostname; id -u")
        assert said == "hello\np\n0\n"
        status = site.status()
        assert terminated(status)["reason"] == "Completed"
        assert status["containerStatuses"][0]["restartCount"] == 0
        assert status["podIP"].startswith(("10.244.", "127."))
        assert status["qosClass"] == "BestEffort"
        assert condition(status, "Ready")["reason"] == "PodCompleted"
        assert condition(status, "Initialized")["status"] == "True"

    play(story)


def test_a_failing_pod_keeps_its_exit_code_and_message(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.run(command="echo broken > /dev/termination-log; exit 7")
        status = await site.finished()
        assert status["phase"] == "Failed"
        assert terminated(status)["exitCode"] == 7
        assert terminated(status)["reason"] == "Error"
        assert terminated(status)["message"] == "broken\n"

    play(story)


def test_the_log_can_stand_for_the_termination_message(play: Any) -> None:
    async def story(site: Any) -> None:
        policy = {"terminationMessagePolicy": "FallbackToLogsOnError"}
        await site.run(command="echo one; echo two >&2; exit 1", container=policy)
        status = await site.finished()
        assert sorted(terminated(status)["message"].split()) == ["one", "two"]

    play(story)


@SANDBOXES
def test_a_command_that_does_not_exist_is_a_start_error(play: Any, sandbox: str) -> None:
    async def story(site: Any) -> None:
        await site.run(container={"command": ["nonesuch"]})
        status = await site.finished()
        assert status["phase"] == "Failed"
        assert terminated(status)["reason"] == "StartError"
        assert terminated(status)["exitCode"] == 128
        assert '"nonesuch": executable file not found' in terminated(status)["message"]

    play(story, sandbox=sandbox)


def test_init_containers_run_in_order_and_share_volumes(play: Any) -> None:
    async def story(site: Any) -> None:
        def step(name: str, command: str) -> dict[str, Any]:
            return {
                "name": name,
                "image": "alpine",
                "command": ["sh", "-c", command],
                "volumeMounts": [{"name": "work", "mountPath": "/work-dir"}],
            }

        said = await site.output(
            "cat /work-dir/file",
            initContainers=[
                step("first", "echo 1 >> /work-dir/file"),
                step("second", "echo 2 >> /work-dir/file"),
            ],
            volumes=[{"name": "work", "emptyDir": {}}],
            container={"volumeMounts": [{"name": "work", "mountPath": "/work-dir"}]},
        )
        assert said == "1\n2\n"
        states = site.status()["initContainerStatuses"]
        assert [each["state"]["terminated"]["exitCode"] for each in states] == [0, 0]

    play(story)


def test_a_failed_init_container_fails_the_pod(play: Any) -> None:
    async def story(site: Any) -> None:
        init = {"name": "init", "image": "busybox", "command": ["sh", "-c", "exit 3"]}
        await site.run(initContainers=[init])
        status = await site.finished()
        assert status["phase"] == "Failed"
        assert status["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"

    play(story)


def test_a_sidecar_starts_first_and_ends_last(play: Any) -> None:
    async def story(site: Any) -> None:
        sidecar = {
            "name": "helper",
            "image": "busybox",
            "restartPolicy": "Always",
            "command": ["sh", "-c", "trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done"],
        }
        await site.run(initContainers=[sidecar], command="sleep 0.2")
        status = await site.finished()
        assert status["phase"] == "Succeeded"
        assert await site.logs(container="helper") == "bye\n"
        ended = status["initContainerStatuses"][0]["state"]["terminated"]["finishedAt"]
        assert ended >= terminated(status)["finishedAt"]

    play(story)


def test_a_container_that_fails_is_started_again_and_then_held_back(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.run(command="exit 4", restartPolicy="OnFailure")
        held = await site.until(
            lambda s: s.get("containerStatuses", [{}])[0].get("state", {}).get("waiting")
        )
        container = held["containerStatuses"][0]
        assert held["phase"] == "Running"
        assert container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        assert container["restartCount"] == 1
        assert container["lastState"]["terminated"]["exitCode"] == 4
        assert await site.logs(previous=True) == ""
        await site.cluster.delete(_key(site), grace=None)
        await site.gone()

    play(story)


def test_deleting_a_pod_stops_its_processes(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.run(command="trap 'echo got TERM; exit 0' TERM; while :; do sleep 0.02; done")
        await site.running()
        uid = site.get()["metadata"]["uid"]
        await site.cluster.delete(_key(site))
        await site.gone()
        await site.eventually(lambda: not (site.home / "node" / "pods" / uid).exists())
        assert await site.node.context.client.list() == []

    play(story)


def test_a_force_deleted_pod_is_killed(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.run(command="trap '' TERM; sleep 100")
        await site.running()
        await site.cluster.delete(_key(site), grace=0)
        await site.eventually(site.none_running)

    play(story)


def test_a_pod_past_its_deadline_fails(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.run(command="sleep 100", activeDeadlineSeconds=1)
        status = await site.finished()
        assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")
        assert terminated(status)["exitCode"] == 143

    play(story)


def test_an_image_without_environment_waits_and_says_what_to_add(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.run(container={"image": "registry.example/team/app:1"})
        status = await site.until(
            lambda s: _waiting(s).get("reason") in ("ErrImagePull", "ImagePullBackOff")
        )
        assert "registry.example/team/app:1" in _waiting(status)["message"]
        assert 'table "images"' in _waiting(status)["message"]
        assert status["phase"] == "Pending"

    play(story)


def test_another_image_is_taken_while_the_pod_lives(play: Any) -> None:
    async def story(site: Any) -> None:
        async def now(image: str) -> None:
            changed = {"spec": {"containers": [{**site.get()["spec"]["containers"][0],
                                                "image": image}]}}  # fmt: skip
            await site.cluster.patch(_key(site), changed)

        await site.run(command="sleep 100", container={"image": "registry.example/typo:1"},
                       terminationGracePeriodSeconds=1)  # fmt: skip
        await site.until(lambda s: _waiting(s).get("reason") == "ImagePullBackOff")
        await now("busybox")
        assert (await site.running())["containerStatuses"][0]["restartCount"] == 0
        await now("alpine:3")
        again = await site.until(
            lambda s: (
                s["containerStatuses"][0]["restartCount"] == 1
                and "running" in s["containerStatuses"][0]["state"]
            )
        )
        assert again["containerStatuses"][0]["image"] == "alpine:3"
        assert "definition changed" in " ".join(site.events("Killing"))

    play(story)


def test_python_images_run_the_interpreter_of_this_machine(play: Any) -> None:
    async def story(site: Any) -> None:
        said = await site.output("python -c 'print(6*7)'; python3 -m pip --version | cut -c1-3",
                                 container={"image": "python:3.7"})  # fmt: skip
        assert said == "42\npip\n"
        assert site.status()["containerStatuses"][0]["imageID"].startswith("sampan://python-3.")

    play(story)


@SANDBOXES
def test_home_and_the_files_of_sampan_are_hidden(play: Any, sandbox: str) -> None:
    async def story(site: Any) -> None:
        (site.home / "secret").write_text("s")
        said = await site.output(
            f"ls -A /home; ls -A /root; ls {site.home} 2>&1; test -w /tmp && echo tmp;"
            "touch /etc/x 2>/dev/null || echo read-only; mkdir /data && echo data"
        )
        assert "secret" not in said
        assert said.endswith("tmp\nread-only\ndata\n")

    play(story, sandbox=sandbox)


def test_the_environment_reaches_the_process(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.cluster.create(_config_map("settings", {"color": "blue"}))
        said = await site.output(
            "echo $COLOR $NAME $(BOTH) $KUBERNETES_SERVICE_PORT $$(X) $P_color",
            container={
                "env": [
                    {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    {"name": "COLOR", "valueFrom": {"configMapKeyRef": {
                        "name": "settings", "key": "color"}}},
                    {"name": "BOTH", "value": "$(NAME)-$(COLOR)"},
                ],
                "envFrom": [{"prefix": "P_", "configMapRef": {"name": "settings"}}],
                "command": ["sh", "-c", "echo $COLOR $NAME $(BOTH) $KUBERNETES_SERVICE_PORT "
                            "'$$(X)' $P_color"],
            },
        )  # fmt: skip
        assert said == "blue p p-blue 6443 $(X) blue\n"

    play(story, network="host")


def test_a_missing_config_map_holds_the_container_until_it_appears(play: Any) -> None:
    async def story(site: Any) -> None:
        source = [{"configMapRef": {"name": "later"}}]
        await site.run(command="echo $WORD", container={"envFrom": source})
        status = await site.until(lambda s: _waiting(s))
        assert _waiting(status) == {
            "reason": "CreateContainerConfigError",
            "message": 'configmap "later" not found',
        }
        await site.cluster.create(_config_map("later", {"WORD": "there"}))
        assert (await site.finished())["phase"] == "Succeeded"
        assert await site.logs() == "there\n"

    play(story)


@SANDBOXES
def test_exec_runs_beside_the_container_in_its_sandbox(play: Any, sandbox: str) -> None:
    async def story(site: Any) -> None:
        await site.run(command="echo mark > /tmp/mark; sleep 100", container={
            "env": [{"name": "COLOR", "value": "red"}]})  # fmt: skip
        await site.running()
        code, out, err = await _exec(
            site, ["sh", "-c", "cat /tmp/mark; echo $COLOR; hostname; echo no >&2; cat; exit 5"],
            stdin=b"given",
        )  # fmt: skip
        assert (code, out, err) == (5, b"mark\nred\np\ngiven", b"no\n")
        assert (await _exec(site, ["nonesuch"]))[0] == 127
        code, out, _ = await _exec(site, ["sh", "-c", "tty; stty size; exit 3"], tty=True)
        assert code == 3
        assert b"24 80" in out
        await site.cluster.delete(_key(site), grace=0)

    play(story, sandbox=sandbox)


def test_exec_needs_a_running_container(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.output("true")
        with pytest.raises(BadRequest, match="not running"):
            await _exec(site, ["true"])
        with pytest.raises(NotFound, match="nope"):
            await site.node.agent.execute(site.get(), "nope", ["x"], stdin=False, tty=False)

    play(story)


def test_a_followed_log_ends_with_the_container(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.run(command="for i in 1 2 3; do echo $i; sleep 0.05; done")
        await site.running()
        assert await site.logs(follow=True) == "1\n2\n3\n"
        assert await site.logs(tail=1) == "3\n"
        stamped = (await site.logs(timestamps=True)).splitlines()
        assert [line.split(" ")[1] for line in stamped] == ["1", "2", "3"]
        assert await site.logs(limit_bytes=3) == "1\n2"

    play(story)


def test_logs_of_a_pod_that_has_not_started_are_refused(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.run(container={"image": "nowhere.example/x"})
        await site.until(lambda s: _waiting(s).get("reason") == "ErrImagePull")
        with pytest.raises(BadRequest, match="is waiting to start: ErrImagePull"):
            await site.logs()

    play(story)


@SANDBOXES
def test_stdin_can_be_attached(play: Any, sandbox: str) -> None:
    async def story(site: Any) -> None:
        wants = {"stdin": True, "stdinOnce": True, "command": ["cat"]}
        await site.run(container=wants)
        await site.running()
        attached = await site.node.agent.attach(site.get(), "main", stdin=True, tty=False)
        await attached.write(b"hello\n")
        await attached.close_stdin()
        assert [piece async for piece in attached.output()] == [(1, b"hello\n")]
        assert await attached.wait() == 0
        assert (await site.finished())["phase"] == "Succeeded"

    play(story, sandbox=sandbox)


@SANDBOXES
def test_a_terminal_can_be_attached(play: Any, sandbox: str) -> None:
    async def story(site: Any) -> None:
        wants = {"stdin": True, "tty": True, "command": ["sh", "-c", "stty size; read x; exit $x"]}
        await site.run(container=wants)
        await site.running()
        attached = await site.node.agent.attach(site.get(), "main", stdin=True, tty=True)
        await attached.write(b"6\n")
        assert await attached.wait() == 6
        assert terminated(await site.finished())["exitCode"] == 6

    play(story, sandbox=sandbox)


def test_hooks_run_inside_the_container(play: Any) -> None:
    async def story(site: Any) -> None:
        hooks = {
            "postStart": {"exec": {"command": ["sh", "-c", "echo begun > /tmp/hook"]}},
            "preStop": {"exec": {"command": ["sh", "-c", "echo end >> /data/hook"]}},
        }
        shared = site.home.parent / "shared"
        await site.run(
            command="while ! test -e /tmp/hook; do sleep 0.01; done; echo ok; sleep 100",
            container={"lifecycle": hooks, "volumeMounts": [{"name": "d", "mountPath": "/data"}]},
            volumes=[{"name": "d", "hostPath": {"path": str(shared), "type": "DirectoryOrCreate"}}],
        )
        await site.until(_ready)
        await site.cluster.delete(_key(site))
        await site.gone()
        assert (shared / "hook").read_text() == "end\n"

    play(story)


def test_a_failed_hook_before_the_end_is_told(play: Any) -> None:
    async def story(site: Any) -> None:
        hooks = {"preStop": {"exec": {"command": ["sh", "-c", "echo not now; exit 2"]}}}
        await site.run(command="sleep 100", container={"lifecycle": hooks})
        await site.until(_ready)
        await site.cluster.delete(_key(site))
        await site.gone()
        assert site.events("FailedPreStopHook") == ["PreStopHook failed: not now"]

    play(story)


def test_probes_decide_about_readiness(play: Any) -> None:
    async def story(site: Any) -> None:
        probe = {"exec": {"command": ["test", "-e", "/tmp/ready"]}, "periodSeconds": 0.05}
        await site.run(command="sleep 0.3; touch /tmp/ready; sleep 100",
                       container={"readinessProbe": probe})  # fmt: skip
        status = await site.running()
        assert not _ready(status)
        assert condition(status, "Ready")["reason"] == "ContainersNotReady"
        await site.until(_ready)
        await site.cluster.delete(_key(site), grace=0)

    play(story)


def test_a_failing_liveness_probe_restarts_the_container(play: Any) -> None:
    async def story(site: Any) -> None:
        probe = {"tcpSocket": {"port": 1}, "periodSeconds": 0.05, "failureThreshold": 2}
        await site.run(command="sleep 100", restartPolicy="Always",
                       container={"livenessProbe": probe})  # fmt: skip
        await site.until(lambda s: s.get("containerStatuses", [{}])[0].get("restartCount"))
        await site.node.context.events.flushed()
        assert any("Liveness probe failed" in text for text in site.events("Unhealthy"))
        await site.cluster.delete(_key(site), grace=0)

    play(story)


def test_a_pod_tells_its_story_in_events(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.output("true")
        await site.node.context.events.flushed()
        for reason in ("Pulled", "Created", "Started"):
            assert len(site.events(reason)) == 1

    play(story)


def test_two_writes_are_enough_for_a_short_pod(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.output("true", name="warm-up")
        seen: list[dict[str, Any]] = []
        site.cluster.subscribe("Pod", lambda change: seen.append(change.manifest))
        seen.clear()
        await site.output("true")
        assert len(seen) <= 3  # created, Running, Succeeded

    play(story)


@SANDBOXES
def test_memory_above_the_limit_is_an_oom_kill(play: Any, sandbox: str) -> None:
    async def story(site: Any) -> None:
        grow = "import time; x = bytearray(200 << 20); x[::4096] = b'1' * len(x[::4096]);"
        await site.run(container={
            "image": "python:3.11",
            "command": ["python3", "-c", grow + " time.sleep(20)"],
            "resources": {"limits": {"memory": "64Mi"}},
        })  # fmt: skip
        status = await site.finished()
        assert terminated(status)["reason"] == "OOMKilled"
        assert terminated(status)["exitCode"] == 137

    play(story, sandbox=sandbox)


def test_plain_processes_rewrite_mount_paths(play: Any) -> None:
    async def story(site: Any) -> None:
        said = await site.output(
            "echo x > /work-dir/f; cat $PLACE/f; test -e /work-dir || echo rewritten",
            volumes=[{"name": "work", "emptyDir": {}}],
            container={
                "volumeMounts": [{"name": "work", "mountPath": "/work-dir"}],
                "env": [{"name": "PLACE", "value": "/work-dir"}],
            },
        )
        assert said == "x\n"
        assert site.node.doctor()[0].level == "warning"

    play(story, sandbox="plain")


def test_plain_processes_die_with_their_pod(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.run(command="setsid sleep 54321 & exec sleep 54321")
        await site.running()
        await site.cluster.delete(_key(site))
        await site.gone()
        assert not _processes(b"54321")

    play(story, sandbox="plain")


def test_exec_works_in_plain_processes(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.run(command="sleep 100")
        await site.running()
        assert await _exec(site, ["sh", "-c", "echo hi; exit 2"]) == (2, b"hi\n", b"")
        await site.cluster.delete(_key(site), grace=0)

    play(story, sandbox="plain")


async def _exec(
    site: Any, command: list[str], *, stdin: bytes = b"", tty: bool = False
) -> tuple[int, bytes, bytes]:
    process = await site.node.agent.execute(site.get(), "main", command, stdin=bool(stdin), tty=tty)
    if tty:
        await process.resize(80, 24)
    if stdin:
        await process.write(stdin)
        await process.close_stdin()
    streams = {1: b"", 2: b""}
    async for stream, data in process.output():
        streams[stream] += data
    return await process.wait(), streams[1], streams[2]


def _waiting(status: dict[str, Any]) -> dict[str, Any]:
    containers = status.get("containerStatuses") or [{}]
    return dict(containers[0].get("state", {}).get("waiting") or {})


def _ready(status: dict[str, Any]) -> bool:
    return any(
        each["type"] == "Ready" and each["status"] == "True"
        for each in status.get("conditions", ())
    )


def _key(site: Any, name: str = "p") -> Any:
    return key_of(site.get(name))


def _config_map(name: str, data: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "team"}, "data": data,
    }  # fmt: skip


def _processes(mark: bytes) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "cmdline").read_bytes():
                    found.append(entry.name)
            except OSError:
                continue
    return found
