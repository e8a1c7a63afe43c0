"""A pipeline in a file, as what is sent, and the arguments for it.

Python is compiled by the user's own interpreter, in which their `kfp` is: it is not ours to import.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import UNSET

from sampan.kinds.pipelines.ir import arguments, documents, validation, values
from sampan.kinds.pipelines.ir.documents import Documents
from sampan.kinds.pipelines.ir.faults import Fault
from sampan.kinds.pipelines.ir.messages import InputParameter
from sampan.kinds.pipelines.ir.pipeline import Pipeline
from sampan.kube.errors import UserMistake
from sampan.lib import yaml

PYTHON = "python3"
"""The interpreter, on PATH, that compiles."""
_KFP = "from kfp.cli.__main__ import main; main()"
"""The `kfp` command, wherever that interpreter's environment has put it."""
_WORDS = {"NUMBER_INTEGER": "int", "NUMBER_DOUBLE": "float", "STRING": "str", "BOOLEAN": "bool",
          "LIST": "list", "STRUCT": "dict"}  # fmt: skip
"""What the SDK's users call types."""
_NO_KFP = ("No module named kfp", "No module named 'kfp'")


def load(path: str, *, python: str = PYTHON, function: str = "") -> tuple[Documents, Pipeline]:
    """The pipeline of a file. function: which one, of a Python file with several."""
    file = Path(path)
    if not file.is_file():
        raise UserMistake(f"there is no file {path}")
    text = _compiled(file, python, function) if file.suffix == ".py" else file.read_bytes()
    try:
        read = documents.read(text)
        return read, validation.validate(read.spec, read.platform)
    except Fault as error:
        raise UserMistake(f"{path}: {error.message}") from None


def _compiled(file: Path, python: str, function: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="sampan-") as directory:
        output = Path(directory) / "pipeline.yaml"
        command = [python, "-W", "ignore::FutureWarning", "-c", _KFP, "dsl", "compile"]
        command += ["--py", str(file.resolve())]
        command += ["--output", str(output)]
        command += ["--function", function] if function else []
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise UserMistake(f"{python} cannot be run: {error.strerror}") from None
        if done.returncode or not output.exists():
            raise UserMistake(_why(file, python, done.stderr.strip() or done.stdout.strip()))
        return output.read_bytes()


def _why(file: Path, python: str, said: str) -> str:
    if any(text in said for text in _NO_KFP):
        return (
            f"{python} has no kfp, which compiles {file}: install it there, or name another "
            "interpreter with --python"
        )
    return f"{file} cannot be compiled by {python}:\n{said}"


def given(pipeline: Pipeline, pairs: Sequence[str], file: str = "") -> dict[str, Any]:
    """Arguments from NAME=VALUE, read as the types that the pipeline declares, and from a file."""
    found: dict[str, Any] = dict(_listed(file)) if file else {}
    declared = pipeline.root.inputDefinitions.parameters
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise UserMistake(f"{pair}: a parameter is given as NAME=VALUE")
        found[name] = _value(name, text, declared.get(name))
    try:
        arguments.check(pipeline, found)
    except Fault as error:
        raise UserMistake(f"{error.message}{_takes(pipeline)}") from None
    return found


def _value(name: str, text: str, declared: InputParameter | None) -> Any:
    """Text as a value of the type that is declared."""
    type_ = declared.parameterType if declared else "STRING"
    try:
        return values.of_text(text, type_)
    except Fault:
        raise UserMistake(f"parameter {name}: {text!r} is no {_WORDS.get(type_, type_)}") from None


def _listed(file: str) -> Mapping[str, Any]:
    try:
        found = yaml.load(Path(file).read_bytes())
    except OSError as error:
        raise UserMistake(f"{file} cannot be read: {error.strerror}") from None
    except yaml.YamlError as error:
        raise UserMistake(f"{file}: {error}") from None
    if not isinstance(found, dict):
        raise UserMistake(f"{file}: there have to be names and values")
    return found


def _takes(pipeline: Pipeline) -> str:
    declared = pipeline.root.inputDefinitions.parameters
    if not declared:
        return "\nThe pipeline takes no parameters."
    listed = (f"  {name}: {_declared(each)}" for name, each in declared.items())
    return "\nThe pipeline takes:\n" + "\n".join(listed)


def _declared(parameter: InputParameter) -> str:
    """As in Python."""
    type_ = _WORDS.get(parameter.parameterType, parameter.parameterType)
    default = parameter.defaultValue
    if default is UNSET:
        return f"{type_} = None" if parameter.isOptional else type_
    whole = int(default) if isinstance(default, float) and type_ == "int" else default
    return f"{type_} = {whole!r}"


def uncached(spec: dict[str, Any]) -> dict[str, Any]:
    """The pipeline with caching turned off for all tasks, as the SDK does it."""
    components = spec.get("components") or {}
    return {
        **spec,
        "root": _without_cache(spec["root"]),
        "components": {name: _without_cache(each) for name, each in components.items()},
    }


def _without_cache(component: dict[str, Any]) -> dict[str, Any]:
    dag = component.get("dag")
    if not dag:
        return component
    tasks = {
        name: {**task, "cachingOptions": {}} for name, task in (dag.get("tasks") or {}).items()
    }
    return {**component, "dag": {**dag, "tasks": tasks}}
