"""Which commands of trials need no shell."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.kube import katib
from sampan.nodes import environment
from sampan.nodes.sandbox import trials

LOG = "/var/log/katib/metrics.log"


def wrapped(words: str, *, stdout: str = LOG, stoppable: bool = False) -> str:
    """As the container gets it."""
    script = katib.wrapped([words], "/var/log/katib/", stdout=stdout, stoppable=stoppable)
    return environment.expand(script, {})


@pytest.mark.parametrize("stdout", [LOG, ""])
@pytest.mark.parametrize("stoppable", [True, False])
def test_a_plain_command_is_taken_apart(stdout: str, stoppable: bool) -> None:
    script = wrapped("python3  /p/a.py --lr=1e-3 x=2", stdout=stdout, stoppable=stoppable)
    found = trials.read(["sh", "-c", script])
    assert found is not None
    shell, words = found
    assert words == ("python3", "/p/a.py", "--lr=1e-3", "x=2")
    assert (shell.script, shell.stdout, shell.judged) == (script, stdout, stoppable)
    assert shell.mark == "/var/log/katib/1.pid"


@pytest.mark.parametrize(
    "words",
    [
        "A=b python3 x", "python3 $X", "python3 `x`", "python3 'a b'", 'python3 "x"', "python3 a;b",
        "python3 a|b", "python3 a & b", "python3 a && b", "python3 *.py", "python3 ~/a.py",
        "python3 a > b", "python3 a 2>&1", "python3 a #b", "python3 \\a", "python3 {a,b}",
        "(python3 a)", "python3 a\npython3 b", "{ python3 a\n }", "python3 a ?", "python3 [a]",
        "! python3 a",
    ],
)  # fmt: skip
def test_whatever_a_shell_reads_in_another_way_is_left_to_one(words: str) -> None:
    assert trials.read(["sh", "-c", wrapped(words)]) is None


@pytest.mark.parametrize(
    "argv",
    [
        ["bash", "-c", wrapped("python3 a")],
        ["sh", "-c", wrapped("python3 a"), "b"],
        ["sh", "-c", wrapped("python3 a") + " "],
        ["sh", "-c", wrapped("python3 a").replace("$$", "1")],
        ["sh", "-c", wrapped("python3 a").replace("completed", "done")],
        ["sh", "-c", wrapped("python3 a", stoppable=True).replace("exit 1", "exit 2")],
        ["sh", "-c", "python3 a"],
        ["python3", "a"],
        [],
    ],
)
def test_other_commands_are_left_alone(argv: list[str]) -> None:
    assert trials.read(argv) is None


@given(st.text(st.sampled_from("ab=-/.,:%+@_ '\"$\\;&|<>(){}[]*?~#!\n\t0")))
def test_the_words_are_those_that_a_shell_would_read(words: str) -> None:
    found = trials.read(["sh", "-c", wrapped(words)])
    if found is not None:
        assert list(found[1]) == shlex.split(words)
