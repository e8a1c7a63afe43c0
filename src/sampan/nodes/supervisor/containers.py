"""Containers: start once, stop with grace, notice the end, judge it.

An id (`<pod uid>/<container>.<attempt>`) is started at most once, whatever happens in between.
bubblewrap stays as the parent of the sandbox's init; it is ours to reap, and it writes the exit
code to a file itself, so the code is known even if we were not there. A container has ended when
nothing of it is left: the init that outlives its main process is killed and waited for.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

from sampan.nodes.supervisor import enter, limits, process, records
from sampan.nodes.supervisor.loop import Loop
from sampan.nodes.supervisor.pipes import Streams
from sampan.nodes.supervisor.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_RETRY = 0.01  # until bubblewrap has said which process is the init
_ARGS, _STATUS = 3, 4  # descriptors that bubblewrap is told of
MARK = "SAMPAN_CONTAINER"
"""In the environment of plain processes: how strays are found when the container ends."""


class Container:
    """One live container and everything that is open for it."""

    def __init__(self, record: Record, directory: str, streams: Streams) -> None:
        self.record = record
        self.directory = directory
        self.streams = streams
        self.group = ""
        self.memory = 0
        self.out_of_memory = False
        self.kill_at = 0.0
        self.ended: tuple[int, float] | None = None  # (exit status, when) of the main process
        self._init = 0

    @property
    def init(self) -> int:
        """The sandbox's pid 1, as a pid of the host; 0 as long as it is not known."""
        if not self._init and not self.record.plain:
            self._init = int(records.status(self.directory).get("child-pid", 0))
        return self._init

    @property
    def starting(self) -> bool:
        """The sandbox is being made: its main process is not there, or still is bubblewrap."""
        if self.record.plain:
            return False
        return not self.main or process.same_program(self.main, self.init)

    @property
    def main(self) -> int:
        """The container's main process; 0 when it is not there (yet or any more)."""
        if self.record.plain:
            return self.record.pid
        return next(iter(process.children(self.init)), 0) if self.init else 0


class Containers:
    """All containers of this node. `changed(record)` is told of each end, `grown(id)` of output."""

    def __init__(
        self, root: str, changed: Callable[[Record], None], grown: Callable[[str], None]
    ) -> None:
        self.root = root
        self.loop = Loop(self._reaped)
        self.groups = limits.Groups(str(os.stat(root).st_ino))
        self.known: dict[str, Record] = {}
        self._live: dict[str, Container] = {}
        self._by_pid: dict[int, Container] = {}
        self._execs: dict[int, Callable[[int], None]] = {}
        self._changed = changed
        self._grown = grown
        self._watching = False

    def recover(self) -> None:
        """Find what an earlier supervisor started."""
        for pod in sorted(os.listdir(self.root)):
            base = f"{self.root}/{pod}/containers"
            for name in sorted(os.listdir(base)) if os.path.isdir(base) else ():
                self._recover(f"{pod}/{name}", f"{base}/{name}")

    def get(self, identity: str) -> Container | None:
        return self._live.get(identity)

    @property
    def live(self) -> int:
        return len(self._live)

    def start(self, spec: dict[str, Any]) -> Record:
        """Start a container, or answer the record of this id if it was started before."""
        identity = spec["id"]
        directory = self._directory(identity)
        try:
            os.mkdir(directory, 0o700)
        except FileExistsError:
            return self.known.get(identity) or records.load(directory, identity)
        except FileNotFoundError:
            os.makedirs(directory, 0o700)
        record = Record(identity, plain=spec["plain"])
        streams = Streams(self.loop, directory, lambda: self._grown(identity))
        container = Container(record, directory, streams)
        container.memory = spec.get("memory") or 0
        self.known[identity] = record
        record.started = time.time()
        try:
            self._spawn(container, spec)
        except OSError as error:
            streams.close()
            record.end(128, time.time(), "StartError", str(error))
            record.save_end(directory)
            return record
        record.ticks = process.start_ticks(record.pid)
        record.save_start(directory)
        self._live[identity] = self._by_pid[record.pid] = container
        return record

    def stop(self, identity: str, grace: float) -> None:
        """SIGTERM to the main process, SIGKILL to all of it after `grace` seconds. A later call
        can only shorten the time."""
        container = self._live.get(identity)
        if container is None:
            return
        deadline = time.monotonic() + grace
        if container.kill_at and container.kill_at <= deadline:
            return
        first, container.kill_at = not container.kill_at, deadline
        if grace > 0 and first:
            self._terminate(container)
        self.loop.later(max(0.0, grace), lambda: self._kill_if_due(container))

    def forget(self, identity: str) -> None:
        """Its end is known for good: it is not told of again, not even after a restart."""
        if identity in self._live or self.known.pop(identity, None) is None:
            return
        for name in ("record", "status"):
            with contextlib.suppress(OSError):
                os.unlink(f"{self._directory(identity)}/{name}")

    def run_inside(
        self, identity: str, request: dict[str, Any], fds: list[int], ended: Callable[[int], None]
    ) -> int:
        """Start a command in the container; `ended(exit code)` comes later. Answers its pid."""
        container = self._live.get(identity)
        if container is None or not container.main:
            raise OSError("the container is not running")
        tty, cwd, argv = request["tty"], request["cwd"], request["argv"]
        if container.record.plain:
            env = request.get("env") or process.environment(container.main)
            env[MARK] = identity
            pid = enter.run_plain(argv, env, fds, tty=tty, cwd=cwd)
        else:
            pid = enter.enter(container.init, container.main, argv, fds, tty=tty, cwd=cwd)
        self._execs[pid] = ended
        return pid

    def starting(self, identity: str) -> bool:
        container = self._live.get(identity)
        return container is not None and container.starting

    def kill_exec(self, pid: int) -> None:
        if pid in self._execs:
            process.kill(pid)

    # -- starting ---------------------------------------------------------------------------------
    def _spawn(self, container: Container, spec: dict[str, Any]) -> None:
        prefix: list[str] = []
        if container.memory:
            container.group = self.groups.make(container.record.id, container.memory)
            if container.group:
                prefix = self.groups.prefix(container.group)
            else:
                self._watch_memory()
        try:
            if container.record.plain:
                container.record.pid = _spawn_plain(container, spec, prefix)
            else:
                container.record.pid = _spawn_sandbox(container, spec, prefix)
        finally:
            container.streams.given()

    def _directory(self, identity: str) -> str:
        pod, _, name = identity.partition("/")
        return f"{self.root}/{pod}/containers/{name}"

    def _recover(self, identity: str, directory: str) -> None:
        if records.forgotten(directory):
            return
        record = records.load(directory, identity)
        self.known[identity] = record
        if not record.running:
            if record.reason == records.UNKNOWN_REASON and not record.finished:
                record.finished = time.time()
                self._kill_leftover(directory)
            record.save_end(directory)
            return
        streams = Streams(self.loop, directory, lambda: self._grown(identity))
        container = Container(record, directory, streams)
        container.group = self.groups.existing(identity)
        streams.reopen()
        self._live[identity] = container
        self._follow(container)

    def _follow(self, container: Container) -> None:
        """Notice the end of a process that is not our child."""
        if hasattr(os, "pidfd_open"):
            fd = os.pidfd_open(container.record.pid)
            self.loop.watch(fd, lambda _events: self._lost(container, fd))
            return
        if process.alive(container.record.pid):
            self.loop.later(0.5, lambda: self._follow(container))
        else:
            self._lost(container, -1)

    def _lost(self, container: Container, fd: int) -> None:
        if fd >= 0:
            self.loop.ignore(fd)
            os.close(fd)
        self._kill_leftover(container.directory)
        judged = Record(container.record.id)
        records.judge_lost(judged, container.directory)
        container.streams.close()
        at = judged.finished or time.time()
        self._finish(container, judged.code, at, judged.reason, judged.message)

    def _kill_leftover(self, directory: str) -> None:
        """An init that an earlier supervisor's bubblewrap left behind: ours by its pid namespace,
        which bubblewrap has written down and which no other process can have."""
        facts = records.status(directory)
        pid, space = int(facts.get("child-pid", 0)), facts.get("pid-namespace")
        try:
            if pid and os.stat(f"/proc/{pid}/ns/pid").st_ino == space:
                process.kill(pid)
        except OSError:
            return

    # -- ending -----------------------------------------------------------------------------------
    def _reaped(self, pid: int, status: int) -> None:
        ended = self._execs.pop(pid, None)
        if ended is not None:
            ended(_exit_code(status))
            return
        container = self._by_pid.pop(pid, None)
        if container is None:
            return
        if container.ended is None:
            container.ended = (status, time.time())
            if self._left_behind(container):
                return
        status, at = container.ended
        container.streams.close()
        self._finish(container, *_judge(container, status, at))

    def _left_behind(self, container: Container) -> bool:
        """Kill what outlives the main process; whether its end has to be waited for."""
        if container.record.plain:
            self._kill_strays(container)
            return False
        if not container.init:
            return False
        try:
            gone, _ = os.waitpid(container.init, os.WNOHANG)
        except ChildProcessError:
            return False
        if gone:
            return False
        process.kill(container.init)
        self._by_pid[container.init] = container
        return True

    def _kill_strays(self, container: Container) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(container.record.pid, signal.SIGKILL)
        for pid in process.descendants(os.getpid())[1:]:
            if process.environment(pid).get(MARK) == container.record.id:
                process.kill(pid)

    def _finish(
        self, container: Container, code: int, at: float, reason: str = "", message: str = ""
    ) -> None:
        if container.group:
            if code and self.groups.killed(container.group):
                reason = "OOMKilled"
            self.groups.remove(container.group)
        if container.out_of_memory and code:
            reason = "OOMKilled"
        record = container.record
        record.end(code, at, reason, message)
        record.save_end(container.directory)
        self._live.pop(record.id, None)
        self._changed(record)

    def _terminate(self, container: Container) -> None:
        if container.main:
            process.kill(container.main, signal.SIGTERM)
        elif container.record.running:  # the sandbox is still being made
            self.loop.later(_RETRY, lambda: self._terminate(container))

    def _kill_if_due(self, container: Container) -> None:
        if container.record.running and container.kill_at <= time.monotonic():
            self._kill(container)

    def _kill(self, container: Container) -> None:
        if container.record.plain:
            for pid in reversed(process.descendants(container.record.pid)):
                process.kill(pid)
        elif container.init:
            process.kill(container.init)
        else:
            self.loop.later(_RETRY, lambda: self._kill_if_due(container))

    # -- memory without cgroups -------------------------------------------------------------------
    def _watch_memory(self) -> None:
        if not self._watching:
            self._watching = True
            self.loop.later(limits.PERIOD, self._check_memory)

    def _check_memory(self) -> None:
        limited = [c for c in self._live.values() if c.memory and not c.group]
        for container in limited:
            if process.resident(container.init or container.record.pid) > container.memory:
                container.out_of_memory = True
                self._kill(container)
        self._watching = False
        if limited:
            self._watch_memory()


def _spawn_sandbox(container: Container, spec: dict[str, Any], prefix: list[str]) -> int:
    actions: list[tuple[Any, ...]] = []
    if spec.get("tty"):
        name = container.streams.open_terminal()
        actions += [(os.POSIX_SPAWN_OPEN, 0, name, os.O_RDWR, 0)]
        actions += [(os.POSIX_SPAWN_DUP2, 0, 1), (os.POSIX_SPAWN_DUP2, 0, 2)]
    else:
        stdin, out, err = container.streams.open(stdin=bool(spec.get("stdin")))
        if stdin >= 0:
            actions.append((os.POSIX_SPAWN_DUP2, stdin, 0))
        else:
            actions.append((os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0))
        actions += [(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, err, 2)]
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    status = os.open(container.directory + "/status", flags, 0o600)
    arguments = os.memfd_create("args")
    os.write(arguments, "\0".join(spec["args"]).encode() + b"\0")
    os.lseek(arguments, 0, os.SEEK_SET)
    actions += [(os.POSIX_SPAWN_DUP2, arguments, _ARGS), (os.POSIX_SPAWN_DUP2, status, _STATUS)]
    command = [spec["program"], "--args", str(_ARGS), "--json-status-fd", str(_STATUS)]
    command = [*prefix, *command, "--", *spec["argv"]]
    try:
        return os.posix_spawn(
            command[0],
            command,
            {"PATH": os.defpath, "LC_ALL": "C"},
            file_actions=actions,
            setsid=True,
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
        )
    finally:
        os.close(status)
        os.close(arguments)


def _spawn_plain(container: Container, spec: dict[str, Any], prefix: list[str]) -> int:
    if spec.get("tty"):
        raise OSError("a terminal for the main process needs bubblewrap")
    program = spec["argv"][0]
    if not _found(program, spec["env"].get("PATH", os.defpath)):
        raise OSError(f'exec: "{program}": executable file not found in $PATH')
    stdin, out, err = container.streams.open(stdin=bool(spec.get("stdin")))
    null = os.open(os.devnull, os.O_RDONLY)
    try:
        fds = [stdin if stdin >= 0 else null, out, err]
        env = {**spec["env"], MARK: container.record.id}
        return enter.run_plain([*prefix, *spec["argv"]], env, fds, tty=False, cwd=spec["cwd"])
    finally:
        os.close(null)


def _found(program: str, path: str) -> bool:
    places = [""] if "/" in program else [place + "/" for place in path.split(":")]
    return any(os.access(place + program, os.X_OK) for place in places)


def _judge(container: Container, status: int, at: float) -> tuple[int, float, str, str]:
    """(exit code, when, reason, message) from bubblewrap's own end and what it wrote down."""
    code = _exit_code(status)
    if container.record.plain:
        return code, at, "", ""
    facts = records.status(container.directory)
    if "exit-code" in facts:
        return int(facts["exit-code"]), at, "", ""
    if code != 1:
        return code, at, "", ""
    return 128, at, *_start_error(container.directory)


def _start_error(directory: str) -> tuple[str, str]:
    """bubblewrap said on standard error why it could not start the program."""
    try:
        with open(directory + "/log", "rb") as file:
            last = file.read()[-4096:].decode(errors="replace").strip().rpartition("\n")[2]
    except OSError:
        last = ""
    said = last.partition("bwrap: ")[2] or "the sandbox could not be set up"
    if said.startswith("execvp "):
        program, _, cause = said.removeprefix("execvp ").rpartition(": ")
        if cause == "No such file or directory":
            cause = "executable file not found in $PATH"
        return "StartError", f'exec: "{program}": {cause}'
    return "ContainerCannotRun", said


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
