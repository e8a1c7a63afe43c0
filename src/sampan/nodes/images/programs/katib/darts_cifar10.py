"""Stands for run_trial.py of kubeflow/katib's darts-cnn-cifar10: the same options and the same
lines, but another task. It searches cells for 8 × 8 digits with numpy, not for CIFAR-10 with
PyTorch.

The search is of first order: in turn the shares of the operations follow the loss of one half of
the images, and the weights that of the other half. (Upstream means the second order, but its shares
never get a gradient.) `batch_size` None is all images of a half at once.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import digits
import lines
import numpy as np
from cells import NONE, Genotype, Network, best
from nets import tape
from nets.descent import Adam, Momentum, clip
from nets.tape import Array
from network import batches

SEED = 2
"""As upstream's on machines with an accelerator."""

Half = tuple[Array, Array]


class Search:
    """The network, and what it is trained with; `settings` as the algorithm hands them on."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        names: Sequence[str],
        layers: int,
        halves: Sequence[Half],
        seed: int = SEED,
    ) -> None:
        self._random = np.random.default_rng(seed)
        self.names = [*names, NONE]
        self._nodes = int(settings["num_nodes"])
        self._network = Network(
            self._random, layers=layers, channels=int(settings["init_channels"]),
            nodes=self._nodes, stem=int(settings["stem_multiplier"]), classes=digits.CLASSES,
            names=self.names,
        )  # fmt: skip
        self._train, self._valid = halves
        size = settings["batch_size"]
        self._size = len(self._train[1]) if size is None else int(size)
        self.epochs = int(settings["num_epochs"])
        self._ends = float(settings["w_lr"]), float(settings["w_lr_min"])
        self._longest = float(settings["w_grad_clip"])
        self._say_each = int(settings["print_step"])
        self._of_weights = Momentum(self._network.weights, float(settings["w_momentum"]),
                                    float(settings["w_weight_decay"]))  # fmt: skip
        alphas = [each for kind in self._network.alphas.values() for each in kind]
        self._of_alphas = Adam(alphas, first=0.5, decay=float(settings["alpha_weight_decay"]))
        self._alpha_rate = float(settings["alpha_lr"])

    def train(self, epoch: int) -> None:
        high, low = self._ends
        rate = low + (high - low) * (1 + math.cos(math.pi * epoch / self.epochs)) / 2
        met = Met(f"Train: [{epoch + 1:2d}/{self.epochs}]")
        pairs = [*zip(self._batches(self._train), self._batches(self._valid), strict=False)]
        for number, (train, valid) in enumerate(pairs):
            self.architect(valid)
            logits = self._network(train[0], training=True)
            loss = tape.cross_entropy(logits, train[1])
            tape.backward(loss)
            clip(self._network.weights, self._longest)
            self._of_weights.step(rate)
            met.told(logits.value, loss.value, train[1])
            if number % self._say_each == 0 or number == len(pairs) - 1:
                print(met.line(number, len(pairs)), flush=True)
        print(f"{met.head} Final Prec@1 {met.right[0] / met.count:.4%}", flush=True)

    def architect(self, valid: Half) -> None:
        """One step of the shares of the operations; weights stay as they are."""
        tape.backward(tape.cross_entropy(self._network(valid[0], training=True), valid[1]))
        self._of_alphas.step(self._alpha_rate)

    def validate(self, epoch: int) -> float:
        """The accuracy."""
        met = Met(f"Validation: [{epoch + 1:2d}/{self.epochs}]")
        images, classes = self._valid
        logits = self._network(images)
        met.told(logits.value, tape.cross_entropy(logits, classes).value, classes)
        print(met.line(0, 1))
        print(f"Valid: [{epoch + 1:2d}/{self.epochs}] Final Prec@1 {met.right[0] / met.count:.4%}",
              flush=True)  # fmt: skip
        return met.right[0] / met.count

    def genotype(self) -> Genotype:
        normal, reduce = (best(self._network.shares(kind), self.names) for kind in (False, True))
        concat = range(2, 2 + self._nodes)
        return Genotype(normal, concat, reduce, concat)

    def say(self) -> None:
        for kind, title in ((False, ">>> Alphas Normal <<<"), (True, ">>> Alpha Reduce <<<")):
            if kind in self._network.alphas:
                print(f"\n{title}")
                for shares in self._network.shares(kind):
                    print(np.array2string(shares, precision=4))
        print("\n")

    def _batches(self, half: Half) -> list[Half]:
        images, classes = half
        chosen = batches(len(classes), self._size, self._random)
        return [(images[each], classes[each]) for each in chosen]


class Met:
    """What an epoch has met so far: losses, and how often the right class was the first, or one of
    the first five."""

    def __init__(self, head: str) -> None:
        self.head, self.count, self.right, self._loss = head, 0, [0, 0], 0.0

    def told(self, logits: Array, loss: Array, classes: Array) -> None:
        above = (logits > logits[np.arange(len(classes)), classes][:, None]).sum(axis=1)
        self.right = [
            self.right[0] + int((above < 1).sum()),
            self.right[1] + int((above < 5).sum()),
        ]
        self._loss += float(loss) * len(classes)
        self.count += len(classes)

    def line(self, number: int, total: int) -> str:
        first, five = (each / self.count for each in self.right)
        return (f"{self.head} Step {number:03d}/{total - 1:03d} Loss {self._loss / self.count:.3f} "
                f"Prec@(1,5) ({first:.1%}, {five:.1%})")  # fmt: skip


def halves() -> tuple[Half, Half]:
    """Two halves of the images that are there to be learned from."""
    train, _ = digits.load()
    images, middle = train.images.reshape(-1, 8, 8, 1), len(train) // 2
    return (images[:middle], train.labels[:middle]), (images[middle:], train.labels[middle:])


def options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="search cells for 8 × 8 digits")
    parser.add_argument("--algorithm-settings", default="", help="JSON with single quotes")
    parser.add_argument("--search-space", default="", help="names of operations, likewise")
    parser.add_argument("--num-layers", type=int, default=1)
    return parser.parse_args(words)


def main(words: Sequence[str]) -> None:
    args = options(words)
    settings = lines.quoted("--algorithm-settings", args.algorithm_settings)
    print(">>> Algorithm settings")
    for name, value in settings.items():
        print(f"{name:23} {value}")
    names = lines.quoted("--search-space", args.search_space)
    print(f"\n>>> All Primitives\n{[*names, NONE]}\n\nNumber of layers {args.num_layers}\n")
    print(">>> Use CPU for Training <<<")
    search = Search(settings, names, args.num_layers, halves())
    accuracy, genotype = -1.0, search.genotype()
    for epoch in range(search.epochs):
        search.say()
        print(">>> Training")
        search.train(epoch)
        print("\n>>> Validation")
        found = search.validate(epoch)
        print(f"\nModel genotype = {search.genotype()}")
        if found > accuracy:
            accuracy, genotype = found, search.genotype()
    print(f"Final best Prec@1 = {accuracy:.4%}")
    print(f"\nBest-Genotype={str(genotype).replace(' ', '')}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
