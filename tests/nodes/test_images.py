"""Pods whose images come from a registry."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nodes.conftest import NAMESPACE, Play, Site
from nodes.images.oci.scripted import Answer, image, serve
from registry import PASSWORD, PATH, USER, Layer, Registry, Unavailable, busybox_layer
from sampan.config import Mirror
from sampan.kube.keys import Key
from sampan.nodes import pulling
from sampan.nodes.images import table
from sampan.nodes.images.oci.store import Store

pytestmark = pytest.mark.skipif(not shutil.which("bwrap"), reason="images need bubblewrap")
SANDBOXES = pytest.mark.parametrize("sandbox", ["bubblewrap", "namespaces"])


def main(image: str, **container: Any) -> list[dict[str, Any]]:
    return [{"name": "main", "image": image, **container}]


def shell(image: str, line: str, **container: Any) -> list[dict[str, Any]]:
    return main(image, command=["sh", "-c", line], **container)


def waiting(status: dict[str, Any]) -> dict[str, Any]:
    for entry in status.get("containerStatuses") or ():
        found: dict[str, Any] = entry["state"].get("waiting") or {}
        return found
    return {}


def because(reason: str) -> Callable[[dict[str, Any]], bool]:
    return lambda status: waiting(status).get("reason") == reason


@pytest.fixture
def busybox(docker_registry: Registry) -> str:
    return f"{docker_registry.name}/library/busybox"


@SANDBOXES
def test_a_container_sees_its_image_and_may_change_it(
    play: Play, busybox: str, sandbox: str
) -> None:
    line = (
        "cat /etc/passwd | head -1; touch /etc/mine && rm /bin/cat && ls /bin/cat 2>&1; umask;"
        "cut -d ' ' -f 2 /etc/hosts > /dev/null && echo $HOME; ls /home 2>&1; pwd"
    )

    async def story(site: Site) -> None:
        await site.run(containers=shell(busybox, line))
        assert (await site.finished())["phase"] == "Succeeded"
        assert (await site.logs()).splitlines() == [
            "root:x:0:0:root:/root:/bin/sh", "ls: /bin/cat: No such file or directory", "0022",
            "/root", "ls: /home: No such file or directory", "/",
        ]  # fmt: skip
        await site.run("q", containers=shell(busybox, "cat /etc/mine 2>&1 || echo fresh"))
        await site.finished("q")
        assert (await site.logs("q")).splitlines()[-1] == "fresh"

    play(story, sandbox=sandbox)


def test_what_is_said_of_an_image(play: Play, busybox: str) -> None:
    async def story(site: Site) -> None:
        await site.run(containers=shell(busybox, "true", imagePullPolicy="IfNotPresent"))
        status = await site.finished()
        digest = site.node.context.puller.store.records()[0].digest
        assert status["containerStatuses"][0]["imageID"] == f"{busybox}@{digest}"
        await site.node.context.events.flushed()
        assert site.events("Pulling") == [f'Pulling image "{busybox}"']
        [pulled] = site.events("Pulled")
        assert pulled.startswith(f'Successfully pulled image "{busybox}" in ')
        assert re.search(r" in \d+\.\d{3}s \(.*\)\. Image size: \d+ bytes\.$", pulled)
        await site.run("q", containers=shell(busybox, "true", imagePullPolicy="IfNotPresent"))
        await site.finished("q")
        await site.node.context.events.flushed()
        present = f'Container image "{busybox}" already present on machine'
        assert sorted(site.events("Pulled")) == sorted([present, pulled])

    play(story)


@SANDBOXES
def test_the_images_own_words(play: Play, docker_registry: Registry, sandbox: str) -> None:
    layer = Layer().file("etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n")
    entry = '#!/bin/sh\nid -u; id -g; pwd; ls /srv; echo $A $HOME "$@"'
    layer.directory("srv/app").file("bin/entry", entry, mode=0o755)
    docker_registry.push(
        "team/words", "1", [busybox_layer(), layer.done()], Entrypoint=["entry"], Cmd=["cmd"],
        Env=[PATH, "A=from the image"], WorkingDir="/srv/app", User="web",
        Volumes={"/srv/data": {}},
    )  # fmt: skip
    image = f"{docker_registry.name}/team/words:1"

    async def story(site: Site) -> None:
        await site.run(containers=main(image))
        await site.finished()
        assert await site.logs() == "33\n34\n/srv/app\napp\ndata\nfrom the image /srv cmd\n"
        own = {"args": ["x"], "env": [{"name": "A", "value": "b"}], "workingDir": "/tmp/new"}
        context = {"runAsUser": 7, "runAsGroup": 8}
        await site.run("q", containers=main(image, **own), securityContext=context)
        await site.finished("q")
        assert await site.logs("q") == "7\n8\n/tmp/new\napp\ndata\nb / x\n"
        await site.run("r", containers=main(image), securityContext={"runAsNonRoot": True})
        await site.until(because("CreateContainerConfigError"), "r")
        assert "non-numeric user (web)" in waiting(site.status("r"))["message"]

    play(story, sandbox=sandbox)


@SANDBOXES
def test_a_read_only_root_takes_volumes_and_nothing_else(
    play: Play, busybox: str, sandbox: str
) -> None:
    line = "touch /x 2>&1; touch /data/x && touch /var/run/deep/y && ls /data /run/deep; cat /etc/c"
    mounts = [
        {"name": "d", "mountPath": "/data"},
        {"name": "d", "mountPath": "/var/run/deep"},  # /var/run is a link of the image
        {"name": "c", "mountPath": "/etc/c", "subPath": "c"},
    ]

    async def story(site: Site) -> None:
        data = {"c": "configured"}
        meta = {"name": "c", "namespace": NAMESPACE}
        await site.cluster.create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
        )
        await site.run(
            containers=shell(
                busybox, line, volumeMounts=mounts,
                securityContext={"readOnlyRootFilesystem": True},
            ),
            volumes=[{"name": "d", "emptyDir": {}}, {"name": "c", "configMap": {"name": "c"}}],
        )  # fmt: skip
        assert (await site.finished())["phase"] == "Succeeded", await site.logs()
        said = await site.logs()
        assert "Read-only file system" in said
        assert said.splitlines()[1:] == [
            "/data:",
            "x",
            "y",
            "",
            "/run/deep:",
            "x",
            "y",
            "configured",
        ]

    play(story, sandbox=sandbox)


@SANDBOXES
def test_it_runs_where_nothing_can_be_mounted(
    play: Play, busybox: str, monkeypatch: pytest.MonkeyPatch, sandbox: str
) -> None:
    async def story(site: Site) -> None:
        async def no() -> bool:
            return False

        monkeypatch.setattr(site.node.context.puller, "overlay", no)
        await site.run(
            containers=shell(busybox, "rm /bin/cat; touch /x; ls /bin/cat /x 2>&1; id -u")
        )
        await site.finished()
        assert "/x\n" in await site.logs()
        [layer] = (site.home / "images/layers").iterdir()
        assert (layer / "files/bin/cat").is_symlink()

    play(story, sandbox=sandbox)


@SANDBOXES
def test_who_stops_it_and_how(play: Play, docker_registry: Registry, sandbox: str) -> None:
    docker_registry.push("team/stop", "1", [busybox_layer()], Env=[PATH], StopSignal="SIGUSR1")
    image = f"{docker_registry.name}/team/stop:1"
    line = "trap 'echo asked; exit 0' USR1; trap '' TERM; echo up; while :; do sleep 0.05; done"

    async def story(site: Site) -> None:
        await site.run(containers=shell(image, line), finalizers=["team.example/keep"])
        await site.running()
        await site.eventually(lambda: _said(site, "up"))
        await site.cluster.delete(Key("Pod", NAMESPACE, "p"), grace=20)
        status = await site.until(lambda s: s["phase"] in ("Succeeded", "Failed"))
        ended = status["containerStatuses"][0]["state"]["terminated"]
        assert ended["exitCode"] == 0, ended

    play(story, sandbox=sandbox)


async def _said(site: Site, word: str) -> bool:
    return word in await site.logs()


def test_it_outlives_the_control_plane(play: Play, busybox: str) -> None:
    line = "touch /mark; echo up; sleep 0.5; ls /mark > /dev/termination-log; sleep 60"

    async def story(site: Site) -> None:
        await site.run(containers=shell(busybox, line))
        before = await site.running()
        await site.eventually(lambda: _said(site, "up"))
        await site.restart()
        after = await site.running()
        entries = [status["containerStatuses"][0] for status in (before, after)]
        assert [each["imageID"] for each in entries] == [entries[0]["imageID"]] * 2
        assert [each["restartCount"] for each in entries] == [0, 0]
        await site.eventually(lambda: _message(site))
        await site.cluster.delete(Key("Pod", NAMESPACE, "p"), grace=0)
        await site.gone()
        await site.eventually(lambda: not list((site.home / "node/pods").iterdir()))

    play(story)


def _message(site: Site) -> bool:
    [file] = (site.home / "node/pods").glob("*/scratch/main.0/termination")
    return file.read_text() == "/mark\n"


# -- what goes wrong ------------------------------------------------------------------------------
@pytest.mark.slow
def test_an_image_that_nobody_has(play: Play, docker_registry: Registry) -> None:
    image = f"{docker_registry.name}/library/nothing"

    async def story(site: Site) -> None:
        await site.run(containers=main(image))
        await site.until(because("ErrImagePull"))
        message = waiting(site.status())["message"]
        assert "not found" in message
        assert f"match: '{image}'" in message
        assert "config.yaml" in message
        await site.until(because("ImagePullBackOff"))
        assert waiting(site.status())["message"].startswith(f'Back-off pulling image "{image}": ')
        await site.node.context.events.flushed()
        assert site.events("BackOff") == [f'Back-off pulling image "{image}"']
        assert set(site.events("Failed")) >= {"Error: ErrImagePull", "Error: ImagePullBackOff"}

    play(story)


@pytest.mark.slow
def test_it_is_tried_again(
    play: Play, docker_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "_FIRST", 0.2)
    monkeypatch.setattr(pulling, "_SHOWN", 0.1)
    image = f"{docker_registry.name}/team/late"

    async def story(site: Site) -> None:
        await site.run(containers=shell(image, "true"))
        await site.until(because("ImagePullBackOff"))
        docker_registry.push("team/late", "latest", [busybox_layer()], Env=[PATH])
        assert (await site.finished())["phase"] == "Succeeded"

    play(story)


def test_a_row_that_is_added_is_enough(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    async def story(site: Site) -> None:
        await site.run(containers=shell("127.0.0.1:1/team/app:1", "true"))
        await site.until(because("ErrImagePull"))
        config = site.home / "config.yaml"
        config.write_text("images: nonsense\n")
        site.node.context.follow()
        assert "images stay as they were" in caplog.text
        config.write_text("# rows\n")
        table.add(config, table.row("127.0.0.1:1/team/*", "host"))
        site.node.context.follow()
        status = await site.finished()
        assert status["phase"] == "Succeeded"
        assert status["containerStatuses"][0]["imageID"] == "sampan://host"

    play(story)


@pytest.mark.slow
def test_a_row_that_is_mended_is_enough(play: Play) -> None:
    async def story(site: Site) -> None:
        config = site.home / "config.yaml"
        table.add(config, table.row("broken", "python=/nowhere"))
        site.node.context.follow()
        await site.run(containers=shell("broken", "true"))
        await site.until(because("ImagePullBackOff"))
        assert "/nowhere has no bin/python3" in waiting(site.status())["message"]
        table.add(config, table.row("broken", "host"))
        site.node.context.follow()
        assert (await site.finished())["phase"] == "Succeeded"

    play(story)


def test_who_was_started_with_another_file_follows_none(play: Play) -> None:
    async def story(site: Site) -> None:
        table.add(site.home / "config.yaml", table.row("nothing/*", "host"))
        before = site.node.context.images
        site.node.context.follow()
        assert site.node.context.images is before

    play(story, image_mirror="mirror.example/hub")


def test_a_registry_that_is_not_there_is_noticed_at_once(play: Play) -> None:
    async def story(site: Site) -> None:
        await site.run(containers=main("127.0.0.1:1/x:1"))
        await site.until(because("ErrImagePull"), seconds=8)
        assert "Connection refused" in waiting(site.status())["message"]

    play(story)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["half", "bomb"])
def test_a_registry_that_is_no_good(play: Play, fault: str) -> None:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as out:
        info = tarfile.TarInfo("x")
        info.size = 3_000_000_000 if fault == "bomb" else 0
        out.addfile(info)
    answers, blob = image(layer.getvalue())
    path = f"/v2/x/blobs/{blob}"
    whole = answers[path]
    assert isinstance(whole, Answer)
    if fault == "half":
        answers[path] = Answer(200, whole.body, cut=len(whole.body) // 2)
    says = {"half": "bytes of sha256:", "bomb": "unpacks to more than"}[fault]

    async def story(site: Site) -> None:
        await site.run(containers=main(f"{script.name}/x"))
        await site.until(because("ErrImagePull"))
        assert says in waiting(site.status())["message"]

    with serve(answers) as script:
        play(story)


def test_a_command_that_the_image_has_not(play: Play, busybox: str) -> None:
    async def story(site: Site) -> None:
        await site.run(containers=main(busybox, command=["python3"]))
        status = await site.finished()
        ended = status["containerStatuses"][0]["state"]["terminated"]
        assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
        assert 'exec: "python3": executable file not found in $PATH' in ended["message"]

    play(story)


def test_plain_processes_have_no_image(play: Play, busybox: str) -> None:
    async def story(site: Site) -> None:
        await site.run(containers=main(busybox))
        await site.until(because("ErrImagePull"))
        assert "need a sandbox" in waiting(site.status())["message"]

    play(story, sandbox="plain")


def test_never_means_never(play: Play, busybox: str) -> None:
    async def story(site: Site) -> None:
        await site.run(containers=shell(busybox, "true", imagePullPolicy="Never"))
        await site.until(because("ErrImageNeverPull"))
        await site.run("first", containers=shell(busybox, "true"))
        await site.finished("first")
        await site.run("q", containers=shell(busybox, "true", imagePullPolicy="Never"))
        assert (await site.finished("q"))["phase"] == "Succeeded"

    play(story)


def test_a_deleted_pod_does_not_wait_for_its_image(play: Play) -> None:
    async def story(site: Site) -> None:
        await site.run(containers=main("127.0.0.1:1/x:1"))
        await site.until(lambda status: status.get("phase") == "Pending")
        await site.cluster.delete(Key("Pod", NAMESPACE, "p"))
        await site.gone()

    play(story)


def test_a_private_image_takes_the_pods_secret(play: Play, tmp_path: Path) -> None:
    try:
        with Registry(tmp_path / "registry", login=True) as private:
            private.push("team/app", "1", [busybox_layer()], Env=[PATH])
            image = f"{private.name}/team/app:1"
            _private_story(play, private, image)
    except Unavailable as error:
        pytest.skip(str(error))


def _private_story(play: Play, private: Registry, image: str) -> None:
    logins = {"auths": {private.name: {"username": USER, "password": PASSWORD}}}
    secret = {
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": "login", "namespace": NAMESPACE},
        "data": {".dockerconfigjson": base64.b64encode(json.dumps(logins).encode()).decode()},
    }  # fmt: skip

    async def story(site: Site) -> None:
        await site.cluster.create(secret)
        await site.run("without", containers=shell(image, "true"))
        await site.until(because("ErrImagePull"), "without")
        assert "needs a login" in waiting(site.status("without"))["message"]
        await site.run(containers=shell(image, "true"), imagePullSecrets=[{"name": "login"}])
        assert (await site.finished())["phase"] == "Succeeded"
        anew = shell(image, "true", imagePullPolicy="Always")
        await site.run("lost", containers=anew, imagePullSecrets=[{"name": "no"}])
        await site.until(because("ErrImagePull"), "lost")
        await site.node.context.events.flushed()
        assert "(no): not found" in site.events("FailedToRetrieveImagePullSecret")[0]

    play(story)


def test_a_mirror_of_the_config_is_used(play: Play, docker_registry: Registry) -> None:
    mirror = Mirror(prefix="registry.example", at=docker_registry.name)

    async def story(site: Site) -> None:
        await site.run(containers=shell("registry.example/library/busybox", "cat /etc/passwd"))
        status = await site.finished()
        assert status["phase"] == "Succeeded"
        assert status["containerStatuses"][0]["imageID"].startswith("registry.example/library/")

    play(story, mirrors=(mirror,))


def test_two_pods_share_one_pull(play: Play, busybox: str) -> None:
    async def story(site: Site) -> None:
        started = 0
        ask = site.node.context.puller._ask

        async def counted(wish: Any) -> Any:
            nonlocal started
            started += 1
            return await ask(wish)

        site.node.context.puller._ask = counted  # type: ignore[method-assign]
        names = [f"p{n}" for n in range(4)]
        await asyncio.gather(*(site.run(name, containers=shell(busybox, "true")) for name in names))
        for name in names:
            assert (await site.finished(name))["phase"] == "Succeeded"
        assert started == 1

    play(story)


# -- several users --------------------------------------------------------------------------------
@pytest.mark.slow
@SANDBOXES
@pytest.mark.skipif(os.geteuid() != 0, reason="there is one user in an image here")
def test_nginx_serves_as_on_any_node(play: Play, docker_registry: Registry, sandbox: str) -> None:
    conf = (
        "user www-data; events {} http { access_log off; "
        "server { listen 18473; root /usr/share/nginx/html; } }"
    )
    volume = {"name": "conf", "configMap": {"name": "conf"}}
    mount = {"name": "conf", "mountPath": "/etc/nginx/nginx.conf", "subPath": "nginx.conf"}
    probe = {"httpGet": {"port": 18473}, "periodSeconds": 1}
    image = f"{docker_registry.name}/library/nginx"

    async def story(site: Site) -> None:
        meta = {"name": "conf", "namespace": NAMESPACE}
        data = {"nginx.conf": conf}
        await site.cluster.create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
        )
        await site.run(
            containers=main(image, volumeMounts=[mount], readinessProbe=probe), volumes=[volume]
        )
        ready = await site.until(lambda s: s.get("containerStatuses", [{}])[0].get("ready"))
        assert ready["phase"] == "Running"
        assert "docker-entrypoint.sh: ready to start nginx" in await site.logs()
        store = Store(site.home / "images")
        [used] = list((site.home / "node/pods").glob("*/scratch/main.0/image"))
        assert used.read_text() == store.records()[0].digest
        assert 33 in _owners_of("nginx: worker")

    play(story, sandbox=sandbox)


@SANDBOXES
def test_a_command_in_it_may_do_what_the_container_may(
    play: Play, busybox: str, sandbox: str
) -> None:
    line = "umask; touch /x && chown 33 /x && stat -c %u /x; grep CapEff /proc/self/status"

    async def story(site: Site) -> None:
        await site.run(containers=shell(busybox, "grep CapEff /proc/self/status; sleep 60"))
        await site.running()
        await site.eventually(lambda: _said(site, "CapEff"))
        found = site.get()
        assert found is not None
        process = await site.node.agent.execute(
            found, "main", ["sh", "-c", line], stdin=False, tty=False
        )
        said = b"".join([data async for _, data in process.output()]).decode().splitlines()
        assert await process.wait() == 0
        assert said[0] == "0022"
        assert said[-1:] == (await site.logs()).splitlines()
        if os.geteuid() == 0:
            assert said[1] == "33"

    play(story, sandbox=sandbox)


def _owners_of(title: str) -> set[int]:
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if (entry / "cmdline").read_bytes().decode().startswith(title):
                found.add(entry.stat().st_uid)
        except OSError:
            continue
    return found
