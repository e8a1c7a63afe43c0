"""subPath stays inside its volume, whatever lies there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampan.nodes.volumes.beneath import Escape, resolve


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    root = tmp_path / "volume"
    (root / "dir" / "inner").mkdir(parents=True)
    (root / "file").write_text("x")
    (tmp_path / "outside").mkdir()
    (root / "good").symlink_to("dir/inner")
    (root / "dir" / "up").symlink_to("../file")
    (root / "absolute").symlink_to("/etc")
    (root / "out").symlink_to("../outside")
    (root / "dir" / "far").symlink_to("../../outside")
    (root / "loop").symlink_to("loop")
    return root


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("dir", "dir"),
        ("dir/inner/", "dir/inner"),
        ("./dir//inner", "dir/inner"),
        ("good", "dir/inner"),
        ("dir/up", "file"),
        ("new/deep", "new/deep"),
    ],
)
def test_paths_inside(volume: Path, path: str, found: str) -> None:
    assert resolve(str(volume), path, create=True) == f"{volume}/{found}"
    assert (volume / found).exists()


@pytest.mark.parametrize(
    "path", ["..", "dir/../..", "/etc", "absolute", "absolute/passwd", "out", "dir/far", "loop"]
)
def test_paths_that_leave(volume: Path, path: str) -> None:
    with pytest.raises(Escape):
        resolve(str(volume), path, create=True)


def test_nothing_is_made_on_request_only(volume: Path) -> None:
    with pytest.raises(Escape, match="No such file"):
        resolve(str(volume), "new", create=False)


@given(
    parts=st.lists(
        st.sampled_from(
            ["dir", "inner", "..", ".", "good", "up", "far", "out", "absolute", "file", "n"]
        ),
        max_size=6,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_asked_nothing_outside_is_answered(volume: Path, parts: list[str]) -> None:
    try:
        found = resolve(str(volume), "/".join(parts), create=False)
    except Escape:
        return
    assert Path(found).resolve().is_relative_to(volume.resolve())
