"""Digests of what lies on the disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sampan.artifacts import Fault, digests


class NobodyWaits(Exception):
    pass


def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "f"
    for data in (b"", b"x", bytes(range(256)) * 10_000):
        file.write_bytes(data)
        found = digests.of(str(file))
        assert found == digests.Digest(f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))


def test_a_directory_has_that_of_its_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "in").mkdir(parents=True)
        (tmp_path / name / "in" / "f").write_text("1")
    (tmp_path / "two" / "link").symlink_to("in")
    one, two = (digests.of(str(tmp_path / name)) for name in ("one", "two"))
    assert one == two
    assert one.size == 1
    (tmp_path / "two" / "in" / "f").rename(tmp_path / "two" / "in" / "g")
    assert digests.of(str(tmp_path / "two")).text != one.text


def test_what_nobody_waits_for_ends(tmp_path: Path) -> None:
    with open(tmp_path / "f", "wb") as file:
        file.truncate(8 << 20)
    seen = []

    def go_on() -> None:
        seen.append(1)
        if len(seen) == 3:
            raise NobodyWaits

    with pytest.raises(NobodyWaits):
        digests.of(str(tmp_path), go_on=go_on)
    assert len(seen) == 3


def test_a_file_that_is_larger_than_its_disk_is_none(tmp_path: Path) -> None:
    with open(tmp_path / "f", "wb") as file:
        file.truncate(8 << 40)
    with pytest.raises(Fault, match="f has holes: it says that it has 8796093022208 bytes"):
        digests.of(str(tmp_path / "f"))
