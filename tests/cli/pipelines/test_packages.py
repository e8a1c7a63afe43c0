"""Files of pipelines, and arguments as people write them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from kinds.pipelines.ir.making import dag, parameters, spec, task
from sampan.cli.pipelines import packages
from sampan.kinds.pipelines.ir.validation import validate
from sampan.kube.errors import UserMistake
from sampan.lib import yaml

IR = spec(
    {
        **parameters(
            n="NUMBER_INTEGER", who={"parameterType": "STRING", "isOptional": True},
            on={"parameterType": "BOOLEAN", "isOptional": True},
            all={"parameterType": "LIST", "isOptional": True},
        ),
        **dag(one=task("comp", cachingOptions={"enableCache": True}), sub=task("inner")),
    },
    comp={}, inner=dag(two=task("comp", cachingOptions={"enableCache": True})),
)  # fmt: skip


def python(directory: Path, script: str) -> str:
    """A stand-in for an interpreter with kfp: a program that is given the same command line."""
    program = directory / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


def test_yaml_is_read_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(yaml.dump(IR))
    read, pipeline = packages.load(str(file))
    assert (read.spec, pipeline.name) == (IR, "p")


def test_python_is_compiled_by_the_interpreter_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "compiled.yaml").write_text(yaml.dump(IR))
    (tmp_path / "p.py").write_text("")
    script = f'[ "${{12}}" = f ] && cp {tmp_path}/compiled.yaml "${{10}}"'
    chosen = python(tmp_path, script)
    assert packages.load(str(tmp_path / "p.py"), python=chosen, function="f")[1].name == "p"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        pytest.param("echo \"No module named 'kfp'\" >&2; exit 1", "has no kfp", id="kfp"),
        pytest.param("echo 'x is no pipeline' >&2; exit 1", "x is no pipeline", id="said"),
        pytest.param("exit 0", "cannot be compiled", id="nothing"),
    ],
)
def test_python_that_does_not_compile(tmp_path: Path, script: str, message: str) -> None:
    (tmp_path / "p.py").write_text("")
    with pytest.raises(UserMistake, match=message):
        packages.load(str(tmp_path / "p.py"), python=python(tmp_path, script))


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text("")
    (tmp_path / "p.yaml").write_text("kind: Pod")
    for path, message in (
        ("absent", "there is no file"),
        ("p.yaml", "unknown template format"),
    ):
        with pytest.raises(UserMistake, match=message):
            packages.load(str(tmp_path / path))
    with pytest.raises(UserMistake, match="cannot be run"):
        packages.load(str(tmp_path / "p.py"), python=str(tmp_path / "nobody"))


def test_arguments_are_read_as_what_the_pipeline_declares(tmp_path: Path) -> None:
    read = validate(IR)
    pairs = ["n=7", "who=1=2", "on=True", "all=[1]"]
    assert packages.given(read, pairs) == {"n": 7, "who": "1=2", "on": True, "all": [1]}
    (tmp_path / "values.yaml").write_text("{n: 3, who: me}")
    found = packages.given(read, ["who=you"], str(tmp_path / "values.yaml"))
    assert found == {"n": 3, "who": "you"}


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["n"], "given as NAME=VALUE"),
        (["n=many"], "parameter n: 'many' is no int"),
        ([], "parameter n is not optional(.|\n)*The pipeline takes:\n  n: int\n  who: str = None"),
        (["n=1", "x=1"], "not required by pipeline: x"),
    ],
)
def test_arguments_that_do_not_fit(pairs: list[str], message: str) -> None:
    with pytest.raises(UserMistake, match=message):
        packages.given(validate(IR), pairs)


def test_without_cache_no_task_is_cached() -> None:
    read = validate(packages.uncached(IR))
    every = [each for graph in read.graphs.values() for each in graph.tasks.values()]
    assert len(every) == 3
    assert not any(each.cachingOptions.enableCache for each in every)
