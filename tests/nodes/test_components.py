"""Lightweight components as pods: what a function sees, whichever way it is started."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from nodes.conftest import NAMESPACE
from nodes.lightweight import commands, standin
from sampan.config import Image
from sampan.kube.keys import Key

SDK = commands.sdk("2.14.0")
FORKED = "os.getpid() == 2"
"""There is no shell before a function that was forked."""
SEES = """
import sys

def f(**given):
    import json, os, site, subprocess
    child = "import sys, kfp; print(sys.path[1:], kfp.__file__)"
    env = {name: text for name, text in os.environ.items() if name != "HOSTNAME"}
    print(json.dumps({
        "given": given, "argv": sys.argv[1:], "orig": sys.orig_argv, "path": sys.path[1:],
        "main": sys.modules["__main__"].__spec__.name, "cwd": os.getcwd(), "env": env,
        "executable": sys.executable, "flags": str(sys.flags), "site": site.getusersitepackages(),
        "umask": os.umask(0), "program": open(sys.argv[2]).read(), "encoding": sys.stdout.encoding,
        "mode": [oct(os.stat(p).st_mode) for p in (sys.argv[2], os.path.dirname(sys.argv[2]))],
        "child": subprocess.check_output(["python3", "-c", child], text=True),
        "shown": open("/proc/self/cmdline").read(), "kfp": sys.modules["kfp"].__file__,
    }).replace(sys.argv[2], "FILE"))
"""


async def start(site: Any, name: str, argv: list[str], **more: Any) -> None:
    container = {"image": "python:3.11", "command": argv, **more}
    await site.run(name, container=container)


async def output(site: Any, name: str, argv: list[str], **more: Any) -> str:
    await start(site, name, argv, **more)
    status = await site.finished(name)
    said: str = await site.logs(name)
    assert status["phase"] == "Succeeded", (status, said)
    return said


async def failed(site: Any, name: str, argv: list[str], **more: Any) -> tuple[int, str]:
    await start(site, name, argv, **more)
    status = await site.finished(name)
    code = status["containerStatuses"][0]["state"]["terminated"]["exitCode"]
    assert code != 0
    return code, await site.logs(name)


async def warmed(site: Any) -> None:
    """Until there is an interpreter to fork from."""
    argv = commands.component("def f(): ...\n", SDK)
    await output(site, "first", argv)
    await zygote(site)


async def zygote(site: Any) -> None:
    async def ready() -> bool:
        found = await site.node.context.client.zygotes()
        return [each.state for each in found] == ["ready"]

    await site.eventually(ready)


async def forks(site: Any) -> int:
    return sum(zygote.forks for zygote in await site.node.context.client.zygotes())


@pytest.mark.slow
@pytest.mark.parametrize("sandbox", ["bubblewrap", "namespaces"])
def test_a_function_sees_the_same_forked_and_not(play: Any, tmp_path: Path, sandbox: str) -> None:
    standin.sdk(tmp_path / "home")
    argv = commands.component(SEES, SDK, executor_input='{"x": [1, "\\u00e4"]}')

    async def forked(site: Any) -> str:
        await warmed(site)
        said = await output(site, "a", argv)
        assert await forks(site) == 1
        return said

    async def cold(site: Any) -> str:
        said = await output(site, "a", argv)
        assert await site.node.context.client.zygotes() == []
        return said

    first = json.loads(play(forked, sandbox=sandbox))
    shutil.rmtree(tmp_path / "home" / "node")
    second = json.loads(play(cold, sandbox=sandbox, warm_python=False))
    assert first == second
    assert first["given"] == {"x": [1, "ä"]}
    assert first["program"] == SEES
    assert first["env"]["_KFP_RUNTIME"] == "true"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        pytest.param("def f():\n    raise ValueError('no')\n", 1, "in f\n", id="an exception"),
        pytest.param("def f():\n    raise SystemExit(3)\n", 3, "", id="an exit"),
        pytest.param("def f(:\n", 1, "SyntaxError", id="a source that is none"),
        pytest.param("import os\ndef f():\n    os.kill(os.getpid(), 9)\n", 137, "", id="a signal"),
        pytest.param("def g(): ...\n", 1, "AttributeError", id="another function"),
        pytest.param("import nonesuch\n", 1, "ModuleNotFoundError", id="a missing module"),
    ],
)
def test_a_function_fails_the_same_forked_and_not(
    play: Any, tmp_path: Path, source: str, code: int, said: str
) -> None:
    standin.sdk(tmp_path / "home")
    argv = commands.component(source, SDK)

    async def forked(site: Any) -> tuple[int, str]:
        await warmed(site)
        found = await failed(site, "a", argv)
        assert await forks(site) == 1
        return found

    async def cold(site: Any) -> tuple[int, str]:
        return await failed(site, "a", argv)

    first = play(forked)
    shutil.rmtree(tmp_path / "home" / "node")
    second = play(cold, warm_python=False)
    assert masked(first[1]) == masked(second[1])
    assert first[0] == second[0] == code
    assert said in first[1]


def masked(text: str) -> list[str]:
    """Without names that are drawn, nor what a shell says of a signal."""
    lines = (line for line in text.splitlines() if line != "Killed")
    return [line.partition("tmp.")[0] + line.partition("tmp.")[2][10:] for line in lines]


def test_nobody_can_change_what_others_run(play: Any, tmp_path: Path) -> None:
    standin.sdk(tmp_path / "home")
    source = (
        "import kfp\n"
        "def f():\n"
        "    for name in (kfp.__file__, kfp.__file__ + 'x'):\n"
        "        try:\n"
        "            open(name, 'a')\n"
        "        except OSError as error:\n"
        "            print(error.strerror)\n"
    )

    async def story(site: Any) -> None:
        await warmed(site)
        for name in ("a", "b"):
            said = await output(site, name, commands.component(source, SDK))
            assert said == "Read-only file system\n" * 2
        assert await forks(site) == 2

    play(story)


@pytest.mark.slow
def test_what_stands_in_the_way_of_packages_makes_the_command_run(
    play: Any, tmp_path: Path
) -> None:
    """Without an index that would be reached, which shows in what pip says."""
    standin.sdk(tmp_path / "home")
    argv = commands.component("def f(): ...\n", commands.sdk("2.14.0", "--index-url http://x/ "))

    async def story(site: Any) -> None:
        env = [{"name": name, "value": value} for name, value in (
            ("HOME", "/tmp"), ("PIP_RETRIES", "0"), ("PIP_TIMEOUT", "1"))]  # fmt: skip
        code, said = await failed(site, "a", argv, env=env)
        assert code == 1
        assert "ERROR" in said
        await output(site, "b", argv)

    play(story)


@pytest.fixture
def thing() -> dict[str, str]:
    return {"thing.py": "def tool():\n    print('tool')\n", "thing_data.py": ""}


USES = """
import os, subprocess
def f():
    import thing, thing_data
    print(thing.__file__, FORKED)
    child = "import thing; print(thing.__name__)"
    print(subprocess.check_output(["python3", "-c", child], text=True))
    print(subprocess.check_output(["thing-tool"], text=True))
""".replace("FORKED", FORKED)


@pytest.mark.slow
def test_packages_are_installed_once(play: Any, tmp_path: Path, thing: dict[str, str]) -> None:
    standin.sdk(tmp_path / "home")

    async def story(site: Any) -> None:
        call = commands.pip("thing", options=index.options)
        argv = commands.component(USES, call, SDK)
        await warmed(site)
        await asyncio.gather(*(start(site, f"p{number}", argv) for number in range(4)))
        for number in range(4):
            assert (await site.finished(f"p{number}"))["phase"] == "Succeeded"
            said = await site.logs(f"p{number}")
            assert said.split() == [
                f"/run/sampan/packages/lib/python{standin.PYTHON}/site-packages/thing.py", "True",
                "thing", "tool",
            ]  # fmt: skip
        assert index.asked == ["thing"]
        assert len(site.events("Installing")) == 1
        assert all(" thing (0.0 MB) in " in text for text in site.events("Installed"))
        (layer,) = site.node.context.stock.layers.list()
        held = commands.component("import time\ndef f():\n    time.sleep(60)\n", call, SDK)
        await start(site, "held", held)
        await site.running("held")
        marks = site.home.glob("node/pods/*/scratch/main.0/packages")
        assert layer.key in [mark.read_text() for mark in marks]
        await site.restart()
        await output(site, "later", argv)
        assert index.asked == ["thing"]

    with standin.index(thing=thing) as index:
        play(story, network="host")


@pytest.mark.slow
def test_packages_of_a_function_that_is_tuned(
    play: Any, tmp_path: Path, thing: dict[str, str]
) -> None:
    """Its script is run without the installing, in an environment of the user's as well."""
    source = "import thing, os\nprint(thing.__file__, os.getcwd())\n"

    async def story(site: Any) -> None:
        script = commands.function(source, *index.options.split()[2:], "thing", index=index.url)
        for name in ("a", "b"):
            said = await output(site, name, ["bash", "-c", script + " && echo completed"])
            place = f"/run/sampan/packages/lib/python{standin.PYTHON}/site-packages/thing.py"
            assert said.splitlines() == [f"{place} /", "completed"]
        assert index.asked == ["thing"]
        assert len(site.events("Installing")) == 1

    with standin.index(thing=thing) as index:
        play(story, network="host")


@pytest.mark.slow
def test_namespaces_have_nothing_in_common(
    play: Any, tmp_path: Path, thing: dict[str, str]
) -> None:
    standin.sdk(tmp_path / "home")

    async def story(site: Any) -> None:
        argv = commands.component(USES, commands.pip("thing", options=index.options), SDK)
        await output(site, "a", argv)
        await site.cluster.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}
        )
        found = site.get("a")
        spec = {"nodeName": "node-1", "restartPolicy": "Never",
                "containers": found["spec"]["containers"]}  # fmt: skip
        meta = {"name": "a", "namespace": "other"}
        await site.cluster.create(
            {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
        )

        def over() -> bool:
            pod = site.cluster.get(Key("Pod", "other", "a"))
            return (pod.get("status") or {}).get("phase") == "Succeeded"

        await site.eventually(over)
        assert index.asked == ["thing", "thing"]
        recipes = [layer.recipe for layer in site.node.context.stock.layers.list()]
        assert {recipe.namespace for recipe in recipes} == {NAMESPACE, "other"}

    with standin.index(thing=thing) as index:
        play(story, network="host")


@pytest.mark.slow
def test_a_layer_with_what_the_interpreter_has_loaded_is_used_by_a_fresh_one(
    play: Any, tmp_path: Path
) -> None:
    """kfp-kubernetes puts a directory into `kfp`, for example."""
    standin.sdk(tmp_path / "home")

    async def story(site: Any) -> None:
        await warmed(site)
        argv = commands.component(
            f"import os\ndef f():\n    import thing\n    print({FORKED})\n",
            commands.pip("thing", options=index.options),
            SDK,
        )
        assert await output(site, "a", argv) == "False\n"

    with standin.index(thing={"thing.py": "", "kfp/kubernetes.py": ""}) as index:
        play(story, network="host")


@pytest.mark.slow
def test_when_packages_cannot_be_had_the_command_says_why(play: Any, tmp_path: Path) -> None:
    standin.sdk(tmp_path / "home")

    async def story(site: Any) -> None:
        call = commands.pip("nonesuch-of-ours", options=index.options)
        code, said = await failed(site, "a", commands.component("def f(): ...\n", call, SDK))
        assert code == 1
        assert "No matching distribution found for nonesuch-of-ours" in said
        (text,) = site.events("FailedToInstall")
        assert text == (
            "packages: nonesuch-of-ours: pip has ended with 1; its command runs as it is"
        )
        assert site.node.context.stock.layers.sweep() == []

    with standin.index() as index:
        play(story, network="host")


@pytest.mark.slow
def test_another_pod_takes_over_when_the_one_that_installs_is_deleted(
    play: Any, tmp_path: Path, thing: dict[str, str]
) -> None:
    standin.sdk(tmp_path / "home")

    async def story(site: Any) -> None:
        argv = commands.component(USES, commands.pip("thing", options=index.options), SDK)
        index.open.clear()
        await start(site, "a", argv)
        await site.eventually(lambda: index.asked)
        await start(site, "b", argv)
        await site.until(lambda s: s.get("containerStatuses"), "b")
        (waiting,) = (await site.until(lambda s: s, "b"))["containerStatuses"]
        assert waiting["state"]["waiting"]["message"] == "installing thing"
        await site.cluster.delete(Key("Pod", NAMESPACE, "a"), grace=0)
        await site.gone("a")
        index.open.set()
        assert (await site.finished("b"))["phase"] == "Succeeded"
        assert index.asked == ["thing", "thing"]
        assert await site.none_running()

    with standin.index(thing=thing) as index:
        play(story, network="host")


@pytest.mark.slow
def test_a_crash_while_installing_leaves_nothing_half(
    play: Any, tmp_path: Path, thing: dict[str, str]
) -> None:
    standin.sdk(tmp_path / "home")

    async def story(site: Any) -> None:
        argv = commands.component(USES, commands.pip("thing", options=index.options), SDK)
        index.open.clear()
        await start(site, "a", argv)
        await site.eventually(lambda: index.asked)
        await site.restart()
        index.open.set()
        assert (await site.finished("a"))["phase"] == "Succeeded"
        assert index.asked == ["thing", "thing"]
        await site.eventually(lambda: not site.node.context.stock.layers.sweep())
        await site.eventually(site.none_running)

    with standin.index(thing=thing) as index:
        play(story, network="host")


def row(directory: Path, **more: Any) -> Image:
    """A virtual environment, which knows no packages of users."""
    prefix = directory / "environment"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin/python3").symlink_to(f"{sys.base_prefix}/bin/python{standin.PYTHON}")
    (prefix / "pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\n")
    packages = prefix / "lib" / f"python{standin.PYTHON}" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "own.py").write_text("")
    library = f"lib/python{standin.PYTHON}/site-packages"
    (packages / "pip").symlink_to(Path(sys.base_prefix, library, "pip"))
    return Image(match="mine", python=str(prefix), **more)


@pytest.mark.slow
@pytest.mark.parametrize("warm", [False, True])
def test_an_environment_of_one_s_own(
    play: Any, tmp_path: Path, thing: dict[str, str], warm: bool
) -> None:
    standin.sdk(tmp_path / "home")
    source = "import own\n" + USES.rpartition("    print")[0]

    async def story(site: Any) -> None:
        bare = commands.component(f"import os, own\ndef f():\n    print({FORKED})\n", SDK)
        assert await output(site, "a", bare, image="mine") == "False\n"
        if warm:
            await zygote(site)
        assert await output(site, "b", bare, image="mine") == f"{warm}\n"
        argv = commands.component(source, commands.pip("thing", options=index.options), SDK)
        said = (await output(site, "c", argv, image="mine")).split()
        assert said[0].startswith("/run/sampan/packages/lib/")
        assert said[1:] == ["False", "thing"]

    with standin.index(thing=thing) as index:
        play(story, network="host", images=(row(tmp_path, warm=warm),))


@pytest.mark.slow
def test_another_user_than_root(play: Any, tmp_path: Path, thing: dict[str, str]) -> None:
    standin.sdk(tmp_path / "home")

    async def story(site: Any) -> None:
        await warmed(site)
        argv = commands.component(USES, commands.pip("thing", options=index.options), SDK)
        said = await output(site, "a", argv, securityContext={"runAsUser": 1000})
        assert said.split()[1:] == ["True", "thing", "tool"]

    with standin.index(thing=thing) as index:
        play(story, network="host")
