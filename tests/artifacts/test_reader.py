"""Artifacts of pipelines by URI: in the local repository and on a server that is configured."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from s3 import S3
from sampan.artifacts import Artifacts, Fault, NotThere, Refused
from sampan.artifacts.reader import Reader
from sampan.artifacts.uris import BadUri
from sampan.kube import names
from sampan.kube.keys import Manifest

SHA = f"sha256:{hashlib.sha256(b'content').hexdigest()}"


def a_reader(tmp_path: Path, *objects: Manifest) -> Reader:
    known = {(o["kind"], o["metadata"]["namespace"], o["metadata"]["name"]): o for o in objects}
    artifacts = Artifacts(tmp_path / "repository")
    return Reader(artifacts, lambda *key: known.get(key))


def an_object(kind: str, name: str, data: dict[str, str]) -> Manifest:
    return {"kind": kind, "metadata": {"namespace": "ns", "name": name}, "data": data}


def keep(tmp_path: Path, path: str, text: str = "content") -> None:
    target = tmp_path / "repository" / "ns" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


@pytest.mark.parametrize("uri", ["minio://b/a/file", "s3://b/a/file", "gs://b/a/file"])
def test_a_file_of_the_local_repository(tmp_path: Path, uri: str) -> None:
    keep(tmp_path, "b/a/file")
    reader = a_reader(tmp_path)
    assert reader.exists(uri, namespace="ns")
    assert not reader.exists(uri, namespace="other")
    with reader.open(uri, namespace="ns").file as file:
        assert file.read() == b"content"
    digest = reader.digest(uri, namespace="ns")
    assert (digest.text, digest.size) == (SHA, 7)


def test_a_directory_has_the_digest_of_its_files(tmp_path: Path) -> None:
    reader = a_reader(tmp_path)
    for name in ("one", "two"):
        keep(tmp_path, f"b/{name}/x/file")
        keep(tmp_path, f"b/{name}/y", name if name == "two" else "one")
    one, two = (reader.digest(f"minio://b/{name}", namespace="ns") for name in ("one", "two"))
    assert one.text != two.text
    assert (one.size, two.size) == (10, 10)
    keep(tmp_path, "b/two/y", "one")
    assert reader.digest("minio://b/two", namespace="ns") == one
    assert reader.exists("minio://b/one", namespace="ns")


def test_what_is_not_there(tmp_path: Path) -> None:
    reader = a_reader(tmp_path)
    assert not reader.exists("minio://b/k", namespace="ns")
    for verb in (reader.open, reader.digest):
        with pytest.raises(NotThere):
            verb("minio://b/k", namespace="ns")


def test_what_is_no_place_is_refused(tmp_path: Path) -> None:
    reader = a_reader(tmp_path)
    for uri in ("file:///etc/passwd", "https://example/x", "minio://b/../other/x"):
        with pytest.raises(BadUri):
            reader.exists(uri, namespace="ns")


def test_a_configured_server(tmp_path: Path, s3: S3) -> None:
    s3.put("bucket/model/weights", b"content")
    text = f"""s3: {{default: {{endpoint: {s3.endpoint}, disableSSL: true, region: us-east-1,
        credentials: {{secretRef: {{secretName: cred, accessKeyKey: a, secretKeyKey: k}}}}}}}}"""
    secret = {"a": base64.b64encode(b"admin").decode(), "k": base64.b64encode(b"pass").decode()}
    reader = a_reader(
        tmp_path,
        an_object(names.CONFIG_MAP, "kfp-launcher", {"providers": text}),
        an_object(names.SECRET, "cred", secret),
    )
    assert reader.exists("s3://bucket/model", namespace="ns")
    assert reader.exists("s3://bucket/model/weights", namespace="ns")
    assert not reader.exists("s3://bucket/mode", namespace="ns")
    tag = reader.digest("s3://bucket/model/weights", namespace="ns")
    md5 = hashlib.md5(b"content", usedforsecurity=False).hexdigest()
    assert (tag.text, tag.size) == (f"etag:{md5}", 7)
    assert reader.digest("s3://bucket/model", namespace="ns").size == 7
    with pytest.raises(NotThere):
        reader.digest("s3://bucket/mode", namespace="ns")


def test_a_secret_that_is_missing_or_nonsense_is_named(tmp_path: Path) -> None:
    text = """s3: {default: {endpoint: h:1, credentials: {secretRef: {secretName: cred,
        accessKeyKey: a, secretKeyKey: k}}}}"""
    config = an_object(names.CONFIG_MAP, "kfp-launcher", {"providers": text})
    with pytest.raises(Refused, match='secret "cred" with key "a" not found'):
        a_reader(tmp_path, config).exists("s3://b/k", namespace="ns")
    bad = an_object(names.SECRET, "cred", {"a": "!", "k": ""})
    with pytest.raises(Fault, match='secret "cred" has no base64'):
        a_reader(tmp_path, config, bad).exists("s3://b/k", namespace="ns")
