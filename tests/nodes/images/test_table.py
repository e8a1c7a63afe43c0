"""Rows that are added to a config somebody has written."""

from __future__ import annotations

from pathlib import Path

import pytest

from sampan.config import Image, load
from sampan.kube.errors import UserMistake
from sampan.nodes.images.table import add, row

NEW = {"match": "a*b: '\"#", "oci": True}
WRITTEN = """\
port: 0  # any
images:   # ours
  # the trainer
  - match: x
    python: /usr

  - {match: y, host: true}
without: [workflows]
"""


@pytest.mark.parametrize(
    ("text", "others"),
    [
        pytest.param("", 0, id="nothing"),
        pytest.param("port: 0", 0, id="no-table"),
        pytest.param("images: []\nport: 0\n", 0, id="empty-table"),
        pytest.param("images:\n- {match: x, host: true}\nport: 0\n", 1, id="not-indented"),
        pytest.param(WRITTEN, 2, id="indented"),
    ],
)
def test_a_row_comes_first_and_nothing_else_moves(tmp_path: Path, text: str, others: int) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    add(path, NEW)
    images = load(path).images
    assert images[0] == Image(**NEW)  # type: ignore[arg-type]
    assert len(images) == 1 + others
    kept = iter(path.read_text().splitlines())
    assert all(line in kept for line in text.splitlines() if not line.startswith("images: []"))
    assert [each.name for each in tmp_path.iterdir()] == ["config.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        "images: [{match: x, host: true}]\n",
        "{images: []}\n",
        "images: &a\n- {match: x, host: true}\n",
    ],
)
def test_what_only_its_author_understands_stays_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(UserMistake, match="by hand"):
        add(path, NEW)
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("oci", {"oci": True}),
        ("oci=r.example/x:1", {"oci": "r.example/x:1"}),
        ("host", {"host": True}),
        ("python=/opt/env", {"python": "/opt/env"}),
        ("rootfs=/srv", {"rootfs": "/srv"}),
    ],
)
def test_a_row_from_words(words: str, found: dict[str, object]) -> None:
    assert row("x", words) == {"match": "x", **found}


@pytest.mark.parametrize("words", ["", "python", "rootfs=", "docker", "host=1"])
def test_other_words_are_a_mistake(words: str) -> None:
    with pytest.raises(UserMistake, match="is none of"):
        row("x", words)
