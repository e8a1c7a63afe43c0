"""From a container of a pod to the sandbox that it runs in.

Everything that a container sees is decided here: variables, command, mounts, identity, limits.
No processes are started. `Unrunnable` carries the waiting reason of what cannot be started.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sampan.kube import argoexec, katib, launcher
from sampan.nodes import environment, gpus, hosts
from sampan.nodes.facts import PodFacts
from sampan.nodes.images import users
from sampan.nodes.images.oci import tree
from sampan.nodes.images.runtime import Files, Runtime, argv
from sampan.nodes.sandbox.spec import Limits, Mount, Overlay, Sandbox
from sampan.nodes.volumes.prepare import PodVolumes

_CAPABILITIES = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_NET_BIND_SERVICE",
    "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
)  # fmt: skip
"""Docker's default for root in an image, without those that reach beyond its files and processes
(MKNOD, NET_RAW, AUDIT_WRITE)."""


class Unrunnable(Exception):
    """The container cannot be started as it is; `reason` goes into its status."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Directories(Struct, frozen=True):
    """What lies on disk for one attempt of a container. `pod` is the pod's directory."""

    pod: Path
    container: str
    attempt: int

    @property
    def scratch(self) -> Path:
        return self.pod / "scratch" / f"{self.container}.{self.attempt}"

    @property
    def termination(self) -> Path:
        return self.scratch / "termination"

    @property
    def kept(self) -> Path:
        """The root of a container whose files are looked at afterwards."""
        return self.scratch / "kept"

    @property
    def gpus(self) -> Path:
        return self.scratch / "gpus"

    @property
    def image(self) -> Path:
        """Says which image's layers are in use here."""
        return self.scratch / "image"

    @property
    def logs(self) -> Path:
        return self.pod / "containers" / f"{self.container}.{self.attempt}"

    def tmp(self, *, image: bool, overlay: bool) -> Path:
        """What the container sees at /tmp, unless a volume is there."""
        if not image:
            return self.scratch / "tmp"
        return self.scratch / ("upper" if overlay else "root") / "tmp"

    def make(self, hosts_file: str, resolv: str, *, image: bool = False) -> None:
        """Fresh /tmp and home, an empty termination message, the pod's /etc/hosts and, unless it
        is empty, /etc/resolv.conf. For an image, `root` is where its file system appears."""
        base = str(self.scratch)
        draft = f"{base}.draft"  # where the scratch directory is, it is whole, whoever was killed
        if os.path.exists(draft):
            shutil.rmtree(draft)
        os.makedirs(draft)
        for name in ("root", "upper", "work") if image else ("tmp", "root"):
            os.mkdir(f"{draft}/{name}")
        if not image:
            os.chmod(f"{draft}/tmp", 0o1777)
        os.close(os.open(f"{draft}/{self.termination.name}", os.O_CREAT | os.O_WRONLY, 0o666))
        for name, text in (("hosts", hosts_file), ("resolv.conf", resolv)):
            if text and not os.path.exists(path := str(self.pod / name)):
                with open(f"{draft}/{name}", "w") as file:
                    file.write(text)
                os.chmod(file.name, 0o644)
                os.rename(file.name, path)
        os.rename(draft, base)

    def put(self, files: Mapping[str, str], layer: str, environment: str) -> None:
        """Text files in the container's home, and notes that it uses a layer of packages, and an
        environment of a stand-in."""
        for name, text in (("packages", layer), ("environment", environment)):
            if text:
                (self.scratch / name).write_text(text)
        for path, text in files.items():
            file = f"{self.scratch}/root/{path}"
            os.makedirs(os.path.dirname(file), exist_ok=True)
            with open(file, "w") as out:
                out.write(text)

    def lay(self, box: Sandbox, runtime: Runtime) -> Sandbox:
        """The same without the image's own files below its folders, which are copied there: for a
        sandbox that cannot mount them, whose programs name each other by relative paths."""
        inside = [each for each in runtime.mounts if _below(each.target, runtime.folders)]
        for mount in inside:
            place = f"{self.scratch}/tmp/{_below(mount.target, runtime.folders)}"
            if os.path.isdir(mount.source):
                shutil.copytree(mount.source, place, dirs_exist_ok=True)
            else:
                os.makedirs(os.path.dirname(place), exist_ok=True)
                shutil.copyfile(mount.source, place)
        return replace(box, mounts=tuple(each for each in box.mounts if each not in inside))


def _below(path: str, folders: Sequence[str]) -> str:
    """The rest of a path behind one of the folders; "" where it is in none."""
    return next((path[len(at) + 1 :] for at in folders if path.startswith(f"{at}/")), "")


class Surroundings(Struct, frozen=True, kw_only=True):
    """What the node adds. `hidden` is never seen inside; `gpus` are indices; `resolv` is the text
    of /etc/resolv.conf, "" for the machine's own. `layers` is where those of images lie; `overlay`
    says whether they can be mounted. `outputs` are paths that are looked at when it has ended; with
    `keep`, all that it has written may be. `artifacts` are mounts of a pipeline's task."""

    hidden: tuple[str, ...]
    services: Mapping[str, str]
    gpus: list[int] = []
    resolv: str = ""
    limits: Limits = Limits()
    layers: Path = Path()
    overlay: bool = True
    outputs: tuple[str, ...] = ()
    keep: bool = False
    artifacts: tuple[Mount, ...] = ()


def compose(
    facts: PodFacts,
    container: Mapping[str, Any],
    runtime: Runtime,
    volumes: PodVolumes,
    place: tuple[Directories, Surroundings],
) -> Sandbox:
    """The sandbox. ConfigError when something referred to is missing, Unrunnable otherwise."""
    directories, around = place
    pod, hostname = facts.pod, hosts.hostname(facts.pod)
    declared = environment.variables(facts, container, around.services)
    env = {**runtime.variables(), "HOSTNAME": hostname, **gpus.variables(around.gpus), **declared}
    words = argv(runtime, _words(container), container.get("args"))
    words = katib.from_image(words, runtime.entrypoint, runtime.command)
    command = _expanded(words, declared)
    if not command:
        message = f'no command is known for image "{container["image"]}": set "command"'
        raise Unrunnable("CreateContainerError", message)
    files = runtime.files
    who = users.identity(pod["spec"], container, runtime.user, _reader(runtime))
    if files and "HOME" not in env:
        env["HOME"] = who.home or ("/root" if who.uid == 0 else "/")
    context = container.get("securityContext") or {}
    mounts = volumes.mounts(container, lambda text: environment.expand(text, declared))
    box = Sandbox(
        argv=command,
        env=env,
        root=runtime.root,
        cwd=container.get("workingDir") or runtime.cwd,
        hostname=hostname,
        uid=who.uid,
        gid=who.gid,
        mounts=(
            *_own_mounts(directories, container, around, image=files is not None),
            *(Mount(path, str(directories.scratch / "tmp"), tmpfs=0) for path in runtime.folders),
            *runtime.mounts,
            *sorted((*mounts, *around.artifacts), key=lambda mount: mount.target.count("/")),
        ),
        hidden=around.hidden,
        visible=runtime.visible,
        interpreter=runtime.interpreter,
        devices=gpus.devices(around.gpus),
        read_only=bool(context.get("readOnlyRootFilesystem")),
        limits=around.limits,
        stdin=bool(container.get("stdin")),
        tty=bool(container.get("tty")),
        stop_signal=_signal(runtime.stop_signal),
        keep=str(directories.kept) if (around.outputs or around.keep) and files is None else "",
        outputs=around.outputs,
    )
    return box if files is None else _in_image(box, files, directories, around)


def _words(container: Mapping[str, Any]) -> list[str] | None:
    """The command of the program itself, whoever looks after it."""
    command = container.get("command")
    for unwrapped in (argoexec.unwrapped, launcher.unwrapped):
        if (own := unwrapped(command)) is not None:
            return own
    return command


def _in_image(
    box: Sandbox, files: Files, directories: Directories, around: Surroundings
) -> Sandbox:
    """The same with the image's own file system as its root, which the container may change."""
    root = str(directories.scratch / "root")
    overlay = None
    if around.overlay:
        places = [Path(layer.files) for layer in files.layers]
        base = str(around.layers)
        lower = tuple(str(place.relative_to(base)) for place in places)
        upper, work = (str(directories.scratch / name) for name in ("upper", "work"))
        overlay = Overlay(base, lower, upper, work, root)
    return replace(
        box,
        root=root,
        cwd=tree.resolve(files.layers, box.cwd),
        mounts=tuple(
            replace(mount, target=tree.resolve(files.layers, mount.target)) for mount in box.mounts
        ),
        image=True,
        overlay=overlay,
        capabilities=() if box.uid else _CAPABILITIES,
        directories=tuple(tree.resolve(files.layers, path) for path in files.volumes),
    )


def _reader(runtime: Runtime) -> Callable[[str], str]:
    files = runtime.files
    return (lambda path: tree.read(files.layers, path)) if files else lambda _: ""


def _signal(name: str) -> int:
    """Of an image's StopSignal: a name with or without SIG, or a number; SIGTERM for nonsense."""
    if name.isdigit():
        return int(name) if 0 < int(name) < signal.NSIG else signal.SIGTERM
    base, _, offset = name.upper().removeprefix("SIG").partition("+")
    known = getattr(signal, f"SIG{base}", signal.SIGTERM)
    return int(known) + (int(offset) if offset.isdigit() else 0)


def _expanded(words: tuple[str, ...], variables: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(environment.expand(word, variables) for word in words)


def _own_mounts(
    directories: Directories,
    container: Mapping[str, Any],
    around: Surroundings,
    *,
    image: bool,
) -> tuple[Mount, ...]:
    base = str(directories.scratch)
    message = container.get("terminationMessagePath") or "/dev/termination-log"
    common: tuple[Mount, ...] = (
        Mount("/etc/hosts", str(directories.pod / "hosts")),
        Mount(message, str(directories.termination)),
    )
    if around.resolv:
        common = (*common, Mount("/etc/resolv.conf", str(directories.pod / "resolv.conf")))
    elif image:
        common = (*common, Mount("/etc/resolv.conf", "/etc/resolv.conf", True))
    if image:
        return common
    return (Mount("/tmp", f"{base}/tmp"), Mount("/root", f"{base}/root"), *common)
