"""What image names mean, and where else images are looked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.config import Mirror
from sampan.nodes.images.reference import Reference, name_of, parse, places

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("team/app", "docker.io/team/app:latest"),
        ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app:1", "localhost:5000/app:1"),
        ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c:latest"),
        ("[::1]:5000/app", "[::1]:5000/app:latest"),
        ("gcr.io/x/y@" + DIGEST, "gcr.io/x/y@" + DIGEST),
        ("gcr.io/x/y:1@" + DIGEST, "gcr.io/x/y:1@" + DIGEST),
        ("BIG/app", "BIG/app:latest"),
    ],
)
def test_a_name_has_a_full_form(image: str, full: str) -> None:
    assert str(parse(image)) == full


@pytest.mark.parametrize(
    "image",
    ["", " ", "a b", "../etc/passwd", "a/../b", "a//b", "/a", "a/", "a:", "a@", "nginx:-1",
     "a:" + "t" * 129, "a" * 256, "x@sha256:abc", "x@md5:" + "0" * 32, "x@sha256:" + "A" * 64,
     "http://x/y", "a\nb", "a\0b", "Team/App", "x:1:2", "a/b?c", "a#b", "ä/b"],
)  # fmt: skip
def test_a_bad_name_is_no_name(image: str) -> None:
    with pytest.raises(ValueError, match=r"image name|digest"):
        parse(image)


@given(st.text(max_size=40))
def test_no_text_breaks_the_grammar(text: str) -> None:
    if name_of(text) is None:
        return
    found = name_of(text)
    assert found is not None
    assert ".." not in found.split("/")
    assert "\0" not in found


MIRRORS = (
    Mirror(prefix="docker.io", at="mirror.example/hub"),
    Mirror(prefix="gcr.io/ml-pipeline", at="registry.example.cn/kf", join="-"),
    Mirror(prefix="gcr.io", at="mirror.example/gcr"),
)


@pytest.mark.parametrize(
    ("image", "names"),
    [
        ("nginx:1", ["mirror.example/hub/library/nginx:1", "docker.io/library/nginx:1"]),
        (
            "gcr.io/ml-pipeline/api/server:2",
            [
                "registry.example.cn/kf/api-server:2",
                "mirror.example/gcr/ml-pipeline/api/server:2",
                "gcr.io/ml-pipeline/api/server:2",
            ],
        ),
        (
            "gcr.io/other@" + DIGEST,
            [f"mirror.example/gcr/other@{DIGEST}", f"gcr.io/other@{DIGEST}"],
        ),
        ("gcr.io.evil.example/x", ["gcr.io.evil.example/x:latest"]),
    ],
)
def test_mirrors_are_asked_first_the_longest_prefix_before_all(
    image: str, names: list[str]
) -> None:
    assert [str(place) for place in places(parse(image), MIRRORS)] == names


def test_a_mirror_that_is_no_name_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="image name"):
        places(Reference("docker.io", "x", "1"), [Mirror(prefix="docker.io", at="https://x")])
