"""What a terminal shows of a text that is too large for it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sampan.cli import painting


@given(st.lists(st.text(st.characters(codec="ascii", exclude_categories=["C"]))),
       st.integers(10, 200), st.integers(5, 60))  # fmt: skip
def test_no_more_is_shown_than_fits(lines: list[str], width: int, height: int) -> None:
    text = "".join(f"{line}\n" for line in ["head", *lines])
    shown = painting.fitted(text, width, height, "tasks").splitlines()
    assert shown[0] == "head"
    assert len(shown) < height
    assert all(len(line) < max(width, 30) for line in shown)
