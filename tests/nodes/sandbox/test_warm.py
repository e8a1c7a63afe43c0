"""Which containers may be forked from a warm interpreter."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.nodes.sandbox import warm
from sampan.nodes.sandbox.spec import Interpreter, Mount, Sandbox
from sampan.nodes.sandbox.warm import Plan, Program

ENV = {"PATH": "/opt/env/bin:/usr/bin", "HOME": "/root"}
INTERPRETER = Interpreter("/opt/env/bin/python3", ("numpy",), ("/opt/env", "/usr"))


def plan(*argv: str, env: dict[str, str] | None = None, **more: Any) -> Plan | str:
    more.setdefault("interpreter", INTERPRETER)
    return warm.plan(Sandbox(argv=argv, env=ENV | (env or {}), **more))


@pytest.mark.parametrize(
    ("argv", "program"),
    [
        (("python3", "-c", "x", "-c", "y"), Program("code", "x", ("-c", "y"))),
        (("python", "-m", "mod", "-h"), Program("module", "mod", ("-h",))),
        (("python3.11", "a.py", "-u"), Program("file", "a.py", ("-u",))),
        (("/opt/env/bin/python", "a"), Program("file", "a", ())),
        (("python3",), Program("stdin", "", ())),
        (("python3", "-", "x"), Program("stdin", "-", ("x",))),
        (("python3", "-u", "-u", "-c", "x"), Program("code", "x", (), True)),
        (("python3", "-u", "/argo/script"), Program("file", "/argo/script", (), True)),
    ],
)  # fmt: skip
def test_plain_calls_of_python_are_warm(argv: tuple[str, ...], program: Program) -> None:
    found = plan(*argv)
    assert isinstance(found, Plan)
    assert found.program == program


@pytest.mark.parametrize(
    "argv",
    [
        ("sh", "-c", "python3 -c x"), ("python2", "x"), ("python3.11d", "x"), ("bin/python3", "x"),
        ("python3", "-O", "x"), ("python3", "-E", "x"), ("python3", "-I", "x"),
        ("python3", "-s", "x"), ("python3", "-W", "error", "x"), ("python3", "-X", "dev", "x"),
        ("python3", "-cprint()"), ("python3", "-uc", "x"), ("python3", "-i"), ("python3", "-c"),
        ("python3", "-m"), ("python3", "--help"), ("python3", "-V"), ("python3", ""),
        ("python3-config",), ("ipython",),
    ],
    ids=" ".join,
)  # fmt: skip
def test_other_commands_are_cold(argv: tuple[str, ...]) -> None:
    assert plan(*argv) == "not a plain call of python"


@pytest.mark.parametrize(
    "name",
    ["PYTHONPATH", "PYTHONHASHSEED", "PYTHONHOME", "PYTHONOPTIMIZE", "PYTHONUTF8", "PYTHON_GIL",
     "PYTHONNEWTHING", "LD_PRELOAD", "MALLOC_ARENA_MAX", "OMP_NUM_THREADS", "NUMPY_X"],
)  # fmt: skip
def test_variables_that_are_read_at_the_start(name: str) -> None:
    assert name in str(plan("python3", "x.py", env={name: "1"}))


def test_variables_of_libraries_matter_only_where_libraries_are_loaded() -> None:
    bare = Interpreter("/opt/env/bin/python3", (), ("/opt/env",))
    assert isinstance(plan("python3", env={"OMP_NUM_THREADS": "1"}, interpreter=bare), Plan)


def test_the_locale_chooses_the_zygote() -> None:
    found = plan("python3", env={"LANG": "C.UTF-8", "LC_ALL": "C", "LC_TIME": "de"})
    assert isinstance(found, Plan)
    assert found.variables == ("LC_ALL=C", "LANG=C.UTF-8")


@pytest.mark.parametrize(
    "more",
    [
        {"tty": True}, {"root": "/srv/rootfs"}, {"interpreter": None},
        {"mounts": (Mount("/opt/env/lib/python3.11/site-packages/x", "/tmp"),)},
        {"mounts": (Mount("/opt/env", "/tmp"),)}, {"env": {"HOME": ""}},
    ],
    ids=str,
)  # fmt: skip
def test_surroundings_that_make_it_cold(more: dict[str, Any]) -> None:
    assert isinstance(plan("python3", "-c", "x", **more), str)


WORDS = st.lists(
    st.one_of(
        st.sampled_from(("python3", "-c", "-m", "-u", "-", "-O", "-X", "x.py", "/bin/python")),
        st.text(max_size=5),
    ),
    min_size=1,
    max_size=6,
)


@given(WORDS)
def test_a_plan_says_all_that_the_command_line_said(words: list[str]) -> None:
    found = plan(*words)
    if isinstance(found, str):
        return
    program = found.program
    option = {"code": ["-c"], "module": ["-m"]}.get(program.mode, [])
    what = [] if program.mode == "stdin" and not program.what else [program.what]
    count = len(words) - 1 - len(option) - len(what) - len(program.argv)
    assert words[1:] == ["-u"] * count + option + what + list(program.argv)
    assert program.unbuffered == (count > 0)


@given(st.dictionaries(st.text(st.characters(codec="ascii"), min_size=1), st.text(max_size=3)))
def test_no_unknown_variable_of_python_passes(env: dict[str, str]) -> None:
    harmless = {"PYTHONUNBUFFERED", "PYTHON_VERSION"}
    found = plan("python3", env={f"PYTHON{name}": value for name, value in env.items()})
    if isinstance(found, Plan):
        assert {f"PYTHON{name}" for name in env} <= harmless
