"""What lies on disk for an attempt of a container: all of it or nothing."""

import os
from pathlib import Path

import pytest

from sampan.nodes.compose import Directories


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
