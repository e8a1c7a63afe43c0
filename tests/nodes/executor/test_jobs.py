"""Pods of workflows on a node that is its own executor, with real processes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from nodes.conftest import NAMESPACE
from nodes.executor.makers import carried, ended, outputs, result_of, values
from sampan.kube import argoexec
from sampan.kube.keys import key_of

LEVELS = pytest.mark.parametrize("sandbox", ["bubblewrap", "namespaces"])


@LEVELS
def test_parameters_are_read_wherever_they_were_written(play: Any, sandbox: str) -> None:
    paths = {"a": "/out.txt", "b": "/new/deep/file", "c": "/tmp/x", "d": "/vol/v", "e": "/opt/n/e"}
    command = "; ".join(
        f"mkdir -p $(dirname {path}); echo {name} > {path}" for name, path in paths.items()
    )

    async def story(site: Any) -> None:
        mount = {"volumeMounts": [{"name": "v", "mountPath": "/vol"}]}
        volumes = [{"name": "v", "emptyDir": {}}]
        await site.run(**carried(outputs(**paths), command, main=mount, volumes=volumes))
        status = await site.finished()
        assert status["phase"] == "Succeeded", (status, await site.logs())
        assert values(site) == {name: name for name in paths}

    play(story, sandbox=sandbox)


def test_paths_in_arguments_are_found_without_a_sandbox(play: Any) -> None:
    async def story(site: Any) -> None:
        command = "echo one > /out.txt; echo two > /tmp/x"
        await site.run(**carried(outputs(a="/out.txt", b="/tmp/x"), command))
        assert (await site.finished())["phase"] == "Succeeded"
        assert values(site) == {"a": "one", "b": "two"}

    play(story, sandbox="plain")


def test_the_emissary_may_stand_in_a_shell_s_script(play: Any) -> None:
    async def story(site: Any) -> None:  # as commands of trials' pods are rewritten
        script = f"{' '.join(argoexec.EMISSARY)} echo one > /out.txt && echo two >> /out.txt"
        main = {"command": ["sh", "-c"], "args": [script]}
        await site.run(**carried(outputs(a="/out.txt"), main=main))
        assert (await site.finished())["phase"] == "Succeeded", await site.logs()
        assert values(site) == {"a": "one\ntwo"}

    play(story)


def test_the_report_is_the_node_s_and_goes_with_the_pod(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.run(**carried({}, "echo hello; echo bad >&2", result=True))
        status = await site.finished()
        result = result_of(site)
        assert result["outputs"] == {"result": "hello"}
        assert result["metadata"]["labels"] == {
            "workflows.argoproj.io/workflow": "wf",
            "workflows.argoproj.io/report-outputs-completed": "true",
        }
        (owner,) = result["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"]) == ("Pod", "p")
        assert [ended(status, name)["exitCode"] for name in ("init", "wait", "main")] == [0, 0, 0]

    play(story)


def test_a_missing_file_is_the_fault_of_wait_alone(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.run(**carried(outputs(a="/nope"), "echo hello", result=True))
        status = await site.finished()
        assert (status["phase"], ended(status, "main")["exitCode"]) == ("Failed", 0)
        said = "open /var/run/argo/outputs/parameters/nope: no such file or directory"
        assert (ended(status, "wait")["exitCode"], ended(status, "wait")["message"]) == (64, said)
        assert said in await site.logs(container="wait")
        assert result_of(site)["outputs"]["result"] == "hello"

    play(story)


def test_a_default_stands_for_a_missing_file(play: Any) -> None:
    async def story(site: Any) -> None:
        template = outputs(a="/nope")
        template["outputs"]["parameters"][0]["valueFrom"]["default"] = 3
        await site.run(**carried(template, "exit 4"))
        status = await site.finished()
        assert ended(status, "main")["exitCode"] == 4
        assert ended(status, "wait")["exitCode"] == 0
        assert values(site) == {"a": "3"}

    play(story)


def test_an_empty_command_is_the_image_s(play: Any) -> None:
    async def story(site: Any) -> None:
        main = {"image": "argoproj/argosay:v2", "args": ["echo", "hi", "/out"]}
        await site.run(**carried(outputs(a="/out"), main=main))
        assert (await site.finished())["phase"] == "Succeeded"
        assert values(site) == {"a": "hi"}

    play(story)


def test_a_script_is_staged_by_init(play: Any) -> None:
    async def story(site: Any) -> None:
        staging = {"name": "argo-staging", "mountPath": "/argo/staging"}
        main = {"args": ["/argo/staging/script"], "volumeMounts": [staging]}
        main["command"] = ["/var/run/argo/argoexec", "emissary", "--", "sh"]
        spec = carried(
            {"script": {"source": "echo from $0"}}, main=main, result=True, init_mounts=[staging],
            volumes=[{"name": "argo-staging", "emptyDir": {}}],
        )  # fmt: skip
        await site.run(**spec)
        assert (await site.finished())["phase"] == "Succeeded"
        assert result_of(site)["outputs"]["result"] == "from /argo/staging/script"

    play(story)


def over(status: dict[str, Any]) -> set[str]:
    listed = status.get("containerStatuses") or ()
    return {each["name"] for each in listed if "terminated" in each["state"]}


def test_a_sidecar_that_begins_when_all_is_over_ends_at_once(play: Any) -> None:
    async def story(site: Any) -> None:
        sidecar = {"name": "side", "image": "busybox", "command": ["sleep", "600"],
                   "envFrom": [{"configMapRef": {"name": "late"}}]}  # fmt: skip
        await site.run(**carried({"sidecars": [sidecar]}, "true"))
        await site.until(lambda status: over(status) == {"wait", "main"})
        late = {"name": "late", "namespace": NAMESPACE}
        await site.cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": late})
        assert ended(await site.finished(), "side")["exitCode"] == 143

    play(story)


def test_sidecars_end_when_the_main_container_has(play: Any) -> None:
    async def story(site: Any) -> None:
        sidecar = {"name": "side", "image": "busybox", "command": ["sleep", "600"]}
        await site.run(**carried({"sidecars": [sidecar]}, "true"))
        status = await site.finished()
        assert ended(status, "side")["exitCode"] == 143
        assert ended(status, "main")["exitCode"] == ended(status, "wait")["exitCode"] == 0

    play(story)


def _set(*containers: tuple[str, str, list[str]], **more: Any) -> dict[str, Any]:
    """A pod of a container set: (name, shell line, dependencies)."""
    members = [{"name": name, "dependencies": after} for name, _, after in containers]
    spec = carried({"containerSet": {"containers": members, **more}}, "true")
    wait, main, *_ = spec["containers"]
    spec["containers"] = [wait] + [
        {**main, "name": name, "command": [*argoexec.EMISSARY, "sh", "-c", line]}
        for name, line, _ in containers
    ]
    return spec


def test_containers_of_a_set_wait_for_each_other(play: Any) -> None:
    async def story(site: Any) -> None:
        run = argoexec.RUN
        await site.run(**_set(
            ("c", f"cat {run}/b", ["b"]), ("b", f"cat {run}/a && echo b > {run}/b", ["a"]),
            ("a", f"sleep 0.2; echo a > {run}/a", []),
        ))  # fmt: skip
        status = await site.finished()
        assert status["phase"] == "Succeeded"
        assert await site.logs(container="c") == "b\n"
        order = [ended(status, name)["finishedAt"] for name in ("a", "b", "c", "wait")]
        assert order == sorted(order)

    play(story)


def test_a_container_whose_dependency_failed_never_begins(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.run(**_set(("a", "exit 3", []), ("b", "echo never", ["a"])))
        status = await site.finished()
        assert (ended(status, "a")["exitCode"], ended(status, "b")["exitCode"]) == (3, 64)
        assert ended(status, "b")["message"] == 'dependency "a" exited with non-zero code: 3'

    play(story)


def test_containers_of_a_set_are_tried_again(play: Any) -> None:
    async def story(site: Any) -> None:
        line = "echo try; [ -e /tmp/there ] && exit 0; touch /tmp/there; exit 5"
        again = {"retries": 3, "duration": "10ms"}
        await site.run(**_set(("a", line, []), ("b", "exit 5", ["a"]), retryStrategy=again))
        status = await site.finished()
        assert (ended(status, "a")["exitCode"], ended(status, "b")["exitCode"]) == (0, 5)
        assert await site.logs(container="a") == "try\ntry\n"

    play(story)


def test_held_containers_are_held_after_a_restart(play: Any, tmp_path: Path) -> None:
    async def story(site: Any) -> None:
        tmp_path.joinpath("d").mkdir()
        spec = _set(("a", "while [ ! -e /d/go ]; do sleep 0.05; done", []), ("b", "true", ["a"]))
        spec["volumes"].append({"name": "d", "hostPath": {"path": str(tmp_path / "d")}})
        for each in spec["containers"]:
            each["volumeMounts"] = [*each["volumeMounts"], {"name": "d", "mountPath": "/d"}]
        await site.run(**spec)
        await site.running()
        await site.restart()
        tmp_path.joinpath("d", "go").touch()
        status = await site.finished()
        assert (status["phase"], ended(status, "b")["exitCode"]) == ("Succeeded", 0)

    play(story)


def test_progress_is_told_while_the_container_runs(play: Any, tmp_path: Path) -> None:
    async def story(site: Any) -> None:
        tmp_path.joinpath("d").mkdir()
        command = "echo 3/7 > /var/run/argo/progress; while [ ! -e /d/go ]; do sleep 0.05; done"
        mount = {"volumeMounts": [{"name": "d", "mountPath": "/d"}]}
        volumes = [{"name": "d", "hostPath": {"path": str(tmp_path / "d")}}]
        await site.run(**carried({}, command, main=mount, volumes=volumes))
        await site.eventually(lambda: result_of(site).get("progress") == "3/7")
        labels = result_of(site)["metadata"]["labels"]
        assert labels["workflows.argoproj.io/report-outputs-completed"] == "false"
        tmp_path.joinpath("d", "go").touch()
        await site.finished()
        labels = result_of(site)["metadata"]["labels"]
        assert labels["workflows.argoproj.io/report-outputs-completed"] == "true"

    play(story)


def test_a_deadline_ends_the_main_container(play: Any) -> None:
    async def story(site: Any) -> None:
        env = {"ARGO_DEADLINE": "2020-01-01T00:00:00Z"}
        await site.run(**carried({}, "exec sleep 600", env=env))
        status = await site.finished()
        assert ended(status, "main")["exitCode"] == 143
        assert ended(status, "wait")["message"] == "Step exceeded its deadline"

    play(story)


def test_outputs_are_reported_after_a_restart(play: Any, tmp_path: Path) -> None:
    async def story(site: Any) -> None:
        tmp_path.joinpath("d").mkdir()
        command = "echo out > /out; while [ ! -e /d/go ]; do sleep 0.05; done; echo over"
        mount = {"volumeMounts": [{"name": "d", "mountPath": "/d"}]}
        volumes = [{"name": "d", "hostPath": {"path": str(tmp_path / "d")}}]
        await site.run(**carried(outputs(a="/out"), command, main=mount, volumes=volumes))
        await site.running()
        await site.node.stop()
        tmp_path.joinpath("d", "go").touch()
        await asyncio.sleep(0.2)  # main ends, and nobody is there
        site.node = site.make()
        await site.node.start()
        status = await site.finished()
        assert (status["phase"], values(site)) == ("Succeeded", {"a": "out"})

    play(story)


def test_init_is_not_missed_when_only_its_successors_left_a_trace(play: Any) -> None:
    async def story(site: Any) -> None:
        replace, held = site.cluster.replace, asyncio.Event()

        async def never(manifest: Any, **more: Any) -> Any:
            held.set()
            return await asyncio.Event().wait()

        site.cluster.replace = never  # no status is ever written
        await site.run(**carried(outputs(a="/out"), "echo out > /out"))
        await asyncio.wait_for(held.wait(), 10)
        await site.eventually(lambda: values(site) == {"a": "out"})
        await site.node.stop()
        site.cluster.replace = replace
        site.node = site.make()
        await site.node.start()
        assert (await site.finished())["phase"] == "Succeeded"

    play(story)


def test_a_deleted_pod_reports_what_there_is(play: Any) -> None:
    async def story(site: Any) -> None:
        command = "trap 'echo out > /out; exit 0' TERM; echo ready; sleep 600 & wait"
        spec = carried(outputs(a="/out"), command)
        await site.run(**spec, terminationGracePeriodSeconds=5)
        await site.running()
        await site.eventually(lambda: _said(site, "ready"))
        await site.cluster.delete(key_of(site.get()))
        await site.until(lambda _: values(site) == {"a": "out"})
        await site.gone()

    play(story)


async def _said(site: Any, word: str) -> bool:
    return word in await site.logs()
