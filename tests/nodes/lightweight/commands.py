"""Commands as the SDK writes them into components, old and new."""

from collections.abc import Sequence

_INSTALL = """
if ! [ -x "$(command -v pip)" ]; then
    python3 -m ensurepip || python3 -m ensurepip --user || apt-get install python3-pip
fi

PIP_DISABLE_PIP_VERSION_CHECK=1 {commands} && "$0" "$@"
"""
_VENV = """
export PIP_DISABLE_PIP_VERSION_CHECK=1
tmp=$(mktemp -d)
python3 -m venv "$tmp/venv" --system-site-packages
. "$tmp/venv/bin/activate"
"""
_RUN = """\
program_path=$(mktemp -d)

printf "%s" "$0" > "$program_path/ephemeral_component.py"
_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main                         --component_module_path\
                         "$program_path/ephemeral_component.py"                         "$@"
"""
_RUN_OLD = """\
program_path=$(mktemp -d)
printf "%s" "$0" > "$program_path/ephemeral_component.py"
python3 -m kfp.components.executor_main                         --component_module_path\
                         "$program_path/ephemeral_component.py"                         "$@"
"""
TYPING = 'typing-extensions>=3.7.4,<5; python_version<"3.9"'
_BEFORE = _INSTALL[: _INSTALL.index("{commands}")]
_FUNCTION = """
program_path=$(mktemp -d)
read -r -d '' SCRIPT << EOM

{source}
EOM
printf "%s" "$SCRIPT" > "$program_path/ephemeral_script.py"
python -u "$program_path/ephemeral_script.py\""""


def function(source: str, *packages: str, index: str = "https://a/index") -> str:
    """The script of a function that Katib's SDK tunes."""
    words = ("--index-url", index, *packages)
    call = "python3 -m pip install --prefer-binary --quiet         --no-warn-script-location"
    return f"{_BEFORE}{call} {' '.join(words)}\n" + _FUNCTION.format(source=source)


def pip(*words: str, options: str = "") -> str:
    """One call; `options` are words that the SDK does not quote, and a space."""
    quoted = " ".join(map(repr, words))
    return f"python3 -m pip install --quiet --no-warn-script-location {options}{quoted}"


def sdk(version: str, options: str = "") -> str:
    return pip(f"kfp=={version}", "--no-deps", TYPING, options=options)


def install(*calls: str, venv: bool = False) -> str:
    """The text that installs; with `venv` the last call is inside."""
    words = [" && ".join([*calls[:-1], ""]), _VENV, calls[-1]] if venv else [" &&  ".join(calls)]
    return _INSTALL.format(commands=" ".join(words))


def component(source: str, *calls: str, venv: bool = False, function: str = "f",
              executor_input: str = "{}") -> list[str]:  # fmt: skip
    """The whole command line of SDK 2.17."""
    arguments = ["--executor_input", executor_input, "--function_to_execute", function]
    before = ["sh", "-c", install(*calls, venv=venv)] if calls else []
    return [*before, "sh", "-ec", _RUN, source, *arguments]


def old_component(source: str, packages: Sequence[str]) -> list[str]:
    """That of the first releases and what came before them."""
    call = "python3 -m pip install --quiet     --no-warn-script-location "
    text = _INSTALL.format(commands=call + " ".join(map(repr, packages)))
    return ["sh", "-c", text, "sh", "-ec", _RUN_OLD, source, "--executor_input", "{}"]
