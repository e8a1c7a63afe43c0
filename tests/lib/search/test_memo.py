from __future__ import annotations

from sampan.lib.search.memo import Memo


def test_what_is_kept_is_not_computed_again() -> None:
    memo: Memo[object] = Memo(2)
    kept = memo.get("a", object)
    assert memo.get("a", object) is kept
    assert memo.get("b", object) is not kept


def test_what_was_asked_for_longest_ago_is_forgotten() -> None:
    memo: Memo[object] = Memo(2)
    a, b = memo.get("a", object), memo.get("b", object)
    assert memo.get("a", object) is a
    memo.get("c", object)
    assert memo.get("a", object) is a
    assert memo.get("b", object) is not b
