"""Trials that are forked from a warm interpreter, beside the same ones in a shell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nodes.collector.makers import Shelf, ended, trial
from nodes.sandbox.test_trials import tuned
from nodes.test_warm import IMAGE, python, ready

PROGRAM = """
import os, signal, subprocess, sys, time
print("here is", os.environ["PWD"], "with" if os.getppid() > 1 else "without", "a shell")
print("loss=%s" % sys.argv[1], flush=True)
what = sys.argv[2]
if what == "fail":
    sys.exit("no such layer")
if what == "die":
    os.kill(os.getpid(), signal.SIGKILL)
if what == "wait":
    child = subprocess.Popen(["sleep", "600"])
    print("loss=9", flush=True)
    time.sleep(600)
"""
FORM = pytest.mark.parametrize("how", ["python3", "python3 -E"], ids=["warm", "cold"])


async def tried(site: Any, folder: Path, words: str, **more: Any) -> dict[str, Any]:
    """The status of a trial's pod that runs the program, with an interpreter ready."""
    folder = folder / "program"
    folder.mkdir()
    (folder / "program.py").write_text(PROGRAM)
    await python(site, "first", "pass")
    assert (await ready(site)).state == "ready"
    spec = trial(words, group=False, **more)
    main = spec["containers"][0]
    main |= {"image": IMAGE, "workingDir": "/program"}
    main["volumeMounts"] = [*main["volumeMounts"], {"name": "program", "mountPath": "/program"}]
    spec["volumes"] = [
        *spec["volumes"], {"name": "program", "hostPath": {"path": str(folder)}}
    ]  # fmt: skip
    await site.run(**spec)
    status: dict[str, Any] = await site.finished()
    (zygote,) = await site.node.context.client.zygotes()
    assert zygote.forks == (" -E" not in words)
    return status


@FORM
def test_what_a_program_prints_is_read(play: Any, tmp_path: Path, how: str) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        status = await tried(site, tmp_path, f"{how} program.py 0.5 end")
        assert status["phase"] == "Succeeded", status
        assert shelf.values == [("loss", "0.5")]
        said = await site.logs(container="metrics-logger-and-collector")
        with_one = "with" if "-E" in how else "without"
        assert said == f"here is /program {with_one} a shell\nloss=0.5\n"
        assert await site.logs() == ""

    play(story, observations=shelf)


@FORM
@pytest.mark.parametrize(("what", "code"), [("fail", 1), ("die", 137)])
def test_a_program_that_fails(play: Any, tmp_path: Path, how: str, what: str, code: int) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        status = await tried(site, tmp_path, f"{how} program.py 0.5 {what}")
        assert (status["phase"], ended(status, "main")["exitCode"]) == ("Failed", code)
        assert shelf.logs == {}
        said = await site.logs(container="metrics-logger-and-collector")
        assert ("no such layer" in said) == (what == "fail")

    play(story, observations=shelf)


@FORM
def test_a_program_that_may_be_stopped_and_fails(play: Any, tmp_path: Path, how: str) -> None:
    async def story(site: Any) -> None:
        words = f"{how} program.py 0.5 fail"
        status = await tried(site, tmp_path, words, rules=["loss;0.1;greater;2"])
        assert ended(status, "main")["exitCode"] == 1
        assert "Training Container was Failed\n" in await site.logs()

    play(story, observations=Shelf())


@FORM
def test_a_program_is_stopped_early(play: Any, tmp_path: Path, how: str) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        words = f"{how} program.py 0.5 wait"
        status = await tried(site, tmp_path, words, rules=["loss;0.1;greater;2"])
        assert status["phase"] == "Succeeded", status
        assert (shelf.stops, shelf.values) == (1, [("loss", "0.5"), ("loss", "9")])
        assert "Training Container was Early Stopped\n" in await site.logs()
        assert await site.none_running()

    play(story, observations=shelf)


@pytest.mark.parametrize("end", ["", "`true`"], ids=["warm", "cold"])
def test_a_function_of_the_sdk(play: Any, end: str) -> None:
    shelf = Shelf()
    code = (
        f"import os, sys{'  # ' + end if end else ''}\n"
        "place, name = os.path.split(sys.argv[0])\n"
        "print(place.startswith('/tmp/tmp.'), name, os.getppid() > 1)\n"
        "print(open(__file__).read()[-9:], os.listdir(place), sys.orig_argv[:2])\n"
        "print('loss=0.5')  "
    )

    async def story(site: Any) -> None:
        await python(site, "first", "pass")
        await ready(site)
        spec = trial(tuned(code), group=False)
        spec["containers"][0] |= {"image": IMAGE, "command": ["bash", "-c"]}
        await site.run(**spec)
        status = await site.finished()
        said = await site.logs(container="metrics-logger-and-collector")
        assert status["phase"] == "Succeeded", (status, said)
        assert said.splitlines() == [
            f"True ephemeral_script.py {bool(end)}",
            "oss=0.5') ['ephemeral_script.py'] ['python', '-u']",
            "loss=0.5",
        ]

    play(story, observations=shelf)


def test_a_shell_says_why_there_is_no_file_for_the_output(play: Any) -> None:
    async def story(site: Any) -> None:
        await python(site, "first", "pass")
        await ready(site)
        script = trial("python3 /program/program.py 1 end", group=False)["containers"][0]["args"][0]
        script = script.replace("1>/var/log/katib", "1>/nowhere")
        await site.run(container={"image": IMAGE, "command": ["sh", "-c", script]})
        status = await site.finished()
        assert ended(status, "main")["exitCode"] == 2
        assert "/nowhere/metrics.log" in await site.logs()

    play(story)
