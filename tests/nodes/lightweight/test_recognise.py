import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nodes.lightweight import commands
from sampan.nodes.lightweight.recognise import Lightweight, recognise

_SHELL = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
_SOURCE = "def f():\n    pass\n"


def recognised(*calls: str, venv: bool = False) -> Lightweight:
    found = recognise(commands.component(_SOURCE, *calls, venv=venv))
    assert found is not None
    return found


def test_default_component() -> None:
    found = recognised(commands.sdk("2.17.0"))
    assert (found.kfp, found.installs, found.venv) == ("2.17.0", (), False)
    assert (found.module, found.runtime, found.source) == ("kfp.dsl.executor_main", True, _SOURCE)
    assert found.argv == ("--executor_input", "{}", "--function_to_execute", "f")
    assert found.script[:2] == ("sh", "-ec")
    assert found.script[3:] == (_SOURCE, *found.argv)


def test_packages_before_and_after_the_sdk() -> None:
    call = commands.pip("pandas>=2", "it's", options="--index-url https://a/index ")
    wanted = (("--index-url", "https://a/index", "pandas>=2", "it's"),)
    sdk = commands.sdk("2.9.0", options="--index-url https://a/index --trusted-host a ")
    for calls in ((call, sdk), (sdk, call)):
        found = recognised(*calls)
        assert (found.installs, found.kfp) == (wanted, "2.9.0")


def test_virtual_environment() -> None:
    found = recognised(commands.sdk("2.17.0"), venv=True)
    assert (found.kfp, found.installs, found.venv) == ("2.17.0", (), True)
    found = recognised(commands.pip("six"), commands.sdk("2.17.0"), venv=True)
    assert (found.kfp, found.installs, found.venv) == ("2.17.0", (("six",),), True)


def test_without_the_sdk() -> None:
    assert recognised().installs == ()
    assert recognised(commands.pip("six")).kfp == ""


def test_an_sdk_that_is_the_component_s_own_is_a_package() -> None:
    found = recognised(commands.pip("kfp==2.16.1"))
    assert (found.kfp, found.installs) == ("", (("kfp==2.16.1",),))
    found = recognised(commands.sdk("2.0.0-beta.16"))
    assert found.kfp == ""
    assert found.installs == (("kfp==2.0.0-beta.16", "--no-deps", commands.TYPING),)


def test_first_releases() -> None:
    found = recognise(commands.old_component(_SOURCE, ["kfp==2.0.1"]))
    assert found is not None
    assert (found.module, found.runtime) == ("kfp.components.executor_main", False)
    assert found.installs == (("kfp==2.0.1",),)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_function_that_is_tuned(shell: str) -> None:
    more = " 1>/var/log/katib/metrics.log 2>&1 && echo completed > /var/log/katib/$$.pid"
    script = commands.function(_SOURCE, "six", "scipy==1.15") + more
    found = recognise([shell, "-c", script])
    assert found is not None
    wanted = ("--prefer-binary", "--index-url", "https://a/index", "six", "scipy==1.15")
    assert (found.installs, found.kfp, found.module) == ((wanted,), "", "")
    assert found.script[:2] == (shell, "-c")
    assert found.script[2].startswith("\nprogram_path=$(mktemp -d)\nread -r -d '' SCRIPT << EOM\n")
    assert script.endswith(found.script[2])


@pytest.mark.parametrize(
    "argv",
    [
        ["dash", "-c", commands.function(_SOURCE, "six")],
        ["sh", "-c", commands.function(_SOURCE, "six"), "name"],
        ["sh", "-c", "set -e\n" + commands.function(_SOURCE, "six")],
        ["sh", "-c", commands.function(_SOURCE, "six>=1")],
        ["sh", "-c", commands.function(_SOURCE, "six; rm -r /")],
        ["sh", "-c", commands.function(_SOURCE, "$PACKAGES")],
        ["sh", "-c", commands.function(_SOURCE, "six").replace("SCRIPT <<", "OTHER <<")],
        ["sh", "-c", commands.function(_SOURCE, "six").replace("pip install", "pip uninstall")],
    ],
)
def test_a_script_with_a_word_more_is_somebodys_own(argv: list[str]) -> None:
    assert recognise(argv) is None


DEFAULT = commands.component(_SOURCE, commands.sdk("2.17.0"))


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param([], id="nothing"),
        pytest.param(["python3", "-m", "kfp.dsl.executor_main"], id="containerized"),
        pytest.param(["sh", "-c", "echo hello"], id="a shell"),
        pytest.param(DEFAULT[:3], id="only installs"),
        pytest.param(DEFAULT[:6], id="without a source"),
        pytest.param(["bash", *DEFAULT[1:]], id="another shell"),
        pytest.param([*DEFAULT[:2], DEFAULT[2] + "echo", *DEFAULT[3:]], id="one word more"),
        pytest.param([*DEFAULT[:5], DEFAULT[5] + "echo", *DEFAULT[6:]], id="one word more in it"),
        pytest.param(
            commands.component("", commands.pip("$(id)").replace("'", '"')), id="a substitution"
        ),
        pytest.param(
            commands.component("", commands.pip("six", options="; id ; ")), id="a statement"
        ),
        pytest.param(commands.component("", "pip install six"), id="another pip"),
        pytest.param(
            commands.component("", commands.sdk("2.1.3"), commands.sdk("2.1.4")), id="two SDKs"
        ),
        pytest.param(commands.component("", "", commands.sdk("2.1.3")), id="an empty command"),
    ],
)
def test_anything_else_is_left_alone(argv: list[str]) -> None:
    assert recognise(argv) is None


@_SHELL
@given(st.data())
def test_a_shell_would_call_pip_in_the_same_way(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever somebody changes in the text: either it is not recognised, or a shell agrees."""
    names = st.lists(st.sampled_from(["six", "it's", "a b", "$HOME", "&&", "~/x", "x=1", "*"]),
                     min_size=1, max_size=3)  # fmt: skip
    calls = [commands.pip(*data.draw(names)), commands.sdk("2.17.0")]
    text = commands.install(*calls)
    head = text.index("PIP_DISABLE")
    cut = data.draw(st.integers(head, len(text)))
    extra = data.draw(
        st.sampled_from(["", " ", "'", '"', "$", "x", "&", ";", "\\", "\n", "~", "#"])
    )
    changed = text[:cut] + extra + text[cut:]
    found = recognise(["sh", "-c", changed, *DEFAULT[3:]])
    if found is not None:
        assert called(tmp_path, changed) == [
            *found.installs,
            *([("kfp==2.17.0", "--no-deps", commands.TYPING)] if found.kfp else []),
        ]


def called(directory: Path, text: str) -> list[tuple[str, ...]]:
    """What pip is given by a real shell."""
    for name in ("python3", "pip"):
        program = directory / name
        if not program.exists():
            program.write_text(
                "#!/bin/sh\nfor word; do printf '%s\\0' \"$word\"; done; printf '\\1'\n"
            )
            program.chmod(0o755)
    env = {"PATH": f"{directory}:/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", text, "true"], env=env, capture_output=True, text=True)
    lines = [tuple(line.split("\0")[:-1]) for line in done.stdout.split("\1")[:-1]]
    silent = ("--quiet", "--no-warn-script-location")
    return [tuple(word for word in line[3:] if word not in silent) for line in lines]
