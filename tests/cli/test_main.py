"""The command line itself: verbs, mistakes, completion. Verbs that talk are tested in faces/."""

import re
import subprocess
import sys

import pytest

from sampan.cli.main import VERBS, build, main


def test_every_verb_explains_itself():
    parser = build(only="completion")
    for verb in VERBS:
        with pytest.raises(SystemExit) as ended:
            parser.parse_args([verb, "--help"])
        assert ended.value.code == 0


def test_no_verb_shows_the_help(capsys):
    assert main([]) == 2
    shown = capsys.readouterr().out
    assert all(verb in shown for verb in VERBS)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["status"], "not running", id="status"),
        pytest.param(["kubeconfig"], "sampan up", id="kubeconfig"),
        pytest.param(["token"], "sampan up", id="token"),
        pytest.param(["get", "pods"], "sampan up", id="get"),
        pytest.param(["up", "--config", "/none.yaml"], "/none.yaml", id="config-missing"),
    ],
)
def test_nothing_runs_is_said_in_a_line(words, says, tmp_path, capsys):
    assert main([*words, "--home", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert says in said.out + said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_verbs_and_options(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert re.search(r"^    up\) words='.*--detach", script, re.M)
    assert "--ready-fd" not in script


def test_python_runs_it_as_a_module():
    command = [sys.executable, "-m", "sampan", "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith("sampan ")


def test_help_does_not_import_the_server():
    code = (
        "import sys; from sampan.cli.main import build; build();"
        "print([m for m in sys.modules if m.startswith(('sampan.apiserver', 'aiohttp'))])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
