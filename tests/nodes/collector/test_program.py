"""Collectors of real pods on a node."""

from __future__ import annotations

from typing import Any

import pytest

from nodes.collector.makers import Shelf, ended, trial
from nodes.collector.writing import event, record, simple
from sampan.kube import katib
from sampan.kube.keys import key_of
from sampan.nodes.collector import feeds

LEVELS = pytest.mark.parametrize("sandbox", ["bubblewrap", "namespaces", "plain"])


async def told(site: Any, shelf: Shelf, *values: str) -> None:
    await site.eventually(lambda: [value for _, value in shelf.values] == list(values))


@LEVELS
def test_what_a_program_prints_is_read(play: Any, sandbox: str) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        line = "echo epoch 1; echo loss=0.5 acc = 0.7; echo 2024-03-04T17:55:08Z loss=.25"
        await site.run(**trial(line, metrics=["loss", "acc"]))
        status = await site.finished()
        said = await site.logs(container=katib.LOGGER)
        assert status["phase"] == "Succeeded", (status, said)
        assert said.splitlines() == [
            "epoch 1", "loss=0.5 acc = 0.7", "2024-03-04T17:55:08Z loss=.25"
        ]  # fmt: skip
        assert shelf.values == [("loss", "0.5"), ("acc", "0.7"), ("loss", ".25")]
        first, second, third = (log.time for log in shelf.rows)
        assert third == "2024-03-04T17:55:08Z"
        assert first == second > third  # when it was read
        assert shelf.why == ""

    play(story, sandbox=sandbox, observations=shelf)


def test_a_script_of_several_lines_is_read_whole(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        await site.run(**trial("echo loss=1\ncat <<X\nloss=2\nX\n", group=False))
        assert (await site.finished())["phase"] == "Succeeded"
        assert [value for _, value in shelf.values] == ["1", "2"]

    play(story, observations=shelf)


def test_of_what_the_log_could_not_hold_the_last_is_logged(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf()
    monkeypatch.setattr(feeds, "SIZE", 1_000)

    async def story(site: Any) -> None:
        line = "(seq 300000; echo loss=1) > /m/new; mv /m/new /m/out"
        await site.run(**trial(line, "File", path="/m/out", kind="File", format="TEXT"))
        assert (await site.finished())["phase"] == "Succeeded"
        said = (await site.logs(container=katib.LOGGER)).splitlines()
        assert said[-2:] == ["300000", "loss=1"]
        assert said[0] not in ("1", "2")
        assert [value for _, value in shelf.values] == ["1"]

    play(story, observations=shelf)


def test_values_are_told_while_the_program_runs(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        await site.run(**trial("echo loss=1; sleep 600"))
        await told(site, shelf, "1")
        assert not shelf.final
        assert (await site.logs(container=katib.LOGGER)) == "loss=1\n"

    play(story, observations=shelf)


def test_the_last_words_of_a_program_that_fails_are_in_the_log(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        await site.run(**trial("echo no such layer; exit 3"))
        status = await site.finished()
        assert ended(status, katib.LOGGER)["exitCode"] == 255
        said = "The last line of /var/log/katib/metrics.log is: no such layer"
        assert ended(status, katib.LOGGER)["message"].endswith(said)
        assert (await site.logs(container=katib.LOGGER)).startswith("no such layer\nFailed to wait")

    play(story, observations=shelf)


def test_a_program_that_fails_has_told_nothing(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        await site.run(**trial("echo loss=1; sleep 0.5; exit 3"))
        await told(site, shelf, "1")
        status = await site.finished()
        assert (status["phase"], ended(status, "main")["exitCode"]) == ("Failed", 3)
        collector = ended(status, katib.LOGGER)
        assert collector["exitCode"] == 255
        assert "training container is failed" in collector["message"]
        said = await site.logs(container=katib.LOGGER)
        assert said == f"loss=1\n{collector['message']}\n"
        assert shelf.logs == {}
        assert not shelf.final

    play(story, observations=shelf)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("echo hello", "Objective metric loss is not found in training logs, in none of 1 lines"),
        ("echo loss: 3", 'Objective metric loss is not found in training logs; no filter finds it'
         ' in line 1 "loss: 3"'),
    ],
)  # fmt: skip
def test_an_objective_that_is_not_there_is_unavailable(play: Any, line: str, why: str) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        await site.run(**trial(f"echo acc=1; {line}", metrics=["loss"]))
        assert (await site.finished())["phase"] == "Succeeded"
        assert shelf.values == [("loss", katib.UNAVAILABLE)]
        assert shelf.why == why.replace("line 1", "line 2").replace("1 lines", "2 lines")

    play(story, observations=shelf)


def test_what_is_no_number_is_said_with_its_line(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        await site.run(**trial("echo begin; echo loss=nan"))
        assert (await site.finished())["phase"] == "Succeeded"
        assert shelf.values == [("loss", "")]
        assert shelf.why == 'loss is not a number in line 2 "loss=nan": no number follows'

    play(story, observations=shelf)


@LEVELS
def test_a_trial_is_stopped_with_all_its_processes(play: Any, sandbox: str) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        line = "sleep 600 & sleep 600 & echo loss=3; echo loss=2; echo loss=7; sleep 600"
        await site.run(**trial(line, rules=["loss;1.5;greater;2"]))
        status = await site.finished()
        said = await site.logs(container=katib.LOGGER)
        assert status["phase"] == "Succeeded", (status, said)
        assert (shelf.stops, len(shelf.final)) == (1, 1)
        assert [value for _, value in shelf.values] == ["3", "2", "7"]
        assert "Training container is early stopped" in said
        assert "Training Container was Early Stopped" in await site.logs()
        assert await site.none_running()

    play(story, sandbox=sandbox, observations=shelf)


def test_a_rule_waits_for_its_step_and_is_not_tested_later(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        line = "echo loss=1; echo loss=9; sleep 0.5; echo loss=9"
        await site.run(**trial(line, rules=["loss;5;greater;2"]))
        assert (await site.finished())["phase"] == "Succeeded"
        assert (shelf.stops, len(shelf.values)) == (0, 3)  # the best of two was 1

    play(story, observations=shelf)


def test_a_collector_is_taken_up_again(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        line = "echo loss=1; echo loss=2; until test -f /var/log/katib/go; do sleep 0.02; done"
        given = trial(f"{line}; echo loss=3")
        await site.run(**given)
        await told(site, shelf, "1", "2")
        await site.restart()
        await site.until(lambda status: status["phase"] == "Running")
        (go,) = site.home.rglob("metrics.log")
        go.with_name("go").touch()
        assert (await site.finished())["phase"] == "Succeeded"
        assert [value for _, value in shelf.values] == ["1", "2", "3"]
        said = await site.logs(container=katib.LOGGER)
        assert said.splitlines() == ["loss=1", "loss=2", "loss=3"]
        assert len(shelf.final) == 1

    play(story, observations=shelf)


def test_an_end_that_nobody_saw_is_told(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        await site.run(**trial("echo loss=1; sleep 0.5; echo loss=2"))
        await told(site, shelf, "1")
        await site.node.stop()
        await site.eventually(lambda: any(site.home.rglob("*.pid")))
        site.node = site.make()
        await site.node.start()
        assert (await site.finished())["phase"] == "Succeeded"
        assert [value for _, value in shelf.values] == ["1", "2"]

    play(story, observations=shelf)


def test_a_stop_goes_on_after_a_restart(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        line = "trap '' TERM; echo loss=9; until test -f /var/log/katib/go; do sleep 0.02; done"
        await site.run(**trial(line, rules=["loss;5;greater;0"]))
        await site.eventually(lambda: any(site.home.rglob("*.pid")))
        await site.restart()
        (log,) = site.home.rglob("metrics.log")
        log.with_name("go").touch()
        assert (await site.finished())["phase"] == "Succeeded"
        assert shelf.stops == 1

    play(story, observations=shelf)


def test_a_file_of_json_is_read(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        lines = (
            '{"loss": "0.5", "timestamp": 1638422847.28721}', '{"loss": 3}', "",
            '{"loss": "0.25", "timestamp": "2021-12-02T14:27:50.000035161Z"}',
        )  # fmt: skip
        said = " ".join(f"'{each}'" for each in lines)
        line = f"printf '%s\\n' {said} > /m/out.json"
        await site.run(**trial(line, "File", path="/m/out.json", kind="File", format="JSON"))
        assert (await site.finished())["phase"] == "Succeeded"
        assert [(log.time, log.value) for log in shelf.rows] == [
            ("2021-12-02T05:27:27.000028721Z", "0.5"),
            ("2021-12-02T14:27:50.000035161Z", "0.25"),
        ]

    play(story, observations=shelf)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("true", "Failed to collect logs: failed to open the file: open /m/out.json: no such file"),
        ("echo '{' > /m/out.json", 'failed to parse the json object: line 1 "{"'),
        ("mkfifo /m/out.json", "is not a regular file"),
        ("ln -s /etc/passwd /m/out.json", "no such file"),
    ],
)
def test_a_file_that_cannot_be_read_fails_the_collector(play: Any, line: str, why: str) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        await site.run(**trial(line, "File", path="/m/out.json", kind="File", format="JSON"))
        status = await site.finished()
        assert (status["phase"], ended(status, "main")["exitCode"]) == ("Failed", 0)
        assert ended(status, katib.LOGGER)["exitCode"] == 255
        assert why in ended(status, katib.LOGGER)["message"]
        assert not shelf.values

    play(story, observations=shelf)


def test_events_of_tensorboard_are_read(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        line = "touch /m/here; until test -f /m/go; do sleep 0.02; done"
        metrics = ["train/acc", "loss"]
        await site.run(**trial(line, "TensorFlowEvent", metrics=metrics, path="/m"))
        await site.eventually(lambda: any(site.home.rglob("here")))
        (here,) = site.home.rglob("here")
        file = here.with_name("train") / "events.out.tfevents.1"
        file.parent.mkdir()
        file.write_bytes(record(event("acc", simple(0.5))))
        await told(site, shelf, "0.5")
        with file.open("ab") as more:
            more.write(record(event("loss", simple(2))))
        here.with_name("go").touch()
        assert (await site.finished())["phase"] == "Succeeded"
        assert shelf.values == [("train/acc", "0.5"), ("loss", "2.0")]
        assert shelf.rows[0].time == "2023-11-14T22:13:20.500000Z"

    play(story, observations=shelf)


def test_filters_are_the_users(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        pattern = r"{metricName: ([\w|-]+), metricValue: ((-?\d+)(\.\d+)?)}"
        line = "echo '{metricName: loss, metricValue: -0.4759};{metricName: loss, metricValue: 7}'"
        await site.run(**trial(line, filters=[pattern]))
        assert (await site.finished())["phase"] == "Succeeded"
        assert [value for _, value in shelf.values] == ["-0.4759", "7"]

    play(story, observations=shelf)


def test_what_cannot_be_kept_is_told_again(play: Any) -> None:
    shelf = Shelf()
    shelf.broken = 2

    async def story(site: Any) -> None:
        await site.run(**trial("echo loss=1"))
        assert (await site.finished())["phase"] == "Succeeded"
        assert [value for _, value in shelf.values] == ["1"]

    play(story, observations=shelf)


def test_a_file_that_is_written_anew_counts_from_there(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        line = "echo loss=1 > /m/l; sleep 1; echo loss=2 > /m/l; sleep 0.5"
        await site.run(**trial(line, "File", path="/m/l", kind="File", format="TEXT"))
        await told(site, shelf, "1")
        assert (await site.finished())["phase"] == "Succeeded"
        assert shelf.values == [("loss", "2")]

    play(story, observations=shelf)


def test_a_container_that_starts_again_is_read_again(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        line = (
            "test -f /m/once && echo loss=2 > /m/l || { touch /m/once; echo loss=1 > /m/l; false; }"
        )
        given = trial(line, "File", path="/m/l", kind="File", format="TEXT")
        await site.run(restartPolicy="OnFailure", **given)
        status = await site.finished()
        assert status["phase"] == "Succeeded"
        assert shelf.values == [("loss", "2")]

    play(story, observations=shelf)


def test_a_pod_that_is_deleted_ends_with_its_collector(play: Any) -> None:
    shelf = Shelf()

    async def story(site: Any) -> None:
        given = trial("echo loss=1; sleep 600")
        await site.run(terminationGracePeriodSeconds=1, **given)
        await told(site, shelf, "1")
        found = site.get()
        await site.cluster.delete(key_of(found))
        await site.gone()
        assert shelf.logs == {}

    play(story, observations=shelf)
