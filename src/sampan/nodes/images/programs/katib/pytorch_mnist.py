"""Stands for /opt/pytorch-mnist/mnist.py of kubeflow/katib's pytorch-mnist: the same options and
the same lines, but another task. It trains a perceptron of numpy on 8 × 8 digits, not a
convolutional network of PyTorch's on FashionMNIST; an epoch is 12,933 images, which are 1,437 and
these moved by a pixel.

With WORLD_SIZE above 1 the processes share their gradients over TCP (`group`): MASTER_ADDR,
MASTER_PORT and RANK are read as PyTorch does.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import closing

import digits
import group
import lines
import numpy as np
from group import Group
from network import Array, Perceptron, Sgd, batches, narrow

_TESTED = "{metricName: accuracy, metricValue: %.4f};{metricName: loss, metricValue: %.4f}\n"


def options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="learn 8 × 8 digits as pytorch-mnist learns MNIST")
    add = parser.add_argument
    add("--batch-size", type=lines.positive, default=64, metavar="N")
    add("--test-batch-size", type=lines.positive, default=1000, metavar="N", help="of no effect")
    add("--epochs", type=int, default=10, metavar="N")
    add("--lr", type=float, default=0.01, metavar="LR")
    add("--momentum", type=float, default=0.5, metavar="M")
    add("--no-cuda", action="store_true", help="of no effect: there is none")
    add("--seed", type=int, default=1, metavar="S")
    add("--log-interval", type=lines.positive, default=10, metavar="N", help="in batches")
    add("--log-path", default="", help="a file for the log, instead of the standard error")
    add("--save-model", action="store_true", help="as mnist.npz, in the working directory")
    add("--logger", choices=["standard", "hypertune"], default="standard")
    add("--backend", choices=["gloo"], default="gloo")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> None:
    args = options(words)
    hypertune = lines.Hypertune(_metrics(args)) if args.logger == "hypertune" else None
    lines.log_to(args.log_path if hypertune is None else None)
    with closing(group.join(os.environ)) as others:
        if others.size > 1:
            print(f"Using distributed training with {others.size} processes", flush=True)
        learn(args, others, hypertune)


def learn(args: argparse.Namespace, others: Group, hypertune: lines.Hypertune | None) -> None:
    train, test = digits.load(shuffled=False)
    train = digits.moved(train)
    seeded = np.random.default_rng(abs(args.seed))
    model = Perceptron([64, 128, digits.CLASSES], seeded, narrow)
    optimizer = Sgd(args.lr, args.momentum)
    random = np.random.default_rng([abs(args.seed), others.rank])
    for epoch in range(1, args.epochs + 1):
        total = -(-len(train) // args.batch_size)
        for number, chosen in enumerate(batches(len(train), args.batch_size, random)):
            loss, _, slopes = model.gradients(train.images[chosen], train.labels[chosen])
            optimizer.step(model.parameters, _shared(others, slopes))
            if number % args.log_interval == 0:
                done = f"[{number * len(chosen)}/{len(train)} ({100 * number / total:.0f}%)]"
                logging.info("Train Epoch: %d %s\tloss=%.4f", epoch, done, loss)
        loss, accuracy = model.test(test.images, test.labels)
        logging.info(_TESTED, accuracy, loss)
        if hypertune is not None:
            hypertune.report("loss", loss, epoch)
            hypertune.report("accuracy", accuracy, epoch)
    if args.save_model:
        np.savez("mnist.npz", *model.parameters)


def _metrics(args: argparse.Namespace) -> str:
    default = os.environ.get("CLOUD_ML_HP_METRIC_FILE", "/tmp/hypertune/output.metrics")
    return str(args.log_path or default)


def _shared(others: Group, slopes: list[Array]) -> list[Array]:
    """The means over all processes."""
    if others.size == 1:
        return slopes
    mean = others.mean(np.concatenate([each.ravel() for each in slopes]))
    found, at = [], 0
    for each in slopes:
        found.append(mean[at : at + each.size].reshape(each.shape))
        at += each.size
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
