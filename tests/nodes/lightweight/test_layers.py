from pathlib import Path

from msgspec.structs import replace

from sampan.nodes.lightweight.layers import Layers, Recipe, size
from sampan.nodes.lightweight.sdk import Sdks, stands_for, wanted

RECIPE = Recipe(
    namespace="team", python=("/usr", "3.11", (("/usr/bin", 1),)),
    calls=(("--index-url", "https://a/index", "six", "pandas>2"),),
)  # fmt: skip


def made(layers: Layers, recipe: Recipe) -> Path:
    draft = layers.begin()
    (draft / "files" / "six.py").write_text("x = 1\n")
    layers.finish(draft, recipe)
    found = layers.find(recipe.key)
    assert found is not None
    return found


def test_everything_that_decides_the_contents_is_in_the_key() -> None:
    others = [
        replace(RECIPE, namespace="other"),
        replace(RECIPE, python=("/usr", "3.12", RECIPE.python[2])),
        replace(RECIPE, python=("/usr", "3.11", (("/usr/bin", 2),))),
        replace(RECIPE, calls=(("six", "pandas>2"),)),
        replace(RECIPE, calls=(*RECIPE.calls, ("x",))),
        replace(RECIPE, env=(("PIP_PRE", "1"),)),
        replace(RECIPE, network="hosts"),
    ]
    assert len({RECIPE.key, *(each.key for each in others)}) == len(others) + 1
    assert replace(RECIPE).key == RECIPE.key


def test_a_layer_is_there_when_it_is_finished_and_not_before(tmp_path: Path) -> None:
    layers = Layers(tmp_path)
    draft = layers.begin()
    assert layers.find(RECIPE.key) is None
    assert layers.sweep() == [draft]
    layers.drop(draft)
    assert layers.sweep() == []
    assert (made(layers, RECIPE) / "six.py").read_text() == "x = 1\n"
    assert [(each.recipe.said, each.size) for each in layers.list()] == [("six, pandas>2", 6)]


def test_the_first_one_stays(tmp_path: Path) -> None:
    layers = Layers(tmp_path)
    first = made(layers, RECIPE)
    (first / "mark").touch()
    assert (made(layers, RECIPE) / "mark").exists()
    assert layers.sweep() == []


def test_pruning_leaves_what_is_in_use_or_was_lately(tmp_path: Path) -> None:
    layers = Layers(tmp_path)
    other = replace(RECIPE, namespace="other")
    made(layers, RECIPE), made(layers, other)
    assert layers.prune((), older=60) == []
    assert [each.key for each in layers.prune([RECIPE.key], older=0)] == [other.key]
    assert [each.key for each in layers.list()] == [RECIPE.key]
    assert layers.find(other.key) is None


def test_links_of_strangers_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("x" * 1000)
    layers = Layers(tmp_path / "packages")
    draft = layers.begin()
    (draft / "files" / "lib").symlink_to(secret)
    assert size(draft / "files") < 1000
    layers.finish(draft, RECIPE)
    layers.prune((), older=0)
    assert (secret / "key").exists()


def test_one_sdk_stands_for_the_older_ones(tmp_path: Path) -> None:
    assert wanted("2.9.0") == wanted("2.1.3") == "2.17.3"
    assert wanted("2.20.0") == "2.20.0"
    assert stands_for("2.9.0", "2.9.0")
    assert stands_for("2.10.0", "2.9.1")
    assert not stands_for("2.8.0", "2.9.0")
    assert not stands_for("3.0.0", "2.9.0")
    sdks = Sdks(Layers(tmp_path))
    assert sdks.find("2.9.0", "3.11") is None
    (tmp_path / "sdk/3.11/2.21.0").mkdir(parents=True)
    (tmp_path / "sdk/3.11/2.9.0").mkdir()
    assert sdks.find("2.9.0", "3.11") == tmp_path / "sdk/3.11/2.9.0"
    assert sdks.find("2.9.1", "3.11") == tmp_path / "sdk/3.11/2.21.0"
    assert sdks.find("2.22.0", "3.11") is None
    assert sdks.find("2.9.0", "3.12") is None
