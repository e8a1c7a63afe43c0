"""Containers: start once, stop with grace, notice the end, judge it.

An id (`<pod uid>/<container>.<attempt>`) is started at most once, whatever happens in between.
bubblewrap stays as the parent of the sandbox's init; it is ours to reap, and it writes the exit
code to a file itself, so the code is known even if we were not there. A container has ended when
nothing of it is left: the init that outlives its main process is killed and waited for.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time

from sampan.nodes.supervisor import enter, process, records, spawn, verdict
from sampan.nodes.supervisor.cgroups import Groups
from sampan.nodes.supervisor.container import Container
from sampan.nodes.supervisor.forks import Forks
from sampan.nodes.supervisor.limits import Limits
from sampan.nodes.supervisor.loop import Loop
from sampan.nodes.supervisor.pipes import Streams
from sampan.nodes.supervisor.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SAVE_AGAIN = 1.0
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_RETRY = 0.01  # until bubblewrap has said which process is the init


class Containers:
    """All containers of this node. `changed(record)` is told of each end, `grown(id)` of output."""

    def __init__(
        self,
        root: str,
        groups: Groups,
        changed: Callable[[Record], None],
        grown: Callable[[str], None],
    ) -> None:
        self.root = root
        self.loop = Loop(self._reaped)
        self.known: dict[str, Record] = {}
        self._live: dict[str, Container] = {}
        self.limits = Limits(self.loop, groups, self._live.values, self._kill)
        self.forks = Forks(self.loop, self._born, self._unborn)
        self._by_pid: dict[int, Container] = {}
        self._execs: dict[int, Callable[[int], None]] = {}
        self._unclaimed: dict[int, tuple[int, float]] = {}
        self._changed = changed
        self._grown = grown

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

    def start(self, spec: dict[str, Any], started: Callable[[Record], None]) -> None:
        """Start a container, unless this id was started before; `started` is told of its record,
        later if it takes time to know its process."""
        identity = spec["id"]
        directory = self._directory(identity)
        try:
            os.mkdir(directory, 0o700)
        except FileExistsError:
            started(self.known.get(identity) or records.load(directory, identity))
            return
        except FileNotFoundError:
            os.makedirs(directory, 0o700)
        record = Record(identity, plain=spec["plain"], limits=spec.get("limits"))
        bounds = record.limits.get("log") or {}
        streams = Streams(self.loop, directory, lambda: self._grown(identity), bounds)
        container = Container(record, directory, streams)
        container.stop_signal = spec.get("signal") or signal.SIGTERM
        self.known[identity] = record
        record.started = time.time()
        try:
            self._spawn(container, spec)
        except OSError as error:
            streams.close()
            if error.errno in _NO_ROOM:
                self._unclaim(identity, directory)
                raise
            record.end(128, time.time(), "StartError", str(error))
            self._save(record.save_end, directory)
            started(record)
            return
        self._live[identity] = container
        container.started = started
        if record.pid:
            self._note_pid(container)

    def stop(self, identity: str, grace: float) -> None:
        """SIGTERM, or what its image wants, to the main process, SIGKILL to all of it after `grace`
        seconds. A later call can only shorten the time."""
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
            env[spawn.MARK] = identity
            pid = enter.run_plain(argv, env, fds, tty=tty, cwd=cwd, groups=container.record.groups)
        else:
            inside = (container.init, container.main, container.record.groups)
            pid = enter.enter(inside, argv, fds, tty=tty, cwd=cwd)
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
        """Leaves the record without a pid when that will be known later (`_born`)."""
        bounds = self.limits.bounds(container)
        plain = container.record.plain
        way = spawn.plain if plain else spawn.sandboxed

        def usual() -> int:
            return self.limits.under(bounds, lambda prefix: way(container, spec, prefix, files))

        try:
            files = spawn.streams(container, spec)
            if not plain and self.forks.start(container, spec, bounds, files):
                container.otherwise = usual if spec.get("program") else None
                return  # the streams stay open here: another try may need them
            container.record.pid = usual()
        except OSError:
            self.limits.release(container)
            raise
        container.streams.given()

    def _note_pid(self, container: Container) -> None:
        record = container.record
        record.ticks = process.start_ticks(record.pid)
        self._save(
            lambda path: record.save_start(path) if record.running else None, container.directory
        )
        self._by_pid[record.pid] = container
        container.streams.given()
        if container.started is not None:
            container.started(record)

    def _born(self, container: Container, pid: int) -> None:
        """The init of a forked container; it may have ended before we heard of it."""
        container.record.pid = pid
        self._note_pid(container)
        status, at = self._unclaimed.pop(pid, (0, 0.0))
        if not self.forks.waiting:
            self._unclaimed.clear()
        if at >= container.record.started:
            self._reaped(pid, status)

    def _unborn(self, container: Container, why: str) -> None:
        """A zygote has failed before it made anything: start as usual where that can be done."""
        record = container.record
        record.forked = False
        try:
            if container.otherwise is None:
                raise OSError(why.removeprefix("error ") or "the sandbox could not be set up")
            record.pid = container.otherwise()
        except OSError as error:
            container.streams.close()
            self._finish(container, 128, time.time(), "ContainerCannotRun", str(error))
            if container.started is not None:
                container.started(record)
            return
        self._note_pid(container)

    def _unclaim(self, identity: str, directory: str) -> None:
        """Nothing was started: the same id may be tried again when there is room."""
        self.known.pop(identity, None)
        with contextlib.suppress(OSError):
            for name in os.listdir(directory):
                os.unlink(f"{directory}/{name}")
            os.rmdir(directory)

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
        bounds = record.limits.get("log") or {}
        streams = Streams(self.loop, directory, lambda: self._grown(identity), bounds)
        container = Container(record, directory, streams)
        self.limits.adopt(container)
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
            ended(verdict.exit_code(status))
            return
        container = self._by_pid.pop(pid, None)
        if container is None:
            self.forks.zygotes.reaped(pid)
            if self.forks.waiting:
                self._unclaimed[pid] = (status, time.time())
            return
        if container.listen is not None:
            container.listen()
        if container.ended is None:
            container.ended = (status, time.time())
            if container.record.plain:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
                self._kill_strays(container)
                return
            if self._left_behind(container):
                return
        self._close(container)

    def _close(self, container: Container) -> None:
        """Nothing of it is left: say how it ended."""
        assert container.ended is not None
        status, at = container.ended
        container.streams.close()
        self._finish(container, *verdict.judge(container, status, at))

    def _left_behind(self, container: Container) -> bool:
        """Kill what outlives the main process; whether its end has to be waited for."""
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
        """A plain process has no namespace that ends with it: kill what carries its mark until
        nothing is found any more."""
        ours = process.descendants(os.getpid())[1:]
        mark = container.record.id
        strays = [pid for pid in ours if process.environment(pid).get(spawn.MARK) == mark]
        for pid in strays:
            process.kill(pid)
        if strays:
            self.loop.later(_RETRY, lambda: self._kill_strays(container))
        else:
            self._close(container)

    def _finish(
        self, container: Container, code: int, at: float, reason: str = "", message: str = ""
    ) -> None:
        if self.limits.exceeded(container, code):
            reason = "OOMKilled"
        self.limits.release(container)
        record = container.record
        record.end(code, at, reason, message)
        self._save(record.save_end, container.directory)
        self._live.pop(record.id, None)
        self._changed(record)

    def _save(self, write: Callable[[str], None], directory: str) -> None:
        """Write it down, later if the disk has no room now: until then we know it by heart. A
        directory that is gone needs no record."""
        try:
            write(directory)
        except FileNotFoundError:
            return
        except OSError:
            self.loop.later(_SAVE_AGAIN, lambda: self._save(write, directory))

    def _terminate(self, container: Container) -> None:
        if container.main:
            process.kill(container.main, container.stop_signal)
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
