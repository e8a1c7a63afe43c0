"""URIs of artifacts: what they name, and that none leads out of its bucket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.artifacts import uris
from sampan.artifacts.uris import Address, BadUri
from sampan.kube import locations


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        pytest.param("minio://b/a/b", Address("minio", "b", "a/b"), id="minio"),
        pytest.param("s3://b/a b/%2F", Address("s3", "b", "a b/%2F"), id="nothing-unquoted"),
        pytest.param("gs://b", Address("gs", "b", ""), id="bucket"),
        pytest.param("gs:///b/k/", Address("gs", "b", "k"), id="three-slashes"),
    ],
)
def test_what_a_uri_names(uri: str, expected: Address) -> None:
    assert uris.split(uri) == expected


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        pytest.param("https://host/a", "https:// is not supported", id="https"),
        pytest.param("file:///etc/passwd", "file:// is not supported", id="file"),
        pytest.param("oci://r/m:1", "oci:// is not supported", id="oci"),
        pytest.param("/data/x", "it has no scheme", id="path"),
        pytest.param("minio://b/../c", "leads out of its bucket", id="parent"),
        pytest.param("minio://../c", "leads out of its bucket", id="parent-as-bucket"),
        pytest.param("s3://b/a\0b", "leads out of its bucket", id="nul"),
        pytest.param("s3://", "s3:// is not supported", id="no-bucket"),
    ],
)
def test_what_is_no_place_of_artifacts(uri: str, said: str) -> None:
    with pytest.raises(BadUri, match=said):
        uris.split(uri)


@given(st.text())
def test_every_text_has_an_answer(text: str) -> None:
    for uri in (text, f"minio://{text}", f"s3://b/{text}"):
        try:
            address = uris.split(uri)
        except BadUri:
            continue
        assert ".." not in (address.bucket, *address.key.split("/"))
        assert uris.split(address.uri) == address
        assert locations.is_local(uris.local(address))
