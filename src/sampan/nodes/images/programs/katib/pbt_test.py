"""Stands for /opt/pbt/pbt_test.py of kubeflow/katib's simple-pbt: a toy whose accuracy grows
fastest at a learning rate that depends on the accuracy. So only a population that changes its rates
while it trains gets far, which is what it tests.

The best rate rises from 0.001 to 0.01 until half of the way, and falls again. Unlike upstream's, it
does not sleep until seven seconds are over, and its checkpoint is JSON: none of a stranger's
pickles is loaded.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Sequence

_LOWEST, _PEAK = 0.001, 0.01
_TOLERANCE = 3.0  # rates that are too high by more than this factor do harm
_NOISE = 2.0


def best_rate(accuracy: float) -> float:
    """`accuracy` in percent."""
    return min(_PEAK, max(_LOWEST, _PEAK * (1 - abs(accuracy - 50) / 50)))


def grown(accuracy: float, rate: float, chance: random.Random) -> float:
    """The accuracy after one more epoch."""
    best = best_rate(accuracy)
    off = max(rate, best) / max(min(rate, best), sys.float_info.epsilon)
    gain = 0.0
    if off < _TOLERANCE:
        gain = chance.random() / off
    elif rate > best:
        gain = -chance.random() * (off - _TOLERANCE)
    return min(100.0, max(0.0, accuracy + gain + chance.gauss(0, _NOISE)))


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="a toy for population based training")
    parser.add_argument("--lr", type=float, default=0.0001)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--checkpoint", default="/var/log/katib/checkpoints/", help="a directory")
    args = parser.parse_args(words)
    path = os.path.join(args.checkpoint, "training.ckpt")
    step, accuracy = _loaded(path)
    chance = random.Random()
    for _ in range(args.epochs):
        accuracy = grown(accuracy, args.lr, chance)
        step += 1
    os.makedirs(args.checkpoint, exist_ok=True)
    with open(path, "w") as file:
        json.dump({"step": step, "accuracy": accuracy}, file)
    print(
        f"epoch {step}:\nlr={args.lr:0.4f}\nValidation-accuracy={accuracy / 100:0.4f}", flush=True
    )


def _loaded(path: str) -> tuple[int, float]:
    """(step, accuracy in percent)."""
    if not os.path.exists(path):
        return 1, 0.0
    try:
        with open(path) as file:
            found = json.load(file)
        return int(found["step"]), float(found["accuracy"])
    except (ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"{path} is no checkpoint of this program: {error}") from error


if __name__ == "__main__":
    main(sys.argv[1:])
