"""Object stores: moto answers as S3 does."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from artifacts.makers import NONE, Namespaced, credentials, no_secret, remote
from s3 import S3
from sampan.artifacts import Fault, NotThere, Refused, Unreachable

pytestmark = pytest.mark.slow  # a process for each artifact


def test_a_file_goes_and_comes_back_packed(artifacts: Namespaced, tmp_path: Path, s3: S3) -> None:
    place = remote(s3.endpoint, "wf/pod/greeting.tgz", path="/tmp/hello world.txt")
    (tmp_path / "f").write_text("hello")
    artifacts.save(place, tmp_path / "f", credentials)
    with tarfile.open(fileobj=io.BytesIO(s3.get("bucket/wf/pod/greeting.tgz"))) as archive:
        assert archive.getnames() == ["hello world.txt"]
    artifacts.load(place, tmp_path / "in" / "g", credentials)
    assert (tmp_path / "in" / "g").read_text() == "hello"
    opened = artifacts.open(place, credentials)
    with opened.file:
        assert (opened.name, opened.content_type) == ("greeting.tgz", "application/gzip")
    artifacts.delete(place, credentials)
    artifacts.delete(place, credentials)
    with pytest.raises(NotThere, match=r"has no key wf/pod/greeting\.tgz"):
        artifacts.load(place, tmp_path / "again", credentials)
    assert os.listdir(tmp_path / "repository" / ".tmp") == []


def test_a_directory_without_archive_is_many_objects(
    artifacts: Namespaced, tmp_path: Path, s3: S3
) -> None:
    (tmp_path / "d" / "deep").mkdir(parents=True)
    (tmp_path / "d" / "one").write_text("1")
    (tmp_path / "d" / "deep" / "two").write_text("2")
    place = remote(s3.endpoint, "data", **NONE)
    artifacts.save(place, tmp_path / "d", credentials)
    assert s3.get("bucket/data/deep/two") == b"2"
    assert artifacts.keys(place, credentials) == ["data/deep/two", "data/one"]
    artifacts.load(place, tmp_path / "e", credentials)
    assert (tmp_path / "e" / "deep" / "two").read_text() == "2"
    artifacts.delete(remote(s3.endpoint, "data/"), credentials)
    assert artifacts.keys(place, credentials) == []


def test_a_bucket_is_made_if_that_is_asked_for(
    artifacts: Namespaced, tmp_path: Path, s3: S3
) -> None:
    place = remote(s3.endpoint, "k", **NONE)
    place["s3"] |= {"bucket": "new-bucket", "createBucketIfNotPresent": {"objectLocking": False}}
    (tmp_path / "f").write_text("x")
    for _ in range(2):
        artifacts.save(place, tmp_path / "f", credentials)
    assert s3.get("new-bucket/k") == b"x"


def test_a_key_cannot_lead_out_of_the_directory_it_is_loaded_to(
    artifacts: Namespaced, tmp_path: Path, s3: S3
) -> None:
    s3.put("bucket/evil/%2e%2e/%2e%2e/out", b"x")
    s3.put("bucket/evil/good", b"y")
    with pytest.raises(Fault):
        artifacts.load(remote(s3.endpoint, "evil"), tmp_path / "in" / "evil", credentials)
    assert list(tmp_path.rglob("out")) == []


def test_what_goes_wrong_is_told_apart(artifacts: Namespaced, tmp_path: Path, s3: S3) -> None:
    with pytest.raises(Refused, match='secret "cred" with key "access" not found'):
        artifacts.load(remote(s3.endpoint, "k"), tmp_path / "f", no_secret)
    other = remote(s3.endpoint, "k")
    other["s3"]["bucket"] = "there-is-none"
    with pytest.raises(NotThere):
        artifacts.load(other, tmp_path / "f", credentials)
    for place in ({"hdfs": {"addresses": ["a"]}}, {"plugin": {"name": "p"}}):
        with pytest.raises(Fault, match="not supported"):
            artifacts.load(place, tmp_path / "f", credentials)
    role = remote(s3.endpoint, "k")
    role["s3"]["roleARN"] = "arn:aws:iam::1:role/x"
    with pytest.raises(Fault, match="roleARN is not supported"):
        artifacts.load(role, tmp_path / "f", credentials)
    with pytest.raises(Unreachable):
        artifacts.load(remote("127.0.0.1:1", "k"), tmp_path / "f", credentials)
    assert sorted(os.listdir(tmp_path)) == ["repository"]
