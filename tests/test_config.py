"""config.yaml: what is right is read, what is wrong is named."""

import pytest

from sampan.config import Home, Image, State, load
from sampan.kube.errors import UserMistake


def test_absent_file_means_defaults(tmp_path):
    assert load(tmp_path / "config.yaml").port == 8080


def test_the_command_line_wins(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("port: 1\napi_port: 2\n")
    config = load(path, port=3)
    assert (config.port, config.api_port) == (3, 2)


def test_images_are_rows(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("images:\n- {match: 'team/*', python: /opt/env}\n")
    assert load(path).images == (Image(match="team/*", python="/opt/env"),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("prot: 1", "prot", id="unknown-key"),
        pytest.param("port: many", "$.port", id="wrong-type"),
        pytest.param("sandbox: docker", "$.sandbox", id="unknown-sandbox"),
        pytest.param("images: [{match: a}]", "'a' needs exactly one", id="image-without-place"),
        pytest.param("images: [{match: a, host: true, rootfs: /x}]", "exactly one", id="two"),
        pytest.param("a: [", "line ", id="broken-yaml"),
    ],
)
def test_a_mistake_is_named(tmp_path, text, says):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(UserMistake, match=r"config\.yaml") as mistake:
        load(path)
    assert says in str(mistake.value)


def test_state_is_written_and_retracted(tmp_path):
    home = Home(tmp_path / "home")
    home.make()
    assert home.running() is None
    state = State(1, "http://a", "https://b", "/k")
    home.announce(state)
    assert home.running() == state
    assert (home.path / "state.json").stat().st_mode & 0o777 == 0o600
    assert home.path.stat().st_mode & 0o777 == 0o700
    home.retract()
    assert home.running() is None


def test_the_environment_names_the_home(monkeypatch, tmp_path):
    monkeypatch.setenv("SAMPAN_HOME", str(tmp_path))
    assert Home.at(None).path == tmp_path
    assert Home.at("/elsewhere").path.as_posix() == "/elsewhere"
