"""Retries of the programs of container sets, with a real shell."""

from __future__ import annotations

import subprocess

import pytest

from sampan.nodes.executor import sets


@pytest.mark.parametrize(
    ("program", "tries", "code"),
    [(["sh", "-c", "echo try; exit 3"], 2, 3), (["sh", "-c", "echo try"], 1, 0)],
)
def test_a_program_is_tried_as_often_as_the_set_says(
    program: list[str], tries: int, code: int
) -> None:
    done = run(program)
    assert (done.returncode, done.stdout.count("try")) == (code, tries)


def test_a_program_that_is_not_there_is_not_tried_again() -> None:
    done = run(["no-such-program", "a"])
    assert done.returncode == 64
    assert done.stderr == (
        'failed to find name in PATH: exec: "no-such-program": executable file not found in $PATH\n'
    )


def run(program: list[str]) -> subprocess.CompletedProcess[str]:
    container = {"name": "one"}
    template = {"containerSet": {"containers": [container], "retryStrategy": {"retries": "2"}}}
    argv = sets.retrying(template, container, tuple(program))
    return subprocess.run(argv, capture_output=True, text=True, check=False)
