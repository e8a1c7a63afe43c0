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
    assert found.words == ("python3", "/p/a.py", "--lr=1e-3", "x=2")
    shell = found.shell
    assert shell.argv == ("sh", "-c", script)
    assert (shell.stdout, shell.judged) == (stdout, stoppable)
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


def tuned(code: str) -> str:
    """As the SDK's `tune` writes it."""
    file = '"$program_path/ephemeral_script.py"'
    return (
        f"\nprogram_path=$(mktemp -d)\nread -r -d '' SCRIPT << EOM\n\n{code}\n\nEOM\n"
        f'printf "%s" "$SCRIPT" > {file}\npython -u {file}'
    )


@pytest.mark.parametrize("stoppable", [True, False])
def test_a_function_of_the_sdk_is_taken_out_of_its_script(stoppable: bool) -> None:
    script = wrapped(tuned("def f(x):\n    print(x)\n\nf({'lr': '0.1'})\n"), stoppable=stoppable)
    found = trials.read(["bash", "-c", script])
    assert found is not None
    assert found.words == ("python", "-u", None)
    assert found.source == "def f(x):\n    print(x)\n\nf({'lr': '0.1'})"
    assert found.name == "ephemeral_script.py"
    assert (found.shell.stdout, found.shell.judged) == (LOG, stoppable)


@pytest.mark.parametrize("code", ["print('$x')", "`x`", r"print('\n')", "a\nEOM\nb"])
def test_a_function_in_which_a_shell_would_find_something_is_left_to_it(code: str) -> None:
    assert trials.read(["bash", "-c", wrapped(tuned(code))]) is None


def test_another_script_is_left_to_its_shell() -> None:
    for script in (f"{tuned('f()')} x", f"cd /; {tuned('f()')}", tuned("f()").replace("-u", "-O")):
        assert trials.read(["bash", "-c", wrapped(script)]) is None
    assert trials.read(["sh", "-c", wrapped(tuned("f()"))]) is None


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
        assert list(found.words) == shlex.split(words)
