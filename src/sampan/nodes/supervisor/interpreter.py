"""A forked zygote becomes the interpreter that a container asked for.

`become` sets everything that a fresh start would have set from the command line and the
environment, and answers the calls that run the program and end the process: functions of Python's
own C API, so that tracebacks, exit codes and the end are its own. Whether a fork can be the same as
a fresh start is for `baseline` to say.
"""

from __future__ import annotations

import ctypes
import io
import os
import sys
import time
from functools import partial

from sampan.nodes.supervisor import component
from sampan.nodes.supervisor.baseline import Baseline, first_place, is_package, user_site, words
from sampan.nodes.supervisor.process import check, libc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

_MAIN = {
    "__annotations__", "__builtins__", "__doc__", "__loader__", "__name__", "__package__",
    "__spec__",
}  # fmt: skip
_PR_SET_NAME, _PR_SET_MM, _PR_SET_MM_MAP = 15, 35, 14
_IGNORE_COOKIE = 0x0800  # PyCF_IGNORE_COOKIE
_UNBUFFERED = 2  # _IONBF
_KILLED_BY_INTERRUPT = 130

api = ctypes.pythonapi


def become(
    spec: dict[str, Any], baseline: Baseline, results: list[Any], calls: list[Callable[[], Any]]
) -> list[Callable[[], Any]]:
    """Make the interpreter look freshly started; answers what has to be called now."""
    program = spec["program"]
    env = {**spec["env"], **program.get("variables", {})}
    show(words(spec), env)
    if baseline.ctype is not None:
        env.setdefault("LC_CTYPE", baseline.ctype)  # Python itself has set it
    _set_environment(env)
    _set_streams(unbuffered=program["unbuffered"])
    _set_system(spec, baseline)
    if program.get("words"):
        component.add_packages(program, baseline.sites, user_site(env["HOME"]))
    _forget(baseline)
    _reseed()
    _register("<string>", None)
    run = _RUNNERS[program["mode"]]({**program, "name": words(spec)[0]})

    def finish() -> None:
        last = getattr(sys, "last_type", None)
        interrupted = isinstance(last, type) and issubclass(last, KeyboardInterrupt)
        code = results[-1] if results[-1] >= 0 else 1
        calls.append(partial(api.Py_Exit, _KILLED_BY_INTERRUPT if code and interrupted else code))

    return [run, finish]


def show(argv: Sequence[str], env: Mapping[str, str]) -> None:
    """What `ps` and /proc say of this process. OSError when the kernel does not let us."""
    libc.prctl(_PR_SET_NAME, os.fsencode(os.path.basename(argv[0]))[:15], 0, 0, 0)
    words = b"".join(os.fsencode(word) + b"\0" for word in argv)
    variables = b"".join(os.fsencode(f"{name}={value}") + b"\0" for name, value in env.items())
    _shown[:] = [ctypes.create_string_buffer(words), ctypes.create_string_buffer(variables)]
    with open("/proc/self/stat", "rb") as file:
        fields = [int(field) for field in file.read().rpartition(b")")[2].split()[1:]]
    libc.sbrk.restype = ctypes.c_void_p
    starts = [ctypes.addressof(buffer) for buffer in _shown]
    memory = _Memory(
        fields[22], fields[23], fields[41], fields[42], fields[43], libc.sbrk(0), fields[24],
        starts[0], starts[0] + len(words), starts[1], starts[1] + len(variables), 0, 0, -1,
    )  # fmt: skip
    size = ctypes.c_ulong(ctypes.sizeof(memory))
    check(libc.prctl(_PR_SET_MM, _PR_SET_MM_MAP, ctypes.byref(memory), size, 0), "set mm map")


_shown: list[Any] = []
"""The memory that /proc shows must stay."""


class _Memory(ctypes.Structure):
    """struct prctl_mm_map"""

    _fields_ = [
        *((name, ctypes.c_uint64) for name in (
            "start_code", "end_code", "start_data", "end_data", "start_brk", "brk", "start_stack",
            "arg_start", "arg_end", "env_start", "env_end", "auxv",
        )),
        ("auxv_size", ctypes.c_uint32), ("exe_fd", ctypes.c_int32),
    ]  # fmt: skip


class _Flags(ctypes.Structure):
    """struct PyCompilerFlags"""

    _fields_ = [("flags", ctypes.c_int), ("feature_version", ctypes.c_int)]


# -- what a fresh start sets ----------------------------------------------------------------------
def _set_environment(env: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(env)
    posix = sys.modules["posix"].environ
    posix.clear()
    posix.update({os.fsencode(name): os.fsencode(value) for name, value in env.items()})
    if "TZ" in env:
        time.tzset()


def _set_streams(*, unbuffered: bool) -> None:
    """As create_stdio in Python/pylifecycle.c."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        before = getattr(sys, f"__{name}__")
        writes = number > 0
        raw_wanted = unbuffered and writes
        size = 0 if raw_wanted else -1
        buffer: Any = open(number, "wb" if writes else "rb", size, closefd=False)  # noqa: SIM115
        raw = buffer if raw_wanted else buffer.raw
        raw.name = f"<{name}>"
        lines = not unbuffered and (raw.isatty() or number == 2)
        stream: Any = io.TextIOWrapper(
            buffer, before.encoding, before.errors, "\n", lines, raw_wanted
        )
        stream.mode = "w" if writes else "r"
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
        if unbuffered:
            libc.setvbuf(ctypes.c_void_p.in_dll(libc, name), None, _UNBUFFERED, 0)


def _set_system(spec: Mapping[str, Any], baseline: Baseline) -> None:
    program = spec["program"]
    head = {"code": ["-c"], "module": ["-m"], "file": [program["what"]]}
    sys.argv = head.get(program["mode"], [program["what"]]) + program["argv"]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv = words(spec)
    if sys._base_executable == sys.executable:  # type: ignore[attr-defined]
        sys._base_executable = program["path"]  # type: ignore[attr-defined]
    sys.executable = program["path"]
    sys.path[:] = [first_place(program), *baseline.path]
    if baseline.hook is not None:
        sys.__interactivehook__ = baseline.hook


def _forget(baseline: Baseline) -> None:
    """Modules that only the zygote needed; those who want them load them anew."""
    for name in [name for name in sys.modules if name not in baseline.kept]:
        del sys.modules[name]
    _renew_main()
    site: Any = sys.modules.get("site")
    if site is not None:
        site.USER_SITE = site.USER_BASE = None
        site.getusersitepackages()


def _renew_main() -> None:
    """A `__main__` that is not frozen, so that what the program leaves in it is finalized."""
    old = vars(sys.modules["__main__"])
    main = type(sys)("__main__")
    vars(main).update((name, value) for name, value in old.items() if name in _MAIN)
    sys.modules["__main__"] = main


def _reseed() -> None:
    """What draws its seed when it is imported; `random` does so after a fork by itself."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


# -- what runs the program ------------------------------------------------------------------------
def _code(program: Mapping[str, Any]) -> Callable[[], Any]:
    text = program["what"].encode()
    _register("<string>", program["what"])
    flags = _Flags(_IGNORE_COOKIE, sys.version_info[1])
    return partial(api.PyRun_SimpleStringFlags, ctypes.c_char_p(text), ctypes.byref(flags))


def _register(name: str, text: str | None) -> None:
    """Python 3.13 keeps the code of `-c` for tracebacks, at the moment ours."""
    lines: Any = sys.modules.get("linecache")
    if sys.version_info >= (3, 13) and lines is not None:
        lines.cache.pop(name, None)
        if text is not None:
            lines._register_code(name, text, name)


def _module(program: Mapping[str, Any]) -> Callable[[], Any]:
    return partial(_run_module, program["what"], True)


def _standard_input(_program: Mapping[str, Any]) -> Callable[[], Any]:
    stdin = ctypes.c_void_p.in_dll(libc, "stdin")
    return _run_stream(stdin, b"<stdin>", close=False)


def _file(program: Mapping[str, Any]) -> Callable[[], Any]:
    path = os.path.join(os.getcwd(), program["what"])
    if is_package(path):
        return partial(_run_module, "__main__", False)
    libc.fopen.restype = ctypes.c_void_p
    stream = libc.fopen(os.fsencode(path), b"rbe")
    if not stream:
        code = ctypes.get_errno()
        said = f"can't open file {path!r}: [Errno {code}] {os.strerror(code)}"
        return partial(_fail, f"{program['name']}: {said}", 2)
    return _run_stream(ctypes.c_void_p(stream), os.fsencode(path), close=True)


_RUNNERS = {"code": _code, "module": _module, "file": _file, "stdin": _standard_input}


def _run_stream(stream: Any, name: bytes, *, close: bool) -> Callable[[], Any]:
    flags = ctypes.byref(_Flags(0, sys.version_info[1]))
    return partial(api.PyRun_AnyFileExFlags, stream, ctypes.c_char_p(name), int(close), flags)


def _run_module(name: str, alter_argv: bool) -> int:
    import runpy  # noqa: PLC0415  (the fresh one: a fresh interpreter imports it here, too)

    try:
        runpy._run_module_as_main(name, alter_argv)  # type: ignore[attr-defined]
        return 0
    except BaseException as error:
        caught = error
    return _uncaught(caught)


def _uncaught(error: BaseException) -> int:
    """As PyErr_Print, without our own frame in the traceback."""
    if isinstance(error, SystemExit):
        return _exit_code(error.code)
    trace = error.__traceback__.tb_next if error.__traceback__ else None
    error.__traceback__ = trace
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    sys.excepthook(type(error), error, trace)
    return 1


def _exit_code(code: Any) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    return _fail(code, 1)


def _fail(message: Any, code: int) -> int:
    print(message, file=sys.stderr)
    return code
