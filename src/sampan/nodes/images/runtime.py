"""What a container runs in, once its image is known: files, search path, what to run by default."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sampan.nodes.images.oci.tree import Layer
from sampan.nodes.sandbox.spec import Interpreter, Mount

SEARCH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


class Files(Struct, frozen=True, kw_only=True):
    """An image's own file system. layers: the topmost first. owned: they have the owners that they
    have in the image. digest: which image it is, for those who ask what is in use. volumes:
    directories that it expects to find."""

    layers: tuple[Layer, ...]
    owned: bool
    digest: str
    volumes: tuple[str, ...] = ()


class Runtime(Struct, frozen=True, kw_only=True):
    """identity: the imageID in a container's status. said: what it is, for the event "Pulled".
    root: "/" for the host's files. path: put before the usual PATH; last: behind it.
    entrypoint, command: ENTRYPOINT and CMD; both empty when only the pod can say.
    visible: directories of the host to be seen although home is hidden.
    folders: empty directories that each container has for itself, in memory where that can be.
    files: of an OCI image, which also says its user, working directory and stop signal.
    interpreter: the Python that containers may be forked from. python: the prefix of the Python
        environment that it is, if it is one of this machine.
    """

    identity: str
    said: str
    root: str = "/"
    path: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    visible: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    folders: tuple[str, ...] = ()
    files: Files | None = None
    user: str = ""
    cwd: str = "/"
    stop_signal: str = ""
    interpreter: Interpreter | None = None
    python: str = ""

    def variables(self) -> dict[str, str]:
        """What the image sets, before anything that the pod says. HOME is left to whoever knows
        the user of an image that has some."""
        home = {} if self.files else {"HOME": "/root"}
        return {"PATH": ":".join((*self.path, *SEARCH, *self.last)), **home, **self.env}


class Wanted(Struct, frozen=True):
    """The image itself is to be had from a registry, by this name."""

    image: str


class Refusal(Struct, frozen=True):
    """No environment stands for the image: a container's waiting reason and its message."""

    reason: str
    message: str


def argv(runtime: Runtime, command: list[str] | None, args: list[str] | None) -> tuple[str, ...]:
    """What a container runs, as Kubernetes combines the pod's words with the image's: `command`
    replaces ENTRYPOINT and CMD, `args` only CMD. Empty when nobody says what to run."""
    if command:
        return (*command, *(args or ()))
    return (*runtime.entrypoint, *(args or runtime.command))
