"""Buckets of the local repository: listed as S3 lists, whatever the keys."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artifacts.makers import ZIP, Namespaced, local, no_secret
from sampan.artifacts import Artifacts, NotThere
from sampan.artifacts.buckets import About, Buckets, NotEmpty

PART = st.text(st.sampled_from("ab.~-0"), min_size=1, max_size=3).filter(
    lambda part: part not in (".", "..")
) | st.sampled_from(["x~tar", "x~zip", "x~", "x~tar~"])
KEYS = st.sets(st.lists(PART, min_size=1, max_size=3).map("/".join), max_size=12)


def free(keys: set[str]) -> list[str]:
    """Without those that another one would need as a directory: that S3 alone can have."""
    return sorted(key for key in keys if not any(other.startswith(f"{key}/") for other in keys))


def put(buckets: Buckets, key: str, text: str = "x") -> None:
    with buckets.draft() as draft:
        Path(draft).write_text(text)
        buckets.put("b", key, draft, About())


def expected(keys: list[str], prefix: str, delimiter: str) -> list[str]:
    """As the description of S3 has it."""
    found = []
    for key in sorted(key for key in keys if key.startswith(prefix)):
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        shown = key[: at + len(delimiter)] if at >= 0 else key
        if shown not in found:
            found.append(shown)
    return found


@settings(deadline=None, max_examples=60)
@given(
    KEYS, st.sampled_from(["", "a", "a/", "x~"]), st.sampled_from(["", "/", "-"]), st.integers(1, 4)
)
def test_pages_are_what_s3_says(keys: set[str], prefix: str, delimiter: str, most: int) -> None:
    with tempfile.TemporaryDirectory() as root:
        buckets, wanted = Buckets(Path(root), "ns"), free(keys)
        buckets.make("b")
        for key in wanted:
            put(buckets, key)
        seen: list[str] = []
        after = ""
        while True:
            page = buckets.page("b", prefix, after, delimiter, most)
            found = sorted([*(each.key for each in page.objects), *page.prefixes])
            assert len(found) <= most
            seen += found
            if not page.last:
                break
            assert page.last == found[-1]
            after = page.last
        assert seen == expected(wanted, prefix, delimiter)


@settings(deadline=None, max_examples=40)
@given(st.lists(PART, min_size=1, max_size=3).map("/".join), st.binary(max_size=20))
def test_an_object_comes_back(key: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as root:
        buckets = Buckets(Path(root), "ns")
        with buckets.draft() as draft:
            Path(draft).write_bytes(content)
            made = buckets.put("b", key, draft, About("tag", "text/x", {"k": "v"}))
        file, found = buckets.open("b", key)
        with file:
            assert file.read() == content
        assert found == made
        assert (found.size, found.type, found.metadata) == (len(content), "text/x", {"k": "v"})
        buckets.delete("b", key)
        with pytest.raises(NotThere):
            buckets.about("b", key)


def test_what_others_have_put_there_is_an_object(tmp_path: Path) -> None:
    buckets, artifacts = Buckets(tmp_path, "ns"), Namespaced(Artifacts(tmp_path))
    (tmp_path / "source").write_text("content")
    artifacts.save(local("plain.txt", archive={"none": {}}), tmp_path / "source", no_secret)
    artifacts.save(local("packed.zip", **ZIP), tmp_path / "source", no_secret)
    page = buckets.page("artifacts", "", "", "", 10)
    assert [each.key for each in page.objects] == ["packed.zip", "plain.txt"]
    assert buckets.about("artifacts", "plain.txt").type == "text/plain"
    first = buckets.about("artifacts", "plain.txt").tag
    assert buckets.about("artifacts", "plain.txt").tag == first
    file, found = buckets.open("artifacts", "packed.zip")
    with file:
        assert file.read(2) == b"PK"
    assert found.size > 7


def test_a_bucket_goes_when_it_is_empty(tmp_path: Path) -> None:
    buckets = Buckets(tmp_path, "ns")
    assert buckets.make("b")
    assert not buckets.make("b")
    put(buckets, "x/y")
    with pytest.raises(NotEmpty):
        buckets.remove("b")
    buckets.delete("b", "x/y")
    buckets.remove("b")
    assert buckets.names() == []
    assert Buckets(tmp_path, "other").names() == []
