"""Run by an interpreter that has kfp: pipelines of the benchmark, compiled or run by kfp.local.

    python -P sdk.py compile          one JSON object: name -> intermediate representation
    python -P sdk.py local NAME       runs it by kfp.local, and prints the seconds that this took

All of it are default components, as people write them. kfp.local runs them in this interpreter's
environment, where kfp is installed already. The SDK reads annotations as they are, so they may not
be texts here.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler, dsl, local


@dsl.component
def hello(name: str) -> str:
    return f"hello {name}"


@dsl.component
def add(total: int) -> int:
    return total + 1


@dsl.component
def square(number: int) -> int:
    return number * number


@dsl.component
def sum_up(numbers: list) -> float:
    return sum(numbers)


@dsl.container_component
def nothing():  # type: ignore[no-untyped-def]
    return dsl.ContainerSpec(image="busybox", command=["true"])


@dsl.pipeline
def one(name: str = "sampan") -> str:
    return hello(name=name).output


@dsl.pipeline
def chain(first: int = 0) -> int:
    last = add(total=first)
    for _ in range(9):
        last = add(total=last.output)
    return last.output


@dsl.pipeline
def loop() -> float:
    with dsl.ParallelFor(list(range(20))) as number:
        each = square(number=number)
    return sum_up(numbers=dsl.Collected(each.output)).output


@dsl.pipeline
def bare_thousand():  # type: ignore[no-untyped-def]
    with dsl.ParallelFor(list(range(1000))) as _:
        nothing()


@dsl.pipeline
def thousand():  # type: ignore[no-untyped-def]
    with dsl.ParallelFor(list(range(1000))) as number:
        square(number=number)


PIPELINES = {each.name: each for each in (one, chain, loop, bare_thousand, thousand)}


def main() -> None:
    if sys.argv[1] == "compile":
        print(json.dumps({name: _compiled(each) for name, each in PIPELINES.items()}))
        return
    with tempfile.TemporaryDirectory() as root:
        local.init(local.SubprocessRunner(use_venv=False), pipeline_root=root, raise_on_error=True)
        began = time.perf_counter()
        PIPELINES[sys.argv[2]]()
        print(f"\n{time.perf_counter() - began}")


def _compiled(pipeline: Any) -> Any:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "pipeline.yaml")
        compiler.Compiler().compile(pipeline, str(file))
        return yaml.safe_load(file.read_text())


if __name__ == "__main__":
    main()
