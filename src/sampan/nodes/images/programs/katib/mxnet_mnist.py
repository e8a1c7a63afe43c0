"""Stands for /opt/mxnet-mnist/mnist.py of kubeflowkatib/mxnet-mnist: the same options and the same
lines, but another task. It trains a perceptron of numpy on 8 × 8 digits, not MXNet's on MNIST.

`--num-layers` is how many layers there are, of which the last has the classes; upstream's program
takes it and always makes three. Options that need more than this (GPUs, key-value servers, loaded
models, other networks) are not known here.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import digits
import lines
import numpy as np
from network import Adam, Ftrl, Perceptron, Sgd, batches

_OPTIMIZERS: dict[str, Callable[[argparse.Namespace], Sgd | Adam | Ftrl]] = {
    "sgd": lambda args: Sgd(args.lr, args.mom, args.wd),
    "nag": lambda args: Sgd(args.lr, args.mom, args.wd, nesterov=True),
    "adam": lambda args: Adam(args.lr, args.wd),
    "ftrl": lambda args: Ftrl(args.lr, args.wd),
}


def options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="learn 8 × 8 digits as mxnet-mnist learns MNIST")
    add = parser.add_argument
    add("--network", choices=["mlp"], default="mlp")
    add("--num-layers", type=lines.positive, default=3)
    add("--num-classes", type=int, choices=[digits.CLASSES], default=digits.CLASSES)
    add("--num-examples", type=lines.positive, default=60000, help="at most 1,437 are there")
    add("--num-epochs", type=lines.positive, default=10)
    add("--batch-size", type=lines.positive, default=64)
    add("--optimizer", choices=sorted(_OPTIMIZERS), default="sgd")
    add("--lr", type=float, default=0.05)
    add("--lr-factor", type=float, default=0.1)
    add("--lr-step-epochs", type=_epochs, default=[10], help="when --lr-factor counts: 4,8")
    add("--mom", type=float, default=0.9, help="momentum of sgd and nag")
    add("--wd", type=float, default=0.0001, help="weight decay")
    add("--disp-batches", type=lines.positive, default=100)
    add("--kv-store", choices=["device", "local"], default="device", help="of no effect")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> None:
    args = options(words)
    lines.log_to(None)
    logging.info("start with arguments %s", args)
    train, test = digits.load(shuffled=False)
    random = np.random.default_rng(0)
    hidden = [128, *[64] * (args.num_layers - 2)] if args.num_layers > 1 else []
    model = Perceptron([64, *hidden, args.num_classes], random)
    optimizer = _OPTIMIZERS[args.optimizer](args)
    for epoch in range(args.num_epochs):
        if epoch in args.lr_step_epochs:
            optimizer.rate *= args.lr_factor
        begun = time.monotonic()
        accuracy = _learned(args, epoch, train, (model, optimizer, random))
        logging.info("Epoch[%d] Train-accuracy=%f", epoch, accuracy)
        logging.info("Epoch[%d] Time cost=%.3f", epoch, time.monotonic() - begun)
        _, accuracy = model.test(test.images, test.labels)
        logging.info("Epoch[%d] Validation-accuracy=%f", epoch, accuracy)


def _learned(
    args: argparse.Namespace, epoch: int, train: digits.Split, learner: tuple[Any, Any, Any]
) -> float:
    """The accuracy in training, over one epoch."""
    model, optimizer, random = learner
    right = seen = 0
    mark = time.monotonic()
    count = min(args.num_examples, len(train))
    for number, chosen in enumerate(batches(count, args.batch_size, random)):
        _, hits, slopes = model.gradients(train.images[chosen], train.labels[chosen])
        optimizer.step(model.parameters, slopes)
        right, seen = right + hits, seen + len(chosen)
        if number and number % args.disp_batches == 0:
            speed = args.disp_batches * args.batch_size / max(time.monotonic() - mark, 1e-9)
            said = f"Speed: {speed:.2f} samples/sec\taccuracy={right / seen:f}"
            first, mark = number - args.disp_batches, time.monotonic()
            logging.info("Epoch[%d] Batch [%d-%d]\t%s", epoch, first, number, said)
    return right / seen


def _epochs(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


if __name__ == "__main__":
    main(sys.argv[1:])
