"""Stands for RunTrial.py of kubeflow/katib's enas-cnn-cifar10: the same options and the same lines,
but another task. It trains the network on 8 × 8 digits with numpy, whatever `input_sizes` says, not
on CIFAR-10 with TensorFlow, and moves or mirrors no image.

The parameters of the operations are obeyed. (Upstream looks for them beside `opt_params`, where
they are not, and trains every operation with its defaults.)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import digits
import lines
import numpy as np
from layers import Layer, Weights, convolution, depthwise, separable
from nets import pictures, tape
from nets.descent import Adam
from nets.tape import Array, Node
from network import batches
from numpy.random import Generator

BATCH, RATE = 32, 1e-2  # upstream's are 128 and 1e-3, for 35 times as many images
_LEAST = 2  # rows of a picture that can be reduced


class Network:
    """`architecture`: for each layer its operation, and whether (1) each earlier layer is an input
    of it besides the one before; the first of them are the images. `embedding`: operations."""

    def __init__(
        self, architecture: Sequence[Sequence[int]], embedding: Mapping[str, Mapping[str, Any]],
        classes: int, random: Generator,
    ) -> None:  # fmt: skip
        weights = Weights(random)
        self._layers: list[Layer] = []
        self._joined: list[list[int]] = []
        shapes = [(8, 1)]
        for number, (chosen, *skips) in enumerate(architecture):
            joined = [at for at, skip in enumerate(skips) if skip == 1]
            inputs = [shapes[number], *(shapes[at] for at in joined)]
            before = max(rows for rows, _ in inputs), sum(channels for _, channels in inputs)
            layer, after = _layer(weights, embedding[str(chosen)], *before)
            self._joined.append(joined)
            self._layers.append(layer)
            shapes.append(after)
        self._last = weights.made(shapes[-1][1], classes, inputs=shapes[-1][1])
        self._bias = weights.made(classes, inputs=1)
        self._bias.value[:] = 0
        self.weights = weights.nodes

    def __call__(self, images: Array, training: bool = False) -> Node:
        """The scores of the classes."""
        made = [pictures.of(images)]
        for layer, joined in zip(self._layers, self._joined, strict=True):
            made.append(layer(_together([made[-1], *(made[at] for at in joined)]), training))
        pooled = pictures.pooled(tape.relu(made[-1]))
        return tape.add(tape.matmul(pooled, self._last), self._bias)


def _layer(
    weights: Weights, operation: Mapping[str, Any], rows: int, channels: int
) -> tuple[Layer, tuple[int, int]]:
    """The layer, and (rows, channels) of what it makes."""
    given, kind = operation.get("opt_params") or {}, operation["opt_type"]
    size, stride = int(given.get("filter_size", 3)), int(given.get("stride", 1))
    after, multiplier = int(given.get("num_filter", 64)), int(given.get("depth_multiplier", 1))
    smaller = -(-rows // stride)
    if kind == "convolution":
        return convolution(weights, size, channels, after, stride), (smaller, after)
    if kind == "separable_convolution":
        layer = separable(weights, size, channels, after, stride=stride, multiplier=multiplier)
        return layer, (smaller, after)
    if kind == "depthwise_convolution":
        layer = depthwise(weights, size, channels, stride=stride, multiplier=multiplier)
        return layer, (smaller, channels * multiplier)
    if kind == "reduction":
        return _reduction(given, rows, channels)
    raise SystemExit(f"nn_config: there is no operation of the type {kind}")


def _reduction(given: Mapping[str, Any], rows: int, channels: int) -> tuple[Layer, tuple[int, int]]:
    size = int(given.get("pool_size", 2))
    stride = int(given.get("stride", size))
    kind = given.get("reduction_type", "max_pooling")
    if rows < max(_LEAST, size):
        print(f"WARNING: a reduction of {rows} rows by {size} is left out.")
        return lambda pixels, _: pixels, (rows, channels)
    if kind not in ("max_pooling", "avg_pooling"):
        raise SystemExit(f"nn_config: there is no reduction_type {kind}")
    pool = pictures.largest if kind == "max_pooling" else pictures.average
    after = (rows - size) // stride + 1
    return lambda pixels, _: pool(pixels, size, stride, padded=False), (after, channels)


def _together(inputs: Sequence[Node]) -> Node:
    """All channels, smaller pictures with zeros around them."""
    if len(inputs) == 1:
        return inputs[0]
    rows = max(each.value.shape[1] for each in inputs)
    return tape.concat([
        each if each.value.shape[1] == rows else pictures.padded_to(each, rows, rows)
        for each in inputs
    ], axis=0)  # fmt: skip


def epoch(
    network: Network, optimizer: Adam, split: digits.Split, random: Generator
) -> tuple[float, float]:
    """Train with all images once: (accuracy, loss) on the way."""
    right = lost = 0.0
    for chosen in batches(len(split), BATCH, random):
        classes = split.labels[chosen]
        logits = network(split.images[chosen].reshape(-1, 8, 8, 1), training=True)
        loss = tape.cross_entropy(logits, classes)
        tape.backward(loss)
        optimizer.step(RATE)
        right += float((logits.value.argmax(axis=1) == classes).sum())
        lost += float(loss.value) * len(classes)
    return right / len(split), lost / len(split)


def tested(network: Network, split: digits.Split) -> tuple[float, float]:
    """(accuracy, loss)"""
    with tape.unrecorded():
        logits = network(split.images.reshape(-1, 8, 8, 1))
    right = logits.value.argmax(axis=1) == split.labels
    return float(right.mean()), float(tape.cross_entropy(logits, split.labels).value)


def options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="train a network of ENAS on 8 × 8 digits")
    parser.add_argument("--architecture", default="", help="of the layers: JSON")
    parser.add_argument("--nn_config", default="", help="the operations: JSON with single quotes")
    parser.add_argument("--num_epochs", type=lines.positive, default=10)
    parser.add_argument("--num_gpus", type=int, default=1, help="of no effect: there is none")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> None:
    args = options(words)
    print(f">>> arch received by trial\n{args.architecture}")
    print(f">>> nn_config received by trial\n{args.nn_config}")
    print(f">>> num_epochs received by trial\n{args.num_epochs}")
    print("\n>>> Constructing Model...")
    config = lines.quoted("--nn_config", args.nn_config)
    architecture = lines.quoted("--architecture", args.architecture)
    if config["output_sizes"][-1] < digits.CLASSES:
        raise SystemExit(f"nn_config: output_sizes must end in {digits.CLASSES} at least")
    random = np.random.default_rng(0)
    network = Network(architecture, config["embedding"], config["output_sizes"][-1], random)
    optimizer = Adam(network.weights)
    print(">>> Model Constructed Successfully\n")
    train, test = digits.load()
    print(">>> Data Loaded. Training starts.")
    for number in range(args.num_epochs):
        print(f"\nTotal Epoch {number + 1}/{args.num_epochs}")
        accuracy, loss = epoch(network, optimizer, train, random)
        print(f"Training-Accuracy={accuracy}\nTraining-Loss={loss}")
        accuracy, loss = tested(network, test)
        print(f"Validation-Accuracy={accuracy}\nValidation-Loss={loss}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
