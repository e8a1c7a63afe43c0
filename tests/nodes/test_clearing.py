"""What containers leave behind goes, whoever it belongs to."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sampan.nodes.context import _remove


def scratch(root: Path) -> Path:
    """A tree as an overlay leaves it, with a link that must not be followed."""
    work = root / "work" / "work"
    work.mkdir(parents=True)
    (root / "upper").mkdir()
    (root / "upper" / "out").symlink_to(root.parent / "kept")
    work.chmod(0)
    return root


def test_directories_that_nobody_may_read_are_removed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("safe")
    made = scratch(tmp_path / "a")
    done = subprocess.run(
        [sys.executable, "-m", "sampan.nodes.clearing", str(made)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "user namespace" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    assert not made.exists()
    assert (tmp_path / "kept" / "file").read_text() == "safe"


def test_the_trash_takes_what_is_easy_by_itself(tmp_path: Path) -> None:
    made = scratch(tmp_path / "a")
    (made / "work" / "work").chmod(0o700)
    _remove([made, tmp_path / "never-there"], threading.Event())
    assert not made.exists()


def test_what_is_too_deep_for_us_is_removed(tmp_path: Path) -> None:
    made = tmp_path / "a"
    subprocess.run(
        ["sh", "-c", f"mkdir {made}; cd {made}; i=0; while [ $i -lt 1500 ];"
         " do mkdir d; cd d; i=$((i+1)); done"],
        check=True,
    )  # fmt: skip
    _remove([made], threading.Event())
    assert not made.exists()


def test_the_end_of_the_program_waits_for_one_directory_at_most(tmp_path: Path) -> None:
    made, over = scratch(tmp_path / "a"), threading.Event()
    over.set()
    _remove([made], over)
    assert made.exists()
