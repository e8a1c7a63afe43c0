"""`sampan completion bash|zsh`: a script for the shell, made from the parser itself."""

from __future__ import annotations

import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=["bash", "zsh"])


def run(args: argparse.Namespace) -> int:
    from sampan.cli.main import build

    script = _script(_words(build(only="completion")))
    if args.shell == "zsh":
        script = "autoload -U +X bashcompinit && bashcompinit\n" + script
    print(script, end="")
    return 0


def _words(parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    """Each verb with its options, and with its actions if it has some."""
    verbs: dict[str, list[str]] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb, sub in action.choices.items():
                verbs[verb] = [
                    option
                    for argument in sub._actions
                    if argument.help != argparse.SUPPRESS
                    for option in argument.option_strings
                    if option.startswith("--")
                ]
                for argument in sub._actions:
                    if isinstance(argument, argparse._SubParsersAction):
                        verbs[verb] += argument.choices
    return verbs


def _script(verbs: dict[str, list[str]]) -> str:
    cases = "\n".join(f"    {verb}) words='{' '.join(ops)}' ;;" for verb, ops in verbs.items())
    return f"""_sampan() {{
  local words='{" ".join(verbs)} --version --help'
  [ "$COMP_CWORD" -gt 1 ] && case "${{COMP_WORDS[1]}}" in
{cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _sampan sampan
"""
