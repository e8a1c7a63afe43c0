"""What lies on disk for an attempt of a container: all of it or nothing."""

import os
from pathlib import Path

import pytest

from sampan.nodes.compose import Directories
from sampan.nodes.images.runtime import Runtime
from sampan.nodes.sandbox.spec import Mount, Sandbox


class Killed(BaseException):
    """No code of ours runs after it."""


def names(place: Directories) -> list[str]:
    return sorted(each.name for each in place.scratch.iterdir())


@pytest.mark.parametrize("image", [False, True])
@pytest.mark.parametrize("call", ["mkdir", "chmod", "close", "rename"])
def test_whoever_is_killed_in_the_middle_leaves_nothing_that_looks_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, image: bool
) -> None:
    place = Directories(tmp_path, "main", 0)

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(os, call, killed)
        with pytest.raises(Killed):
            place.make("127.0.0.1 localhost\n", "", image=image)
    assert not place.scratch.exists()
    place.make("127.0.0.1 localhost\n", "nameserver 127.0.0.1\n", image=image)
    wanted = ["root", "termination", "upper", "work"] if image else ["root", "termination", "tmp"]
    assert names(place) == wanted
    assert (tmp_path / "hosts").read_text() == "127.0.0.1 localhost\n"
    assert (tmp_path / "resolv.conf").read_text() == "nameserver 127.0.0.1\n"


def test_an_images_own_files_are_laid_where_nothing_can_be_mounted(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    for name in ("program.py", "library/part.py"):
        (tmp_path / name).write_text(name)
    inside = (
        Mount("/opt/x/run.py", str(tmp_path / "program.py"), True),
        Mount("/opt/x/deep/library", str(tmp_path / "library"), True),
    )
    others = Mount("/opt/xy/run.py", "/elsewhere"), Mount("/opt/x", str(tmp_path / "scratch/tmp"))
    runtime = Runtime(identity="i", said="s", folders=("/opt/x",), mounts=(*inside, others[0]))
    place = Directories(tmp_path, "main", 0)
    place.make("", "")
    box = Sandbox(argv=("true",), env={}, mounts=(others[1], *runtime.mounts))
    for _ in range(2):  # as when a start is tried again
        assert place.lay(box, runtime).mounts == (others[1], others[0])
    laid = place.scratch / "tmp"
    assert (laid / "run.py").read_text() == "program.py"
    assert (laid / "deep/library/part.py").read_text() == "library/part.py"
    (laid / "run.py").write_text("changed")
    assert (tmp_path / "program.py").read_text() == "program.py"
