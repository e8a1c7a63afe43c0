"""What runs in the pod of a trial, beside the user's file: call the function, print its metrics.

It travels as text, and runs with nothing but the standard library of whatever Python the image has
(3.7 on). A function takes the parameters by their names, or all of them as one dictionary, without
those that have no value in this trial. It returns a number or a dictionary of them; one that yields
reports as it goes. Each number becomes a line `name=value`, which is what Katib's collector reads.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import math
import os
import sys
from collections.abc import Callable
from typing import Any

PREFIX = "SAMPAN_TUNE_"
READERS: dict[str, Callable[[str], Any]] = {
    "float": float,
    "int": lambda text: int(float(text)),
    "bool": lambda text: text == "true",
    "str": str,
}


def main() -> None:
    about = json.loads(os.environ["SAMPAN_TUNE"])
    given = dict(about["fixed"])
    for name, kind in about["kinds"].items():
        text = os.environ[PREFIX + name]
        if text or name not in about.get("sometimes", ()):
            given[name] = READERS[kind](text)
    found = call(load(about["file"], about["function"]), given)
    for each in found if inspect.isgenerator(found) else (found,):
        report(each, about["metric"])


def load(file: str, name: str) -> Any:
    title = os.path.splitext(file)[0]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), file)
    spec = importlib.util.spec_from_file_location(title, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[title] = module
    spec.loader.exec_module(module)
    return getattr(module, name)


def call(function: Any, given: dict[str, Any]) -> Any:
    """By name where it has such parameters; with a dictionary if it has one parameter."""
    if not callable(function):
        sys.exit(f"{function!r} is no function")
    signature = inspect.signature(function)
    try:
        signature.bind(**given)
    except TypeError as error:
        why = str(error)
    else:
        return function(**given)
    parameters = list(signature.parameters.values())
    if len(parameters) != 1 or parameters[0].kind is inspect.Parameter.KEYWORD_ONLY:
        sys.exit(f"the function takes {signature}, but is given {', '.join(sorted(given))}: {why}")
    return function(given)


def report(found: Any, metric: str) -> None:
    metrics = found if isinstance(found, dict) else {metric: found}
    if metric not in metrics:
        sys.exit(f"the function gave {', '.join(map(str, metrics))}: there is no {metric}")
    for name, value in metrics.items():
        try:
            number = float(value)
        except (TypeError, ValueError):
            sys.exit(f"the function gave {value!r} as {name}, which is no number")
        if name == metric and not math.isfinite(number):
            sys.exit(f"the function gave {number} as {name}, which nothing can be compared with")
        print(f"{name}={number!r}", flush=True)


if __name__ == "__main__":
    main()
