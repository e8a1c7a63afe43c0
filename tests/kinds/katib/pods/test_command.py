"""Re-expressed from upstream's inject_webhook_test.go TestWrapWorkerContainer."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.katib.pods import command
from sampan.kube import katib

MARK = "echo completed > /m/$$$$.pid"
JUDGED = (
    "if test -f /m/$$$$.pid && [ $(head -n 1 /m/$$.pid) = early-stopped ]; "
    "then echo Training Container was Early Stopped; "
    "else echo Training Container was Failed; exit 1; fi"
)


def wrapped(given: dict[str, Any], directory: str = "/m", **how: Any) -> tuple[list[str], str]:
    container = dict(given)
    command.wrap(container, directory, **{"stdout": "/m/log", "stoppable": False, **how})
    (script,) = container["args"]
    return container["command"], script


@pytest.mark.parametrize(
    ("given", "shell", "script"),
    [
        ({"command": ["python main.py"]}, ["sh", "-c"], "python main.py"),
        ({"command": ["sh", "-c", "python main.py"]}, ["sh", "-c"], "python main.py"),
        ({"command": ["bash", "-c"], "args": ["a", "b"]}, ["bash", "-c"], "a b"),
        ({"command": ["/bin/sh", "-c", "a b"]}, ["sh", "-c"], "/bin/sh -c a b"),
        ({"command": ["python"], "args": ["--x='1 2'", "$HOME"]}, ["sh", "-c"],
         "python --x='1 2' $HOME"),
        ({"command": ["sh"]}, ["sh", "-c"], "sh"),
        ({"command": ["sh", "-c"], "args": ["a\nb"]}, ["sh", "-c"], "a\nb"),
        ({"command": ["sh", "-c"], "args": ["a\nb\n"]}, ["sh", "-c"], "{ a\nb\n }"),
    ],
)  # fmt: skip
def test_words_are_joined_for_a_shell(given: dict[str, Any], shell: list[str], script: str) -> None:
    assert wrapped(given) == (shell, f"{script} 1>/m/log 2>&1 && {MARK}")


def test_a_file_of_the_programs_own_needs_no_redirection() -> None:
    assert wrapped({"command": ["a"]}, stdout="") == (["sh", "-c"], f"a && {MARK}")


def test_a_program_that_was_stopped_has_not_failed() -> None:
    _, script = wrapped({"command": ["a"]}, stoppable=True)
    assert script == f"a 1>/m/log 2>&1 || {JUDGED} && {MARK}"


@pytest.mark.parametrize(
    ("directory", "mark"), [("", "$$$$.pid"), ("/m/", "/m/$$$$.pid"), ("/", "/$$$$.pid")]
)
def test_the_mark_lies_beside_the_metrics(directory: str, mark: str) -> None:
    _, script = wrapped({"command": ["a"]}, directory, stdout="")
    assert script == f"a && echo completed > {mark}"


@pytest.mark.parametrize(
    ("given", "entrypoint", "cmd", "script"),
    [
        ({}, ["python"], ["a.py"], "python a.py"),
        ({"args": ["b.py", "-v"]}, ["python"], ["a.py"], "python b.py -v"),
        ({"args": ["-v"]}, ["sh", "-c", "echo 1"], [], "echo 1 -v"),
        ({}, [], ["date"], " date"),
    ],
)
def test_the_image_says_what_the_pod_does_not(
    given: dict[str, Any], entrypoint: list[str], cmd: list[str], script: str
) -> None:
    shell, text = wrapped(given, stdout="")
    filled = katib.from_image((*shell, text), entrypoint, cmd)
    assert filled == ("sh", "-c", f"{script} && {MARK}")


def test_an_image_that_says_nothing_is_no_command() -> None:
    shell, text = wrapped({})
    assert katib.from_image((*shell, text), [], []) == ()
    assert katib.from_image(("a", "b"), [], []) == ("a", "b")
