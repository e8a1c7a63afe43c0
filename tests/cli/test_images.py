"""`sampan images` in a home where nothing runs."""

import asyncio
import json

import pytest

from sampan.cli.main import main
from sampan.nodes.images.environments import Environment, Environments, Package
from sampan.nodes.images.oci.store import Store
from sampan.nodes.lightweight.layers import Layers, Recipe


@pytest.fixture
def call(tmp_path, capsys):
    """Run it in a home of the test's own; answers (exit code, what was printed)."""

    def run(*words):
        code = main(["images", "--home", str(tmp_path / "home"), *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_images_come_and_go(call, docker_registry, tmp_path):
    name = f"{docker_registry.name}/library/busybox"
    assert call("ls") == (0, "NAME   DIGEST   SIZE   CONTAINERS\n")
    code, said = call("pull", name)
    assert (code, said.startswith(f"{name}@sha256:")) == (0, True)
    assert f"{name}:latest" in call("ls")[1]
    file = str(tmp_path / "busybox.tar")
    assert call("export", name, "-f", file) == (0, "")
    used = tmp_path / "home/node/pods/u/scratch/main.0/image"
    used.parent.mkdir(parents=True)
    used.write_text(Store(tmp_path / "home/images").records()[0].digest)
    assert "0 images and 0 layers" in call("prune", "--all")[1]
    [found] = json.loads(call("ls", "-o", "json")[1])
    assert (found["names"], found["usedBy"]) == ([f"{name}:latest"], 1)
    used.unlink()
    assert "0 images and 0 layers" in call("prune")[1]
    assert f"removed {name}:latest\n1 images and 1 layers" in call("prune", "--all")[1]
    assert call("import", file) == (0, f"{name}:latest\n")
    assert call("import", file, "--name", "other:1") == (0, "docker.io/library/other:1\n")
    assert json.loads(call("ls", "-o", "json")[1])[0]["digest"] == found["digest"]


def test_packages_of_components_are_shown_and_go(call, tmp_path):
    layers = Layers(tmp_path / "home/packages")
    layers.root.mkdir(parents=True)
    calls = (("--index-url", "https://me:secret@host/index", "six"),)
    recipe = Recipe(namespace="team", python=("/usr", "3.11", ()), calls=calls)
    draft = layers.begin()
    (draft / "files/six.py").write_text("x" * 2000)
    layers.finish(draft, recipe)
    assert f"packages six (team)   {recipe.key[:12]}   2 kB   0\n" in call("ls")[1]
    used = tmp_path / "home/node/pods/u/scratch/main.0/packages"
    used.parent.mkdir(parents=True)
    used.write_text(recipe.key)
    [found] = json.loads(call("ls", "-o", "json")[1])
    assert found == {
        "packages": "six", "namespace": "team", "digest": recipe.key, "size": 2000, "usedBy": 1
    }  # fmt: skip
    assert "packages" not in call("prune", "--all")[1]
    used.unlink()
    assert "packages" not in call("prune")[1]
    assert "removed packages six (team)\n1 sets of packages: 2 kB\n" in call("prune", "--all")[1]
    assert json.loads(call("ls", "-o", "json")[1]) == []


def test_environments_of_stand_ins_are_shown_and_go(call, tmp_path):
    wanted = Environment("own", (Package("msgspec", "0", "9"),))
    environments = Environments(tmp_path / "home/packages")
    asyncio.run(environments.make(wanted))
    runtime = environments.find(wanted)
    key = environments.key(runtime.python)
    assert key.endswith(f"/{wanted.key}")
    assert environments.key("/usr") == ""
    assert "stand-ins: msgspec" in call("ls")[1]
    used = tmp_path / "home/node/pods/u/scratch/main.0/environment"
    used.parent.mkdir(parents=True)
    used.write_text(key)
    [found] = json.loads(call("ls", "-o", "json")[1])
    assert (found["environment"], found["packages"], found["usedBy"]) == (key, "msgspec", 1)
    assert 0 < found["size"] < 100_000, "what is linked to is not counted"
    assert "removed" not in call("prune", "--all")[1]
    used.unlink()
    assert "removed" not in call("prune")[1]
    assert "removed what stand-ins have: msgspec" in call("prune", "--all")[1]
    assert environments.find(wanted) is None
    assert json.loads(call("ls", "-o", "json")[1]) == []


def test_the_table_is_shown_and_added_to(call, tmp_path):
    assert "has no rows" in call("map")[1]
    assert "has the row now" in call("map", "python:3.12*", "oci")[1]
    call("map", "team/app", "python=/opt/env")
    assert call("map")[1] == "team/app   python=/opt/env\npython:3.12*   oci\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["pull", "Not/A Name"], "couldn't parse", id="name"),
        pytest.param(["pull", "127.0.0.1:1/x"], "Connection refused", id="no-registry"),
        pytest.param(["map", "x"], "say what 'x' is", id="half-a-row"),
        pytest.param(["map", "x", "docker"], "is none of", id="no-environment"),
        pytest.param(["import", "/nowhere.tar"], "there is no file", id="no-file"),
        pytest.param(["import", "/etc/passwd"], "is no archive of images", id="no-archive"),
        pytest.param(["export", "x", "-f", "/tmp/x"], "there is no image", id="no-image"),
        pytest.param(["export", "A B", "-f", "/tmp/x"], "couldn't parse", id="export-name"),
    ],
)
def test_mistakes_are_said_in_a_line(call, words, says):
    code, said = call(*words)
    assert code == 1
    assert says in said
    assert len(said.splitlines()) == 1
