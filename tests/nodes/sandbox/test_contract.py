"""What is seen inside a sandbox, whoever makes it: bubblewrap, or our own system calls."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

import sampan
from sampan.nodes.sandbox import bubblewrap, namespaces, plain, shadow
from sampan.nodes.sandbox.spec import Mount, Sandbox

BWRAP = shutil.which("bwrap")
SYSTEM_PYTHON = shutil.which("python3", path="/usr/bin") or sys.executable  # anybody may run it
SOURCE = Path(sampan.__file__).parents[1]
LAUNCH = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from sampan.nodes.supervisor import launch
null = os.open(os.devnull, os.O_RDWR)
code = int(sys.argv[3])
spec = json.loads(sys.argv[2])
launcher = os.fork()
if launcher:
    os.wait()
    os._exit(0)
launch.main_process(spec, [os.dup(null), os.dup(0), os.dup(1), os.dup(2), null, code])
launch.execute(spec)
"""

Run = Callable[..., str]


def box(command: str, *mounts: Mount, **more: Any) -> Sandbox:
    more.setdefault("hidden", ("/home", "/root"))
    return Sandbox(
        argv=("sh", "-c", command), env={"PATH": "/usr/bin:/bin", "WORD": "a b"}, mounts=mounts,
        hostname="pod", **more,
    )  # fmt: skip


def by_bubblewrap(sandbox: Sandbox, *before: str) -> str:
    args = bubblewrap.arguments(sandbox)
    if before and "--unshare-user" not in args:  # we are root, who is not to run it
        args += ["--unshare-user", "--uid", "0", "--gid", "0"]
    command = [*before, str(BWRAP), *args, "--", *sandbox.argv]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout


def by_namespaces(sandbox: Sandbox, *before: str) -> str:
    bounds = {"groups": [], "cpus": [], "oom": 0}
    described = {
        **namespaces.description(sandbox),
        "tty": False,
        "bounds": bounds,
        "join": [],
        "overlay": None,
    }
    spec = msgspec.json.encode(described).decode()
    reader, writer = os.pipe()
    with open(reader) as code:
        command = [*before, SYSTEM_PYTHON, "-I", "-S", "-c", LAUNCH, str(SOURCE), spec,
                   str(writer)]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/",
                              pass_fds=(writer,))  # fmt: skip
        os.close(writer)
        assert code.read() == "0", done.stderr
    return done.stdout


@pytest.fixture(params=["bubblewrap", "namespaces"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a sandbox to its end and answers what it said; it has to succeed."""
    if request.param == "namespaces":
        return by_namespaces
    if BWRAP is None:
        pytest.skip("bubblewrap is not installed")
    return by_bubblewrap


@pytest.mark.parametrize(
    "target",
    ["/workspace", "/gotest/outputs/text", "/etc/app", "/mnt/vol", "/usr/local/lib/x/y",
     "/var/run/secrets/kubernetes.io/serviceaccount", "/home/jovyan", "/root/.cache", "/dev/shm",
     "/tmp/inside", "/etc/ssl/certs", "/opt"],
)  # fmt: skip
def test_a_volume_at_any_path(run: Run, tmp_path: Path, target: str) -> None:
    (tmp_path / "file").write_text("here")
    assert run(box(f"cat {target}/file", Mount(target, str(tmp_path)))) == "here"


def test_what_lies_beside_a_mount_stays(run: Run, tmp_path: Path) -> None:
    said = run(
        box("grep -c root: /etc/passwd; ls -A /etc | wc -l; cat /etc/os-release | wc -l",
            Mount("/etc/app", str(tmp_path)), Mount("/etc/ssl/certs/mine", str(tmp_path)))
    ).split()  # fmt: skip
    assert int(said[0]) >= 1
    assert int(said[1]) == len(os.listdir("/etc")) + 1
    assert int(said[2]) > 1


def test_nothing_of_the_host_can_be_changed(run: Run, tmp_path: Path) -> None:
    said = run(
        box("for d in /etc /usr /usr/local /etc/app; do touch $d/x 2>/dev/null && echo $d; done;"
            "touch /x && mkdir /data && echo root", Mount("/etc/app", str(tmp_path), True))
    )  # fmt: skip
    assert said == "root\n"


def test_a_read_only_root(run: Run, tmp_path: Path) -> None:
    sandbox = box("touch /x 2>/dev/null && echo no; touch /data/y && echo yes",
                  Mount("/data", str(tmp_path)), read_only=True)  # fmt: skip
    assert run(sandbox) == "yes\n"


def test_home_is_hidden_but_for_what_is_bound_back(run: Run, tmp_path: Path) -> None:
    sandbox = box(f"ls /home; {sys.base_prefix}/bin/python3 -c 'print(1)'",
                  visible=(sys.base_prefix,))  # fmt: skip
    assert run(sandbox) == "1\n"
    deep = tmp_path / "deep"
    deep.mkdir()
    (deep / "secret").write_text("s")
    assert run(box(f"ls {deep}", hidden=("/home", str(deep)))) == "" if _visible(deep) else True


def _visible(path: Path) -> bool:
    return not str(path).startswith(("/tmp", "/run"))


def test_identity_variables_and_namespaces(run: Run) -> None:
    said = run(box("id -u; id -g; hostname; pwd; env | sort", uid=1000, gid=100, cwd="/app/src"))
    assert said.splitlines()[:4] == ["1000", "100", "pod", "/app/src"]
    assert set(said.splitlines()[4:]) == {"PATH=/usr/bin:/bin", "PWD=/app/src", "WORD=a b"}


def test_memory_in_place_of_a_directory(run: Run) -> None:
    sandbox = box(
        "head -c 2000000 /dev/zero > /m/x; stat -c %s /m/x", Mount("/m", "", False, 1 << 20)
    )
    assert run(sandbox) == "1048576\n"


def test_another_root_file_system(run: Run, tmp_path: Path) -> None:
    root = tmp_path / "rootfs"
    needed = subprocess.run(["ldd", "/bin/sh", "/bin/cat"], capture_output=True, text=True)
    libraries = {word for word in needed.stdout.split() if word.startswith("/lib")}
    for file in (*libraries, "/bin/sh", "/bin/cat"):
        (root / file[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, root / file[1:])
    (root / "etc").mkdir()
    (root / "etc/issue").write_text("mine")
    assert run(box("cat /etc/issue", root=str(root))) == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the user")
@pytest.mark.parametrize("uid", [0, 1000])
def test_an_ordinary_user_can(run: Run, uid: int) -> None:
    directory = Path(f"/tmp/sampan-nobody-{uid}")
    directory.mkdir(exist_ok=True)
    (directory / "f").write_text("x")
    shutil.chown(directory, "nobody")
    said = run(
        box("id -u; cat /etc/app/f; echo; touch /etc/app/g; grep CapEff /proc/self/status",
            Mount("/etc/app", str(directory)), uid=uid),
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
    )  # fmt: skip
    shutil.rmtree(directory)
    assert said.split() == [str(uid), "x", "CapEff:", "0000000000000000"]


def test_links_of_the_root_are_followed_inside_it(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var/run").symlink_to("/run")
    (tmp_path / "up").symlink_to("../../../x")
    assert shadow.resolve(str(tmp_path), "/var/run/secrets") == "/run/secrets"
    assert shadow.resolve(str(tmp_path), "/up/y") == "/x/y"
    assert shadow.resolve(str(tmp_path), "/a/../../b") == "/b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/data/x", "/src/x"),
        ("--out=/data", "--out=/src"),
        ("cat /data/a /data/sub/b", "cat /src/a /deep/b"),
        ("/database", "/database"),
        ("/my/data", "/my/data"),
        ("x:/data:y", "x:/src:y"),
    ],
)
def test_plain_processes_get_other_paths(text: str, expected: str) -> None:
    sandbox = box("", Mount("/data", "/src"), Mount("/data/sub", "/deep"))
    assert plain.rewriter(sandbox)(text) == expected
    changed = plain.rewritten(replace(sandbox, argv=(text,), env={"A": text}))
    assert changed.argv == (expected,)
    assert changed.env["A"] == expected


def test_plain_processes_find_environments_where_they_are() -> None:
    sandbox = replace(box("", Mount("/data", "/src")), visible=("/data/env",))
    assert plain.rewriter(sandbox)("/data/env/bin:/data/x") == "/data/env/bin:/src/x"


@pytest.mark.parametrize(
    "mounts", [pytest.param((), id="plain"), pytest.param(("/etc/app",), id="look-alike")]
)
@pytest.mark.parametrize(
    "before",
    [
        pytest.param((), id="as-i-am"),
        pytest.param(
            ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
            id="as-nobody",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody"),
        ),
    ],
)
def test_the_hosts_passwords_are_out_of_sight(
    run: Run, tmp_path: Path, mounts: tuple[str, ...], before: tuple[str, ...]
) -> None:
    tmp_path.chmod(0o755)
    given = (Mount(target, "/usr/share") for target in mounts)
    said = run(box("cat /etc/shadow /etc/gshadow 2>/dev/null | wc -c; ls /etc | wc -l", *given),
               *before)  # fmt: skip
    assert said.split()[0] == "0"
    assert int(said.split()[1]) > 10
