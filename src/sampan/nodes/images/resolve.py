"""From an image name to a runtime: the user's table, then known families and stand-ins, else the
image itself.

The table's first matching row wins. What none of them knows is `Wanted` from a registry; `hint` is
the line that would help when none has it. A stand-in may need an environment that is to be made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from msgspec.structs import replace

from sampan.config import Image
from sampan.nodes.images import families, python, standins
from sampan.nodes.images.environments import Environment, Environments
from sampan.nodes.images.reference import aliases, name_of
from sampan.nodes.images.runtime import Refusal, Runtime, Wanted
from sampan.nodes.images.standins import Standin
from sampan.nodes.sandbox.spec import Mount

_PROGRAMS = "/run/sampan/programs"
_APPLETS = "/run/sampan/applets"


class Images:
    """Answers are remembered for each name, but where a directory may be removed."""

    def __init__(
        self,
        table: Sequence[Image],
        directory: Path,
        mirror: str = "",
        warm: Callable[[str], bool] = lambda _: True,
        environments: Environments | None = None,
    ) -> None:
        """`directory` is where managed environments may keep files. `mirror` is a prefix that
        image names may have; they mean the same without it. `warm` says whether an interpreter
        at this path may be kept running. `environments` are those of stand-ins."""
        self._table = tuple(table)
        self._directory = directory
        self._mirror = f"{mirror.rstrip('/')}/" if mirror else ""
        self._warm = warm
        self._environments = environments or Environments(directory)
        self._known: dict[str, Runtime] = {}

    def resolve(self, image: str) -> Runtime | Environment | Wanted | Refusal:
        """An Environment has to be made before the image has a runtime."""
        found = self._known.get(image)
        if found is not None:
            return found
        if name_of(image) is None:
            message = f'Failed to apply default image tag "{image}": couldn\'t parse image name'
            return Refusal("InvalidImageName", message)
        plain = image.removeprefix(self._mirror)
        answer = self._from_table(plain) or self._from_families(plain)
        if answer is None and (standin := standins.standin_of(plain)):
            return self._stood_for(standin)
        answer = answer or Wanted(image)
        if isinstance(answer, Runtime):
            answer = self._cooled(answer)
            self._known[image] = answer
        elif isinstance(answer, Wanted) and answer.image == plain:
            return Wanted(image)
        return answer

    def _stood_for(self, standin: Standin) -> Runtime | Environment:
        wanted = standin.environment
        if wanted is None:
            base = self._cooled(python.managed(self._directory / "python"))
        elif (found := self._environments.find(wanted)) is None:
            return wanted
        else:
            base = found
        return standins.runtime(standin, base)

    def _cooled(self, runtime: Runtime) -> Runtime:
        interpreter = runtime.interpreter
        if interpreter is None or self._warm(interpreter.python):
            return runtime
        return replace(runtime, interpreter=None)

    def _from_table(self, image: str) -> Runtime | Wanted | Refusal | None:
        for row in self._table:
            if _matches(row.match, image):
                if row.oci:
                    return Wanted(image if row.oci is True else row.oci)
                return _runtime(row)
        return None

    def _from_families(self, image: str) -> Runtime | None:
        family = families.family_of(image)
        if family is None:
            return None
        if family.python:
            return python.managed(self._directory / "python")
        mounts = [_program(name) for name in family.brings]
        mounts += (_program(name, "") for name in family.in_root)
        if family.ash and (shell := families.ash()):
            mounts.append(Mount(f"{_PROGRAMS}/sh", shell, True))
        path = (_PROGRAMS,) if mounts else ()
        applets = self._directory / "applets"
        more = family.ash and families.applets(applets)
        if more:
            mounts.append(Mount(_APPLETS, str(applets), True))
        return Runtime(
            identity="sampan://host",
            said="the files of this machine",
            entrypoint=family.entrypoint,
            command=family.command,
            mounts=tuple(mounts),
            path=path,
            last=(_APPLETS,) if more else (),
        )


def _program(name: str, directory: str = _PROGRAMS) -> Mount:
    """A program that comes with Sampan, on the search path of the container."""
    return Mount(f"{directory}/{name}", str(Path(__file__).parent / "programs" / name), True)


def hint(image: str) -> str:
    """What to do about an image that cannot be had."""
    return (
        f'add "- {{match: \'{image}\', python: /path/to/environment}}" (or "rootfs: '
        '/directory", "host: true", or "oci: another/name") to the table "images" in config.yaml'
    )


def _matches(pattern: str, image: str) -> bool:
    """A pattern without a tag covers every tag, and one without a registry those of docker.io."""
    name = name_of(image)
    if name is None:
        return fnmatchcase(image, pattern)
    rest = image[len(name) :]
    return any(
        fnmatchcase(each, pattern) for alias in aliases(name) for each in (alias + rest, alias)
    )


def _runtime(row: Image) -> Runtime | Refusal:
    if row.python:
        found = python.at(str(Path(row.python).expanduser()))
        if found is None:
            return _broken(row, f"{row.python} has no bin/python3")
        if row.warm:
            found = python.warmed(found, row.warm if isinstance(row.warm, tuple) else ())
        return replace(found, entrypoint=row.entrypoint) if row.entrypoint else found
    if row.rootfs:
        root = str(Path(row.rootfs).expanduser())
        if not Path(root, "bin").exists() and not Path(root, "usr").exists():
            return _broken(row, f"{row.rootfs} is no root file system")
        return Runtime(
            identity=f"sampan://rootfs{root}", said=f"the root file system {root}", root=root,
            entrypoint=row.entrypoint,
        )  # fmt: skip
    return Runtime(
        identity="sampan://host", said="the files of this machine", entrypoint=row.entrypoint
    )


def _broken(row: Image, fault: str) -> Refusal:
    return Refusal("ErrImagePull", f'row "{row.match}" of the table "images": {fault}')
