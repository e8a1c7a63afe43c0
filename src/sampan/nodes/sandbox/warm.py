"""Whether a container's program may be forked from a warm interpreter, or has to start cold.

Pure but for following links of mount targets. A fork has to be what a fresh interpreter would have
been: whatever that reads at its start (options, PYTHON* variables, a terminal, files in its prefix)
makes a container cold unless it is known to be the same. What can only be seen inside the sandbox
is compared there (`supervisor/interpreter`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from sampan.nodes.sandbox import shadow, trials
from sampan.nodes.sandbox.spec import Component, Interpreter, Sandbox
from sampan.nodes.sandbox.trials import Shell

_NAME = re.compile(r"python(3(\.\d+)?)?")
_LOCALE = ("LC_ALL", "LC_CTYPE", "LANG")
"""Read at start; a zygote is kept for each combination that is asked for."""
_HARMLESS = frozenset(
    ("PYTHON_VERSION", "PYTHON_SHA256", "PYTHON_PIP_VERSION", "PYTHON_SETUPTOOLS_VERSION",
     "PYTHON_GET_PIP_URL", "PYTHON_GET_PIP_SHA256", "PYTHONUNBUFFERED")
)  # fmt: skip
"""What images of Python set, and what `Program.unbuffered` stands for. Any other PYTHON* may change
how an interpreter starts."""
_COMPONENT = "ephemeral_component.py"
"""What a component's command calls the file of its function."""
_LOADERS = ("LD_", "MALLOC_", "GLIBC_")
"""The C library reads them before Python is there."""
_LIBRARIES = (
    "OMP_", "GOMP_", "KMP_", "OPENBLAS_", "GOTO_", "MKL_", "BLIS_", "VECLIB_", "NUMEXPR_", "NPY_",
    "TORCH_", "PYTORCH_", "CUDA_", "NCCL_", "TF_", "XLA_", "JAX_", "MPL",
)  # fmt: skip
"""Libraries read them when they are imported, which in a zygote has happened already."""


class Program(Struct, frozen=True):
    """The command line of an interpreter, taken apart. `what` is the code, the module or the file;
    `argv` comes after it. `words` is that line where the container's own is another one, and the
    rest is what a component has besides (`spec.Component`) or a trial (`trials.Trial`): None
    stands for a file of its source, which is called `name`."""

    mode: Literal["code", "module", "file", "stdin"]
    what: str | None
    argv: tuple[str | None, ...]
    unbuffered: bool = False
    words: tuple[str | None, ...] = ()
    source: str = ""
    name: str = ""
    variables: Mapping[str, str] = {}
    layers: tuple[str, ...] = ()
    shell: Shell | None = None


class Plan(Struct, frozen=True):
    """Which zygote is to be asked for what. `variables` are its own, as NAME=value; `sites` are
    directories of packages that are not the environment's."""

    python: str
    modules: tuple[str, ...]
    variables: tuple[str, ...]
    program: Program
    sites: tuple[str, ...] = ()


def plan(box: Sandbox) -> Plan | str:
    """The plan, or why the container has to start cold."""
    interpreter = box.interpreter
    if interpreter is None:
        return "its image has no interpreter that is kept warm"
    if box.tty:
        return "a terminal makes an interpreter interactive"
    if box.root != "/":
        return "the interpreter is of another root file system"
    component = box.component
    program = _of(box) if component is None else _component(component)
    if program is None:
        return "not a plain call of python"
    reason = _variables(box, interpreter.modules) or _mounts(box, interpreter)
    if reason:
        return reason
    if box.env.get("PYTHONUNBUFFERED"):
        program = replace(program, unbuffered=True)
    variables = {name: box.env[name] for name in _LOCALE if name in box.env}
    if component is not None:
        variables |= component.variables
    return Plan(
        python=interpreter.python,
        modules=(*interpreter.modules, *(component.imports if component else ())),
        variables=tuple(f"{name}={value}" for name, value in variables.items()),
        program=program,
        sites=component.sites if component else (),
    )


def _of(box: Sandbox) -> Program | None:
    trial = trials.read(box.argv)
    if trial is None:
        return _program(box.argv)
    program = _program(trial.words)
    if program is None or program.mode == "stdin":
        return None
    told = {} if "PWD" in box.env else {"PWD": box.cwd}  # a shell tells where it is
    return replace(program, words=trial.words, source=trial.source, name=trial.name,
                   shell=trial.shell, variables=told)  # fmt: skip


def _program(argv: Sequence[str | None]) -> Program | None:
    first = argv[0] or ""
    name = first.rpartition("/")[2]
    if not _NAME.fullmatch(name) or ("/" in first and not first.startswith("/")):
        return None
    rest = list(argv[1:])
    unbuffered = False
    while rest and rest[0] == "-u":
        unbuffered = True
        del rest[0]
    if not rest or rest[0] == "-":
        return Program("stdin", "-" if rest else "", tuple(rest[1:]), unbuffered)
    if rest[0] in ("-c", "-m") and len(rest) > 1:
        mode: Literal["code", "module"] = "code" if rest[0] == "-c" else "module"
        return Program(mode, rest[1], tuple(rest[2:]), unbuffered)
    if rest[0] is not None and (rest[0].startswith("-") or not rest[0]):
        return None
    return Program("file", rest[0], tuple(rest[1:]), unbuffered)


def _component(component: Component) -> Program:
    return Program(
        "module", component.module, component.argv,
        words=("python3", "-m", component.module, *component.argv),
        source=component.source, name=_COMPONENT, variables=component.variables,
        layers=component.layers,
    )  # fmt: skip


def _variables(box: Sandbox, modules: Sequence[str]) -> str:
    env = box.env
    if not env.get("HOME"):
        return "without HOME the user's packages are looked for elsewhere"
    prefixes: tuple[str, ...] = _LOADERS
    if modules:
        own = (module.partition(".")[0].upper() + "_" for module in modules)
        prefixes += (*_LIBRARIES, *own)
    for name in env:
        ours = box.component is not None and name == "PYTHONPATH"  # its sites, for its children
        if name.startswith("PYTHON") and name not in _HARMLESS and not ours:
            return f"{name} is read at the start of an interpreter"
        if name.startswith(prefixes):
            return f"{name} is read when a program or a library is loaded"
    return ""


def _mounts(box: Sandbox, interpreter: Interpreter) -> str:
    targets: Iterable[str] = (shadow.resolve("/", mount.target) for mount in box.mounts)
    for target in targets:
        for prefix in interpreter.prefixes:
            if target == prefix or target.startswith(prefix.rstrip("/") + "/"):
                return f"{target} lies in the environment"
    return ""
