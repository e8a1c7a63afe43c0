"""A container's files are found as it saw them, and nothing else is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sampan.nodes.executor.view import Place, View, load


@pytest.fixture
def view(tmp_path: Path) -> View:
    """A root, a volume at /vol, the machine's /etc, memory at /dev."""
    root, volume, machine = (tmp_path / name for name in ("root", "volume", "machine"))
    for place in (root / "a" / "b", root / "vol", volume / "deep", machine):
        place.mkdir(parents=True)
    (root / "out.txt").write_text("out")
    (root / "a" / "b" / "c").write_text("c")
    (root / "vol" / "hidden").write_text("below the mount")
    (volume / "v").write_text("v")
    (volume / "deep" / "up").symlink_to("../../out.txt")
    (machine / "open").write_text("everybody's")
    (machine / "secret").write_text("root's")
    (machine / "secret").chmod(0o600)
    (root / "to-volume").symlink_to("/vol/v")
    (root / "to-secret").symlink_to("/etc/secret")
    (root / "to-outside").symlink_to("../" * 20 + str(tmp_path)[1:] + "/machine/open")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    places = [
        Place("/", str(root)), Place("/etc", str(machine), own=False), Place("/dev", ""),
        Place("/vol", str(volume)),
    ]  # fmt: skip
    return View(places)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("/out.txt", "out", id="below-the-root"),
        pytest.param("/a/../a//b/./c", "c", id="a-path-that-is-not-tidy"),
        pytest.param("/vol/v", "v", id="in-a-volume"),
        pytest.param("/to-volume", "v", id="a-link-into-a-volume"),
        pytest.param("/vol/deep/up", "out", id="a-link-out-of-a-volume-as-it-is-seen-inside"),
        pytest.param("/etc/open", "everybody's", id="the-machine-s-if-everybody-may-read-it"),
    ],
)
def test_paths_mean_what_they_mean_inside(view: View, path: str, text: str) -> None:
    assert view.read(path, 100) == text.encode()
    with view.pinned(path) if path != "/etc/open" else view.pinned("/out.txt") as found:
        assert Path(found.path).exists()


@pytest.mark.parametrize(
    "path",
    ["/nope", "/vol/hidden", "/to-secret", "/to-outside", "/loop", "/pipe", "/dev/null", "/a",
     "/etc/secret", "/out.txt/x"],
)  # fmt: skip
def test_nothing_else_is_read(view: View, path: str) -> None:
    with pytest.raises(OSError, match=path):
        view.read(path, 100)


def test_the_machine_s_directories_are_nobody_s_artifact(view: View) -> None:
    with pytest.raises(PermissionError), view.pinned("/etc"):
        pass


def test_what_is_pinned_stays_when_directories_above_it_change(view: View, tmp_path: Path) -> None:
    with view.pinned("/a/b/c") as found:
        (tmp_path / "root" / "a").rename(tmp_path / "root" / "moved")
        (tmp_path / "root" / "a").symlink_to("/etc")
        assert Path(found.path).read_text() == "c"


def test_a_view_outlives_the_process(view: View, tmp_path: Path) -> None:
    view.save(tmp_path)
    assert load(tmp_path).read("/vol/v", 1) == b"v"
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "root").read("/vol/v", 1)
