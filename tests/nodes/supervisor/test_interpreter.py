# ruff: noqa: E501  (programs are one line each)
"""The same programs, started cold and forked from a zygote: nothing tells them apart."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sampan.nodes.sandbox.level import Level, probe
from sampan.nodes.sandbox.spec import Interpreter, Mount, Sandbox
from sampan.nodes.supervisor.client import Client, Report, end_everything

pytestmark = pytest.mark.slow

PREFIX = os.environ.get("WARM_PREFIX", sys.base_prefix)
"""The Python to compare; another one by hand."""
PYTHON = os.path.realpath(f"{PREFIX}/bin/python3")
ENV = {"PATH": f"{PREFIX}/bin:/usr/bin:/bin", "HOME": "/root", "WORD": "a b"}

FILES = {
    "hello.py": "import sys; print(__name__, __file__, sys.argv, sys.path[0], __spec__)",
    "broken.py": "def f():\n    raise ValueError('no')\nf()\n",
    "syntax.py": "x = (1,\nprint(2)\n",
    "pkg/__init__.py": "print('init', __name__)",
    "pkg/__main__.py": "import sys; print(__name__, __package__, sys.argv, sys.path[0])",
    "pkg/inner.py": "import pkg; raise KeyError(__name__)",
    "folder/__main__.py": "import sys; print(__name__, __file__, sys.path[0], sys.argv)",
    "empty/readme": "",
    "shadow/random.py": "print('the one beside the script')",
    "shadow/main.py": "import random",
    "latin.py": "# -*- coding: latin-1 -*-\nprint('\xe4')",
    "spawn.py": (
        "import multiprocessing as m\ndef f(x):\n    return x * x\n"
        "if __name__ == '__main__':\n    with m.get_context('spawn').Pool(1) as p:\n"
        "        print(p.map(f, [1, 2]))"
    ),
}

FACTS = (
    "import sys, os, site, locale, gc, threading, signal; print(sys.flags, sys.executable, "
    "sys.prefix, sys.exec_prefix, sys.base_prefix, sys._base_executable, sys.path, sys.argv, "
    "sys.orig_argv, sys.warnoptions, sys._xoptions, sys.getfilesystemencoding(), "
    "sys.getdefaultencoding(), sys.getrecursionlimit(), sys.getswitchinterval(), "
    "sys.dont_write_bytecode, sys.pycache_prefix, site.USER_BASE, site.USER_SITE, "
    "site.ENABLE_USER_SITE, locale.setlocale(locale.LC_ALL), gc.get_threshold(), gc.isenabled(), "
    "threading.current_thread(), threading.active_count(), sys.gettrace(), sys.excepthook, "
    "sys.displayhook, sorted(k for k in vars(sys) if not k.startswith('__')))"
)

PROGRAMS: dict[str, list[str]] = {
    "facts": ["-c", FACTS],
    "modules": ["-c", "import sys; print(sorted(sys.modules))"],
    "globals": ["-c", "print(sorted(globals().items(), key=str))"],
    "environment": ["-c", "import os, posix; print(dict(os.environ), sorted(posix.environ))"],
    "c environment": ["-c", "import subprocess; subprocess.run(['env'])"],
    "proc environment": ["-c", "print(open('/proc/self/environ').read())"],
    "proc command line": ["-c", "print(open('/proc/self/cmdline').read())", "x y", ""],
    "proc name": ["-c", "print(open('/proc/self/comm').read())"],
    "processes": ["-c", "import os; print(os.getpid(), os.getppid(), os.getpgid(0), os.getsid(0))"],
    "identity": ["-c", "import os; print(os.getuid(), os.getgid(), os.getcwd(), os.umask(0))"],
    "status": ["-c", "print([l for l in open('/proc/self/status') if l[:6] in ('CapEff', 'CapPrm', 'CapInh', 'SigIgn', 'SigCgt', 'SigBlk', 'NoNewP')])"],
    "descriptors": ["-c", "import os; print(sorted(os.listdir('/proc/self/fd')))"],
    "mounts": ["-c", "print(sorted(l.split()[4] for l in open('/proc/self/mountinfo')))"],
    "arguments": ["-c", "import sys; print(sys.argv)", "a", "-b", "--", "c d"],
    "signals": ["-c", "import signal; print([(s, signal.getsignal(s)) for s in signal.valid_signals()], signal.pthread_sigmask(0, []))"],
    "exit 3": ["-c", "import sys; sys.exit(3)"],
    "exit none": ["-c", "raise SystemExit"],
    "exit text": ["-c", "raise SystemExit('bye')"],
    "exit big": ["-c", "raise SystemExit(256 + 7)"],
    "exit negative": ["-c", "raise SystemExit(-1)"],
    "exit true": ["-c", "raise SystemExit(True)"],
    "exit object": ["-c", "raise SystemExit(['a'])"],
    "os._exit": ["-c", "import os; print('lost', end=''); os._exit(9)"],
    "abort": ["-c", "import os; os.abort()"],
    "killed": ["-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"],
    "terminated": ["-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"],
    "interrupted": ["-c", "import os, signal; os.kill(os.getpid(), signal.SIGINT)"],
    "keyboard interrupt": ["-c", "raise KeyboardInterrupt"],
    "keyboard interrupt in a module": ["-m", "pkg.stop"],
    "exception": ["-c", "def f():\n    1/0\nf()"],
    "chained": ["-c", "try:\n    1/0\nexcept Exception as e:\n    raise ValueError('x') from e"],
    "exception group": ["-c", "raise ExceptionGroup('g', [ValueError(1), TypeError(2)])"],
    "excepthook": ["-c", "import sys; sys.excepthook = lambda *a: print('hook', a[0]); 1/0"],
    "syntax error": ["-c", "print('a'\nb"],
    "no frames below": ["-c", "import sys, inspect; print(len(inspect.stack()))\ntry:\n    sys._getframe(1)\nexcept ValueError as e:\n    print(e)"],
    "print_stack": ["-c", "import traceback; traceback.print_stack()"],
    "warning": ["-c", "import warnings; warnings.warn('careful', stacklevel=2)"],
    "deprecation": ["-c", "import warnings; warnings.warn('old', DeprecationWarning)"],
    "recursion": ["-c", "def f(n):\n    try:\n        return f(n + 1)\n    except RecursionError:\n        return n\nprint(f(0) > 990)"],
    "faulthandler": ["-c", "import faulthandler; faulthandler.dump_traceback()"],
    "segfault": ["-c", "import ctypes; ctypes.string_at(0)"],
    "atexit": ["-c", "import atexit; atexit.register(print, 'first'); atexit.register(print, 'last'); print('body')"],
    "atexit fails": ["-c", "import atexit; atexit.register(lambda: 1/0)"],
    "finalizers": ["-c", "class A:\n    def __del__(self):\n        print('gone')\na = A(); b = A(); b.b = b"],
    "thread": ["-c", "import threading, time; threading.Thread(target=lambda: (time.sleep(.05), print('later'))).start(); print('now')"],
    "daemon thread": ["-c", "import threading, time; threading.Thread(target=time.sleep, args=(9,), daemon=True).start()"],
    "thread fails": ["-c", "import threading; t = threading.Thread(target=lambda: 1/0, name='t'); t.start(); t.join()"],
    "fork": ["-c", "import os; p = os.fork(); print('child' if p == 0 else os.waitpid(p, 0)[1])"],
    "pool": ["-c", "import multiprocessing as m\nwith m.get_context('fork').Pool(2) as p: print(p.map(abs, [-1, -2]))"],
    "spawn": ["/work/spawn.py"],
    "subprocess": ["-c", "import subprocess, sys; print(subprocess.run([sys.executable, '-c', 'print(7)'], capture_output=True))"],
    "asyncio": ["-c", "import asyncio; asyncio.run(asyncio.sleep(0)); print('done')"],
    "stdin as data": ["-c", "import sys; print(sys.stdin.read())"],
    "stdin as program": [],
    "dash": ["-", "x"],
    "streams": ["-c", "import sys; print([(s.name, s.mode, s.encoding, s.errors, s.newlines, s.line_buffering, s.write_through, type(s.buffer).__name__, s.buffer.raw.name, s.buffer.raw.mode, s.closed, s is t) for s, t in ((sys.stdin, sys.__stdin__), (sys.stdout, sys.__stdout__), (sys.stderr, sys.__stderr__))])"],
    "unbuffered": ["-u", "-c", "import sys, os; print(type(sys.stdout.buffer), sys.stdout.write_through); print('x', end=''); os._exit(0)"],
    "unicode": ["-c", "print('\xe4\u20ac\U0001f600', ascii(chr(0xdc80)))"],
    "surrogates": ["-c", "print('\\udcff')"],
    "large output": ["-c", "print('0123456789' * 100_000)"],
    "closed stdout": ["-c", "import os; os.close(1); print('x')"],
    "both streams": ["-c", "import sys; print('out'); print('err', file=sys.stderr); print('out')"],
    "script": ["/work/hello.py", "a"],
    "relative script": ["hello.py", "a"],
    "script fails": ["/work/broken.py"],
    "script with a syntax error": ["/work/syntax.py"],
    "no such script": ["/work/none.py"],
    "no such relative script": ["none.py"],
    "directory": ["/work/folder", "a"],
    "directory without main": ["/work/empty"],
    "archive": ["/work/app.zip", "a"],
    "encoded source": ["/work/latin.py"],
    "compiled": ["/work/hello.pyc", "a"],
    "shadowed module": ["/work/shadow/main.py"],
    "module": ["-m", "json.tool", "/work/data.json"],
    "package": ["-m", "pkg", "a"],
    "module fails": ["-m", "pkg.inner"],
    "no such module": ["-m", "nonesuch"],
    "module exits": ["-m", "json.tool", "/work/none.json"],
    "random": ["-c", "import random; random.seed(1); print(random.random())"],
    "unknown option": ["--nonsense"],
    "version": ["-V"],
    "optimised": ["-O", "-c", "print(__debug__)"],
    "numbers": ["-c", "import decimal, math, hashlib; print(math.pi, decimal.Decimal(1) / 3, hashlib.sha256(b'x').hexdigest())"],
    "tempfile": ["-c", "import tempfile; print(tempfile.gettempdir())"],
    "ctypes": ["-c", "import ctypes; print(ctypes.CDLL(None).getpid(), ctypes.sizeof(ctypes.c_long))"],
    "sockets": ["-c", "import socket, select, array; a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1))"],
    "time zone": ["-c", "import time; print(time.tzname, time.strftime('%H', time.gmtime(0)))"],
    "pickled": ["-c", "import pickle, json; print(pickle.loads(pickle.dumps(json.JSONDecodeError('m', 'd', 0))))"],
}  # fmt: skip
COLD = {"unknown option", "version", "optimised"}
"""Not forked at all; the same nevertheless."""


class Bench:
    """A supervisor, and one loop for all its programs."""

    def __init__(self, directory: Path, level: Level) -> None:
        self.runner = asyncio.Runner()
        self.directory = directory
        self.level = level
        self.count = 0
        self.ends: dict[str, asyncio.Future[Report]] = {}
        self.client = Client(directory / "node", self._exited, lambda: None)
        work = directory / "work"
        for name, text in FILES.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_bytes(text.encode("latin-1"))
        (work / "pkg/stop.py").write_text("raise KeyboardInterrupt")
        (work / "data.json").write_text('{"a": [1, 2]}')
        with zipfile.ZipFile(work / "app.zip", "w") as archive:
            archive.writestr("__main__.py", FILES["folder/__main__.py"])
        os.system(f"{PYTHON} -c \"import py_compile; py_compile.compile('{work}/hello.py', "
                  f"'{work}/hello.pyc', dfile='hello.py')\"")  # fmt: skip

    async def open(self) -> None:
        await self.client.connect()
        await self.run(["-c", "pass"], warm=True)
        await self.until(self.is_decided)
        assert [z.state for z in await self.client.zygotes()] == ["ready"]

    async def is_decided(self) -> bool:
        return (await self.client.zygotes())[0].state != "starting"

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait for what only the supervisor or the file system knows of."""
        async with asyncio.timeout(20):
            while True:
                met = condition()
                if await met if asyncio.iscoroutine(met) else met:
                    return
                await asyncio.sleep(0.01)

    async def run(self, words: list[str], *, warm: bool, **more: Any) -> tuple[Report, str, str]:
        self.count += 1
        identity = f"u{self.count}/c.0"
        self.ends[identity] = asyncio.get_running_loop().create_future()
        home = self.directory / f"home{self.count}"
        home.mkdir()
        box = Sandbox(
            argv=(more.pop("program", "python3"), *words),
            env=ENV | more.pop("env", {}),
            cwd="/work",
            hostname="pod",
            hidden=("/home", "/root"),
            visible=(PREFIX,),
            mounts=(Mount("/root", str(home)), Mount("/work", str(self.directory / "work"))),
            interpreter=Interpreter(PYTHON, prefixes=(PREFIX,)) if warm else None,
            stdin=True,
            **more,
        )
        await self.client.start(self.level.request(identity, box))
        stdin, _ = await self.client.attach(identity)
        if stdin >= 0:
            with contextlib.suppress(BrokenPipeError):  # it may have ended without reading
                os.write(stdin, b"print(__name__, __import__('sys').argv)\n")
            os.close(stdin)
        await self.client.close_stdin(identity)
        report = await asyncio.wait_for(self.ends[identity], 20)
        log = self.directory / f"node/pods/u{self.count}/containers/c.0/log"
        return report, *_streams(log)

    def _exited(self, report: Report) -> None:
        self.ends[report.id].set_result(report)


def _streams(log: Path) -> tuple[str, str]:
    found = {"stdout": "", "stderr": ""}
    for line in log.read_text(errors="replace").splitlines() if log.exists() else ():
        _, stream, end, text = line.split(" ", 3)
        found[stream] += text + ("\n" if end == "F" else "")
    return _same(found["stdout"]), _same(found["stderr"])


def _same(text: str) -> str:
    """Without what differs from start to start: addresses and thread numbers."""
    return re.sub(r"0x[0-9a-f]{6,}|\d{12,}", "N", text)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    level = asyncio.run(probe())
    if level.kind == "plain":
        pytest.skip(level.reason)
    place = Bench(tmp_path_factory.mktemp("warm"), level)
    with place.runner as runner:
        try:
            runner.run(place.open())
            yield place
        finally:
            place.client.close()
            runner.run(end_everything(place.directory / "node", 0))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_fork_is_a_fresh_interpreter(bench: Bench, name: str) -> None:
    words = PROGRAMS[name]
    cold, *said = bench.runner.run(bench.run(words, warm=False))
    warm, *forked = bench.runner.run(bench.run(words, warm=True))
    assert warm.warm == (name not in COLD)
    assert forked == said
    assert (warm.code, warm.reason) == (cold.code, cold.reason)


@pytest.mark.parametrize(
    "variables",
    [
        {"LANG": "C.UTF-8"}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"LANG": "xx_YY"}, {"TZ": "EST"},
        {"PYTHONUNBUFFERED": "1"}, {"PYTHON_VERSION": "3.99"}, {"PWD": "/elsewhere"},
    ],
    ids=str,
)  # fmt: skip
def test_variables_that_a_fork_can_honour(bench: Bench, variables: dict[str, str]) -> None:
    for name in ("facts", "environment", "streams", "time zone", "surrogates"):
        cold, *said = bench.runner.run(bench.run(PROGRAMS[name], warm=False, env=variables))
        _, *forked = bench.runner.run(bench.run(PROGRAMS[name], warm=True, env=variables))
        assert forked == said
        assert cold.code in (0, 1)


def test_a_stopped_fork_ends_as_any_program(bench: Bench) -> None:
    async def story() -> int:
        program = "import time; print('up', flush=True); time.sleep(60)"
        running = asyncio.create_task(bench.run(["-c", program], warm=True))
        await asyncio.sleep(0)
        identity = f"u{bench.count}/c.0"
        log = bench.directory / f"node/pods/u{bench.count}/containers/c.0/log"
        await bench.until(log.exists)
        await bench.client.stop(identity, 30)
        report, *_ = await running
        return int(report.code or 0)

    assert bench.runner.run(story()) == 143


def test_each_fork_has_its_own_random_numbers(bench: Bench) -> None:
    program = ["-c", "import random, uuid; print(random.random(), uuid.uuid4())"]
    said = {bench.runner.run(bench.run(program, warm=True))[1] for _ in range(3)}
    assert len(said) == 3


def test_commands_run_beside_a_fork_with_its_environment(bench: Bench) -> None:
    async def story() -> bytes:
        program = "import time; time.sleep(60)"
        running = asyncio.create_task(bench.run(["-c", program], warm=True))
        await asyncio.sleep(0.05)
        identity = f"u{bench.count}/c.0"
        reader, writer = os.pipe()
        null = os.open(os.devnull, os.O_RDWR)
        request = {"id": identity, "argv": ["sh", "-c", "echo $WORD; ls /work | wc -l; hostname"]}
        command = await bench.client.execute(
            {**request, "tty": False, "cwd": "/"}, [null, writer, os.dup(2)]
        )
        assert await command.wait() == 0
        await bench.client.stop(identity, 0)
        report, *_ = await running
        assert report.code == 137
        return os.read(reader, 1000)

    lines = bench.runner.run(story()).decode().split("\n")
    assert lines[0] == "a b"
    assert lines[2] == "pod"
