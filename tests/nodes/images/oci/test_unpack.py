"""Layers: what they become, what they hide, and what hostile ones do not get done."""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampan.nodes.images.oci import tree
from sampan.nodes.images.oci.errors import PullError
from sampan.nodes.images.oci.tree import Layer
from sampan.nodes.images.oci.unpack import Limits, unpack

Entry = tuple[str, str, str]
"""(kind, path, content or target); kind is one of f d l h w o, and c for a device."""
_TYPES = {"d": tarfile.DIRTYPE, "l": tarfile.SYMTYPE, "h": tarfile.LNKTYPE, "c": tarfile.CHRTYPE,
          "p": tarfile.FIFOTYPE}  # fmt: skip


def tar(*entries: Entry, change: Callable[[tarfile.TarInfo], None] = lambda _: None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for kind, path, text in entries:
            if kind == "w":
                head, _, name = path.rpartition("/")
                path = f"{head}/.wh.{name}" if head else f".wh.{name}"
            if kind == "o":
                path = f"{path}/.wh..wh..opq" if path else ".wh..wh..opq"
            info = tarfile.TarInfo(path)
            info.type = _TYPES.get(kind, tarfile.REGTYPE)
            info.mode = 0o755 if kind == "d" else 0o644
            data = text.encode() if kind == "f" else b""
            info.size, info.linkname = len(data), "" if kind == "f" else text
            change(info)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def layer(directory: Path, data: bytes, limits: Limits | None = None) -> Layer:
    directory.mkdir(parents=True)
    facts = unpack(io.BytesIO(data), str(directory), len(data), owners=False, limits=limits)
    return Layer(str(directory), facts)


def contents(root: str) -> dict[str, str]:
    """Everything below a directory: path to content, "/" for directories, "-> x" for links."""
    found = {}
    for parent, names, files in os.walk(root):
        for name in (*names, *files):
            path = os.path.join(parent, name)
            inside = os.path.relpath(path, root)
            if os.path.islink(path):
                found[inside] = f"-> {os.readlink(path)}"
            elif os.path.isdir(path):
                found[inside] = "/"
            elif os.path.isfile(path):
                found[inside] = Path(path).read_text()
    return found


def test_a_layer_becomes_files(tmp_path: Path) -> None:
    data = tar(("d", "a", ""), ("f", "a/x", "1"), ("l", "b", "/a"), ("h", "y", "a/x"),
               ("f", "./c//d/e", "2"), ("c", "dev", ""), ("p", "pipe", ""))  # fmt: skip
    layer(tmp_path / "l", data)
    found = contents(str(tmp_path / "l"))
    assert found == {
        "a": "/",
        "a/x": "1",
        "b": "-> /a",
        "y": "1",
        "c": "/",
        "c/d": "/",
        "c/d/e": "2",
    }
    assert (tmp_path / "l/y").stat().st_ino == (tmp_path / "l/a/x").stat().st_ino
    assert stat.S_ISFIFO((tmp_path / "l/pipe").stat().st_mode)


def test_no_bit_lets_anybody_become_somebody_else(tmp_path: Path) -> None:
    def raised(info: tarfile.TarInfo) -> None:
        info.mode = 0o6755

    layer(tmp_path / "l", tar(("f", "su", "x"), change=raised))
    assert stat.S_IMODE((tmp_path / "l/su").stat().st_mode) == 0o755


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        pytest.param([("f", "../x", "1")], "an entry", id="dots"),
        pytest.param([("f", "a/../../x", "1")], "an entry", id="dots-inside"),
        pytest.param([("h", "x", "/etc/passwd")], "which it does not have", id="hard-link-out"),
        pytest.param([("h", "x", "../../etc/passwd")], "a link to", id="hard-link-dots"),
        pytest.param([("l", "a", "/etc"), ("h", "x", "a/passwd")], "does not have", id="by-link"),
        pytest.param([("f", ".wh...", "")], "removes", id="whiteout-of-parent"),
        pytest.param([("f", "a/.wh..", "")], "removes", id="whiteout-of-itself"),
        pytest.param([("l", "a", "b"), ("l", "b", "a"), ("f", "a/x", "1")], "links", id="round"),
        pytest.param([("f", "x" * 300, "1")], "cannot be unpacked", id="long-name"),
    ],
)
def test_hostile_names_are_refused(tmp_path: Path, entries: list[Entry], message: str) -> None:
    with pytest.raises(PullError, match=message):
        layer(tmp_path / "l", tar(*entries))


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([("l", "out", "/"), ("f", "out/evil", "1")], id="absolute"),
        pytest.param([("l", "out", "../../../.."), ("f", "out/evil", "1")], id="relative"),
        pytest.param([("l", "a", ".."), ("l", "b", "a/.."), ("f", "b/evil", "1")], id="twice"),
        pytest.param([("f", "/evil", "1")], id="from-the-root"),
    ],
)
def test_links_lead_nowhere_outside(tmp_path: Path, entries: list[Entry]) -> None:
    layer(tmp_path / "l", tar(*entries))
    assert (tmp_path / "l/evil").read_text() == "1"
    assert os.listdir(tmp_path) == ["l"]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("safe")
    layer(tmp_path / "l", tar(("l", "x", str(victim)), ("f", "x", "evil")))
    assert victim.read_text() == "safe"
    assert contents(str(tmp_path / "l")) == {"x": "evil"}


def test_bombs_are_bounded(tmp_path: Path) -> None:
    big = tar(("f", "x", "0" * 5000))
    with pytest.raises(PullError, match="more than 4000 bytes"):
        layer(tmp_path / "size", big, Limits(size=4000))
    (tmp_path / "ratio").mkdir()
    limits = Limits(ratio=10, small=100)
    with pytest.raises(PullError, match="too large for what it was compressed to"):
        unpack(io.BytesIO(big), str(tmp_path / "ratio"), 100, owners=False, limits=limits)
    many = tar(*[("f", f"f{n}", "") for n in range(20)])
    with pytest.raises(PullError, match="more than 10 entries"):
        layer(tmp_path / "many", many, Limits(entries=10))


def test_a_size_that_lies_is_refused_before_it_is_written(tmp_path: Path) -> None:
    def lie(info: tarfile.TarInfo) -> None:
        info.size = 1 << 50

    out = io.BytesIO()
    info = tarfile.TarInfo("x")
    lie(info)
    out.write(info.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(PullError, match="unpacks to more than"):
        layer(tmp_path / "l", out.getvalue() + b"\0" * 1024)


@given(st.binary(max_size=2000))
def test_no_bytes_break_it(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as outside:
        directory = f"{outside}/layer"
        os.mkdir(directory)
        with contextlib.suppress(PullError):
            unpack(io.BytesIO(data), directory, len(data), owners=False)
        assert os.listdir(outside) == ["layer"]


@given(st.integers(0, 511), st.integers(0, 255))
def test_no_changed_byte_breaks_it(at: int, value: int) -> None:
    data = bytearray(tar(("f", "a", "1"), ("l", "b", "a")))
    data[at] = value
    with tempfile.TemporaryDirectory() as outside:
        directory = f"{outside}/layer"
        os.mkdir(directory)
        with contextlib.suppress(PullError):
            unpack(io.BytesIO(bytes(data)), directory, len(data), owners=False)
        assert os.listdir(outside) == ["layer"]


# -- several layers -------------------------------------------------------------------------------
_NAMES = st.sampled_from("abc")
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_ENTRIES = st.one_of(
    st.tuples(st.just("f"), _PATHS, st.sampled_from("123")),
    st.tuples(st.sampled_from("dwo"), _PATHS, st.just("")),
)


def _sane(entries: list[Entry]) -> list[Entry]:
    """As tools write layers: a path once, and nothing below a file."""
    kept: dict[str, Entry] = {}
    for kind, path, text in entries:
        others = [other for other in kept if other.startswith(path + "/")]
        heads = [path[:at] for at, letter in enumerate(path) if letter == "/"]
        below_file = any(kept.get(head, ("d",))[0] == "f" for head in heads)
        if kind == "o":
            path, blocked = path + "/.", kept.get(path, ("d",))[0] == "f"
        elif kind == "w":
            path, blocked = path + "/!", False
        else:
            blocked = kind == "f" and bool([each for each in others if each != path + "/!"])
        if path not in kept and not below_file and not blocked:
            kept[path] = (kind, path.removesuffix("/.").removesuffix("/!"), text)
    return list(kept.values())


_LAYERS = st.lists(st.lists(_ENTRIES, max_size=5).map(_sane), min_size=1, max_size=4)


def model(layers: list[list[Entry]]) -> dict[str, str]:
    """What the specification says: first what the layer removes goes from what is below it, then
    its own entries are put down; a directory and something else replace each other."""
    found: dict[str, str] = {}

    def drop(path: str, *, itself: bool) -> None:
        for each in [e for e in found if e.startswith(path + "/") or (itself and e == path)]:
            del found[each]

    for entries in layers:
        for kind, path, _ in entries:
            if kind in "wo":
                drop(path, itself=kind == "w")
        for kind, path, text in sorted(entries, key=lambda entry: entry[1]):
            inside = path if kind != "w" else path.rpartition("/")[0]
            parts = inside.split("/") if inside else []
            directories = parts if kind != "f" else parts[:-1]
            for n in range(1, len(directories) + 1):
                each = "/".join(directories[:n])
                if found.get(each, "/") != "/":
                    drop(each, itself=True)
                found[each] = "/"
            if kind == "f":
                drop(path, itself=True)
                found[path] = text
    return found


@settings(max_examples=60, deadline=None)
@given(_LAYERS)
def test_layers_add_up_as_the_specification_says(layers: list[list[Entry]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        made = [layer(Path(directory, str(n)), tar(*entries)) for n, entries in enumerate(layers)]
        merged = Path(directory, "merged")
        merged.mkdir()
        tree.copy(made[::-1], str(merged))
        found = contents(str(merged))
        assert found == model(layers)
        for path in ("/" + "/".join(p) for p in (["a"], ["a", "b"], ["c", "a", "b"])):
            inside = path.strip("/")
            assert bool(tree.find(made[::-1], path)) == (inside in found)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(_LAYERS)
def test_overlayfs_sees_the_same(layers: list[list[Entry]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        for n, entries in enumerate(layers):
            layer(Path(directory, str(n)), tar(*entries))
        for name in ("upper", "work", "root"):
            os.mkdir(f"{directory}/{name}")
        done = subprocess.run(
            [sys.executable, "-c", _MOUNT, directory, str(len(layers))],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        os.chmod(f"{directory}/work/work", 0o700)
        if done.returncode == 3:
            pytest.skip(f"no overlayfs here: {done.stdout}")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == model(layers)


_MOUNT = """
import json, os, sys
from sampan.nodes.supervisor import overlay
directory, count = sys.argv[1], int(sys.argv[2])
lower = [str(n) for n in reversed(range(count))]
names = {name: f"{directory}/{name}" for name in ("upper", "work", "root")}
try:
    overlay.mount({"base": directory, "lower": lower, **names})
except OSError as error:
    print(error)
    sys.exit(3)
found = {}
for parent, names, files in os.walk(f"{directory}/root"):
    for name in (*names, *files):
        path = os.path.join(parent, name)
        if not os.path.lexists(path):
            continue  # what removes nothing is listed, and is not there
        inside = os.path.relpath(path, f"{directory}/root")
        found[inside] = "/" if os.path.isdir(path) else open(path).read()
print(json.dumps(found))
"""


def test_links_are_followed_inside_the_tree(tmp_path: Path) -> None:
    lower = tar(("l", "var/run", "/run"), ("d", "run", ""), ("l", "bin", "usr/bin"),
                ("f", "etc/passwd", "low"), ("l", "round", "round"))  # fmt: skip
    upper = tar(("w", "var/run", ""), ("d", "var/run", ""), ("f", "etc/passwd", "high"))
    low, high = layer(tmp_path / "0", lower), layer(tmp_path / "1", upper)
    assert tree.resolve([low], "/var/run/secrets") == "/run/secrets"
    assert tree.resolve([high, low], "/var/run/secrets") == "/var/run/secrets"
    assert tree.resolve([low], "/bin/../../sh") == "/sh"
    assert tree.read([high, low], "/etc/passwd") == "high"
    assert tree.read([low], "/etc") == ""
    with pytest.raises(OSError, match="too many"):
        tree.resolve([low], "/round/x")
