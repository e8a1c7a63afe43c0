"""Lines as the programs of Katib's examples write them: the time in UTC, the level, the message.

Metrics collectors read them, some while the program runs: each is written at once.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from typing import Any


def log_to(path: str | None) -> None:
    """Log to the end of a file, or to standard error."""
    handler = logging.FileHandler(path) if path else logging.StreamHandler()
    form = logging.Formatter("%(asctime)s %(levelname)-8s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    form.converter = time.gmtime
    handler.setFormatter(form)
    logging.basicConfig(level=logging.DEBUG, handlers=[handler])


class Hypertune:
    """The file that cloudml-hypertune writes: a JSON object for each value, all of it texts."""

    def __init__(self, path: str) -> None:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        open(path, "w").close()
        self._path = path
        self._trial = os.environ.get("CLOUD_ML_TRIAL_ID", "0")

    def report(self, name: str, value: float, step: int) -> None:
        entry = {
            "timestamp": time.time(), "trial": self._trial, name: str(float(value)),
            "global_step": str(step), "checkpoint_path": "",
        }  # fmt: skip
        with open(self._path, "a") as file:
            file.write(json.dumps(entry, sort_keys=True) + "\n")


def positive(text: str) -> int:
    """A type of argparse's."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def quoted(name: str, text: str) -> Any:
    """JSON with single quotes for the double ones, as Katib's suggestions of networks are."""
    try:
        return json.loads(text.replace("'", '"'))
    except ValueError as fault:
        raise SystemExit(f"{name}: {text!r} is no JSON: {fault}") from None
