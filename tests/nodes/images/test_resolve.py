"""Which environment stands for an image."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sampan.config import Image
from sampan.nodes.images.families import ash, family_of
from sampan.nodes.images.reference import name_of
from sampan.nodes.images.resolve import Images, hint
from sampan.nodes.images.runtime import Refusal, Runtime, Wanted, argv

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("python", "python"),
        ("python:3.7", "python"),
        ("docker.io/library/python:3.7-slim", "docker.io/library/python"),
        (f"localhost:5000/team/app@{DIGEST}", "localhost:5000/team/app"),
        (f"a/b:1@{DIGEST}", "a/b"),
        ("not an image", None),
        ("UPPER/Case", None),
        ("x:", None),
    ],
)
def test_the_name_of_a_reference(image: str, name: str | None) -> None:
    assert name_of(image) == name


@pytest.mark.parametrize(
    "image",
    [
        "python:3.7",
        "library/python",
        "docker.io/library/python:3",
        "registry.access.redhat.com/ubi9/python-311:latest",
        "registry.redhat.io/ubi8/python-39",
        "docker.io/pytorch/pytorch:2.2.1-cuda12.1-cudnn8-runtime",
    ],
)
def test_python_is_this_interpreter(image: str, tmp_path: Path) -> None:
    found = Images((), tmp_path).resolve(image)
    assert isinstance(found, Runtime)
    assert "{}.{}.{}".format(*sys.version_info[:3]) in found.said
    assert sys.base_prefix in found.visible
    assert argv(found, None, None) == ("python3",)
    assert argv(found, None, ["x.py"]) == ("x.py",)
    assert argv(found, ["sh"], ["-c"]) == ("sh", "-c")


@pytest.mark.parametrize(
    ("image", "command"),
    [("alpine:3", "sh"), ("busybox", "sh"), ("debian:12", "bash"), ("ubuntu", "bash")],
)
def test_shell_images_are_the_host(image: str, command: str, tmp_path: Path) -> None:
    found = Images((), tmp_path).resolve(image)
    assert isinstance(found, Runtime)
    assert argv(found, None, None) == (command,)


@pytest.mark.parametrize(
    ("image", "words", "said"),
    [
        ("argoproj/argosay:v2", (), "hello argo\n"),
        ("argoproj/argosay:v2", ("echo", "a b"), "a b\n"),
        ("quay.io/argoproj/argosay:v2", ("cat", "/dev/null"), ""),
        ("argoproj/argosay:v1", ("cowsay", "moo"), "< moo >"),
        ("docker/whalesay", ("cowsay", "a", "b"), "< a b >"),
    ],
)
def test_images_of_examples_bring_their_programs(
    image: str, words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    found = Images((), tmp_path).resolve(image)
    assert isinstance(found, Runtime)
    program, *rest = argv(found, None, list(words))
    where = {Path(mount.target).name: mount.source for mount in found.mounts}
    run = subprocess.run([where[program], *rest], capture_output=True, text=True, check=True)
    assert said in run.stdout


def test_argosay_lies_in_the_root_as_well(tmp_path: Path) -> None:
    found = Images((), tmp_path).resolve("argoproj/argosay:v2")
    assert isinstance(found, Runtime)
    assert "/argosay" in {mount.target for mount in found.mounts}


@pytest.mark.skipif(ash() is None, reason="this machine has no shell like BusyBox's")
def test_alpine_has_a_shell_that_understands_what_busybox_does(tmp_path: Path) -> None:
    found = Images((), tmp_path).resolve("alpine:3.20")
    assert isinstance(found, Runtime)
    (shell,) = (mount.source for mount in found.mounts if mount.target.endswith("/sh"))
    (tmp_path / "sh").symlink_to(shell)
    script = "echo -e 'a\\tb' >& file; [[ a == a ]] && cat file"
    said = subprocess.run(
        ["./sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert said.stdout == "a\tb\n"


def test_alpine_has_the_programs_of_busybox_that_the_machine_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    busybox = tmp_path / "bin" / "busybox"
    busybox.parent.mkdir()
    busybox.write_text("#!/bin/sh\necho ls; echo only-here; basename $0\n")
    busybox.chmod(0o755)
    monkeypatch.setenv("PATH", f"{busybox.parent}:/usr/bin:/bin")
    stale = tmp_path / "applets" / "gone"
    stale.parent.mkdir()
    stale.symlink_to("/nowhere")
    found = Images((), tmp_path).resolve("alpine:3.20")
    assert isinstance(found, Runtime)
    (place,) = (mount.source for mount in found.mounts if mount.target in found.last)
    there = {each.name for each in Path(place).iterdir()}
    assert "only-here" in there
    assert not {"ls", "gone"} & there
    said = subprocess.run([f"{place}/only-here"], capture_output=True, text=True, check=True)
    assert "only-here" in said.stdout.split()
    assert found.variables()["PATH"].endswith(":/run/sampan/applets")


def test_argosay_does_what_it_is_told(tmp_path: Path) -> None:
    found = Images((), tmp_path).resolve("argoproj/argosay:v2")
    assert isinstance(found, Runtime)
    program = found.mounts[0].source
    made = tmp_path / "new" / "file"
    assert subprocess.run([program, "echo", "word", str(made)], check=True).returncode == 0
    assert made.read_text() == "word\n"
    assert subprocess.run([program, "assert_contains", str(made), "wor"]).returncode == 0
    assert subprocess.run([program, "assert_contains", str(made), "-x"]).returncode == 1
    assert subprocess.run([program, "exit", "7"]).returncode == 7
    assert subprocess.run([program, "dance"]).returncode == 1


def test_a_family_may_need_a_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Images((), tmp_path).resolve("alpine/git") == Wanted("alpine/git")
    (tmp_path / "git").write_text("#!/bin/sh\n")
    (tmp_path / "git").chmod(0o755)
    found = Images((), tmp_path).resolve("alpine/git")
    assert isinstance(found, Runtime)
    assert argv(found, None, ["clone"]) == ("git", "clone")


@pytest.mark.parametrize("image", ["evil.example/python:3", "team/busybox", "nginx"])
def test_others_are_not_guessed_at(image: str, tmp_path: Path) -> None:
    assert Images((), tmp_path).resolve(image) == Wanted(image)
    assert f"match: '{image}'" in hint(image)
    assert family_of(image) is None


@pytest.mark.parametrize("image", ["registry.k8s.io/pause:3.10", "mirror.example/a/pause", "pause"])
def test_pause_waits_wherever_it_comes_from(image: str, tmp_path: Path) -> None:
    found = Images((), tmp_path).resolve(image)
    assert isinstance(found, Runtime)
    assert "sleep infinity" in argv(found, None, None)[-1]


def test_a_row_can_ask_for_the_image_itself(tmp_path: Path) -> None:
    table = (Image(match="busybox:1", oci=True), Image(match="alpine", oci="mirror.example/alp:3"))
    images = Images(table, tmp_path)
    assert images.resolve("busybox:1") == Wanted("busybox:1")
    assert images.resolve("alpine:3.20") == Wanted("mirror.example/alp:3")
    assert isinstance(images.resolve("busybox:2"), Runtime)


def test_a_bad_name_is_invalid(tmp_path: Path) -> None:
    found = Images((), tmp_path).resolve("not an image")
    assert isinstance(found, Refusal)
    assert found.reason == "InvalidImageName"


def test_the_table_wins_in_order(tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python3").symlink_to(sys.executable)
    table = (
        Image(match="team/*", python=str(environment), entrypoint=("python3", "-u")),
        Image(match="*", host=True),
    )
    images = Images(table, tmp_path)
    mine = images.resolve("team/train:2")
    assert isinstance(mine, Runtime)
    assert mine.path[0] == f"{environment}/bin"
    assert argv(mine, None, ["t.py"]) == ("python3", "-u", "t.py")
    other = images.resolve("python:3")
    assert isinstance(other, Runtime)
    assert other.identity == "sampan://host"


def test_a_broken_row_says_so(tmp_path: Path) -> None:
    found = Images((Image(match="x", python="/nowhere"),), tmp_path).resolve("x:1")
    assert found == Refusal(
        "ErrImagePull", 'row "x" of the table "images": /nowhere has no bin/python3'
    )


def test_a_directory_may_be_the_root(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    found = Images((Image(match="x", rootfs=str(tmp_path)),), tmp_path).resolve("x")
    assert isinstance(found, Runtime)
    assert found.root == str(tmp_path)
    assert argv(found, None, None) == ()


@pytest.mark.parametrize("mirror", ["mirror.example/library", "mirror.example/library/"])
def test_a_mirrors_prefix_changes_nothing(tmp_path: Path, mirror: str) -> None:
    images = Images((Image(match="team/app", host=True),), tmp_path, mirror)
    for image in ("mirror.example/library/busybox:1", "mirror.example/library/team/app:2"):
        assert isinstance(images.resolve(image), Runtime)
    for image in ("mirror.example/library/nginx", "mirror.example/other/unheard-of"):
        assert images.resolve(image) == Wanted(image)


@pytest.mark.parametrize(
    ("pattern", "image", "fits"),
    [
        ("pytorch/pytorch", "docker.io/pytorch/pytorch:2.2.1", True),
        ("docker.io/pytorch/*", "pytorch/pytorch", True),
        ("busybox:1", "docker.io/library/busybox:1", True),
        ("docker.io/busybox", "busybox", True),
        ("docker.io/*", "quay.io/team/app", False),
        ("team/app", "quay.io/team/app", False),
        ("team/app:2", "docker.io/team/app:1", False),
    ],
)
def test_a_row_is_for_all_names_of_an_image(
    tmp_path: Path, pattern: str, image: str, fits: bool
) -> None:
    found = Images((Image(match=pattern, rootfs="/"),), tmp_path).resolve(image)
    assert (isinstance(found, Runtime) and found.identity == "sampan://rootfs/") == fits
