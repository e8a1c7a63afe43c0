"""Stands for run_trial.py of kubeflow/katib's darts-cnn-cifar10: the same options and the same
lines, but another task. It searches cells for 8 × 8 digits with numpy, not for CIFAR-10 with
PyTorch.

In turn the shares of the operations follow the loss of one half of the images, and the weights that
of the other half. The loss is that of cells which are drawn by the shares (as of Xie et al. 2019),
not of a mixture of all operations: in the time that there is here, weights that were trained in a
mixture say little about cells without one, and each step costs five times as much. What is left is
not the likeliest cell, but the best of those that were tried (`Search.best`). The settings are
obeyed but for `num_workers`; `batch_size` None is all images of a half at once. (Upstream means the
second order, but its shares never get a gradient.)
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import digits
import lines
import numpy as np
from cells import NONE, Genotype, Network, genes
from nets import tape
from nets.descent import Adam, Momentum, clip
from nets.tape import Array, Node
from network import batches
from paths import Paths, drawn, likeliest, slopes

_SETTINGS = (
    "num_epochs", "w_lr", "w_lr_min", "w_momentum", "w_weight_decay", "w_grad_clip", "alpha_lr",
    "alpha_weight_decay", "batch_size", "num_workers", "init_channels", "print_step", "num_nodes",
    "stem_multiplier",
)  # fmt: skip

SEED = 2
"""As upstream's on machines with an accelerator."""

RESTING = 1 / 2
"""Of the epochs: at first weights learn alone, or shares would follow what chance made of them."""
TRIED, TRAINED = 80, 6
"""Cells at the end of a search: with weights in common, and from nothing."""

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
        self._new = partial(
            Network, self._random, layers=layers, channels=int(settings["init_channels"]),
            nodes=self._nodes, stem=int(settings["stem_multiplier"]), classes=digits.CLASSES,
        )  # fmt: skip
        self._network = self._new(names=self.names)
        self._train, self._valid = halves
        size = settings["batch_size"]
        self._size = len(self._train[1]) if size is None else int(size)
        self.epochs = int(settings["num_epochs"])
        self._resting = int(self.epochs * RESTING)
        self._ends = float(settings["w_lr"]), float(settings["w_lr_min"])
        self._longest = float(settings["w_grad_clip"])
        self._say_each = int(settings["print_step"])
        self._descent = partial(Momentum, momentum=float(settings["w_momentum"]),
                                decay=float(settings["w_weight_decay"]))  # fmt: skip
        self._of_weights = self._descent(self._network.weights)
        alphas = [each for kind in self._network.alphas.values() for each in kind]
        self._of_alphas = Adam(alphas, first=0.5, decay=float(settings["alpha_weight_decay"]))
        self._alpha_rate = float(settings["alpha_lr"])

    def train(self, epoch: int) -> None:
        rate, network = self._rate(epoch, self.epochs), self._network
        met = Met(f"Train: [{epoch + 1:2d}/{self.epochs}]")
        pairs = [*zip(self._batches(self._train), self._batches(self._valid), strict=False)]
        for number, (train, valid) in enumerate(pairs):
            if epoch >= self._resting:
                self.architect(valid)
            logits = network(train[0], training=True, paths=self._draw())
            loss = self._step(network, self._of_weights, rate, logits, train[1])
            met.told(logits.value, loss, train[1])
            if number % self._say_each == 0 or number == len(pairs) - 1:
                print(met.line(number, len(pairs)), flush=True)
        print(f"{met.head} Final Prec@1 {met.right[0] / met.count:.4%}", flush=True)

    def architect(self, valid: Half) -> None:
        """One step of the shares of the operations; weights stay as they are. Of two paths the one
        that loses less with the same images becomes more likely: in the mean, shares follow the
        slope of what a path that is drawn by them loses."""
        pair = [self._draw(), self._draw()]
        one, other = (self._tried(paths, valid)[1] for paths in pair)
        for kind, alphas in self._network.alphas.items():
            shares = self._network.shares(kind)
            both = zip(alphas, *(slopes(shares, each[kind]) for each in pair), strict=True)
            for alpha, first, second in both:
                alpha.slope = (one - other) / 2 * (first - second)
        self._of_alphas.step(self._alpha_rate)

    def validate(self, epoch: int) -> None:
        """Say how accurate the likeliest cells are, with the weights that all have in common."""
        met = Met(f"Validation: [{epoch + 1:2d}/{self.epochs}]")
        logits, loss = self._tried(self._likeliest(), self._valid)
        met.told(logits, loss, self._valid[1])
        print(met.line(0, 1))
        print(f"Valid: [{epoch + 1:2d}/{self.epochs}] Final Prec@1 {met.right[0] / met.count:.4%}",
              flush=True)  # fmt: skip

    def best(self, tried: int = TRIED, trained: int = TRAINED) -> tuple[Genotype, float]:
        """The best cells, and their accuracy. So many are drawn, half of them by their shares and
        half evenly, should the shares be misled, and tried with the weights that all have in
        common; the best of these are trained from nothing, and judged by the images that no
        weight has learned from."""
        paths = [self._likeliest(), *(self._draw(even=at % 2 == 1) for at in range(1, tried))]
        losses = [float(self._tried(each, self._valid)[1]) for each in paths]
        found = [self.genotype(paths[at]) for at in sorted(range(tried), key=losses.__getitem__)]
        few = list({str(each): each for each in found}.values())[:trained]
        right = [self._alone(each) for each in few]
        return few[right.index(max(right))], max(right)

    def _alone(self, genotype: Genotype) -> float:
        """The accuracy of cells that were trained for a quarter of the epochs."""
        network, epochs = self._new(genotype=genotype), math.ceil(self.epochs / 4)
        optimizer = self._descent(network.weights)
        for epoch in range(epochs):
            for images, classes in self._batches(self._train):
                logits = network(images, training=True)
                self._step(network, optimizer, self._rate(epoch, epochs), logits, classes)
        images, classes = self._valid
        with tape.unrecorded():
            return float((network(images).value.argmax(axis=1) == classes).mean())

    def _step(
        self, network: Network, optimizer: Momentum, rate: float, logits: Node, classes: Array
    ) -> Array:
        """The loss before it."""
        loss = tape.cross_entropy(logits, classes)
        tape.backward(loss)
        clip(network.weights, self._longest)
        optimizer.step(rate)
        return loss.value

    def _rate(self, epoch: int, epochs: int) -> float:
        high, low = self._ends
        return low + (high - low) * (1 + math.cos(math.pi * epoch / epochs)) / 2

    def genotype(self, paths: Paths | None = None) -> Genotype:
        """Of the likeliest cells, if no other ones are given."""
        paths = paths or self._likeliest()
        normal, reduce = (genes(paths.get(kind, ()), self.names) for kind in (False, True))
        concat = range(2, 2 + self._nodes)
        return Genotype(normal, concat, reduce, concat)

    def _draw(self, *, even: bool = False) -> Paths:
        shares = {kind: self._network.shares(kind) for kind in self._network.alphas}
        if even:
            shares = {kind: [*map(np.ones_like, each)] for kind, each in shares.items()}
        return {kind: drawn(each, self._random) for kind, each in shares.items()}

    def _likeliest(self) -> Paths:
        return {kind: likeliest(self._network.shares(kind)) for kind in self._network.alphas}

    def _tried(self, paths: Paths, half: Half) -> tuple[Array, Array]:
        """(scores, loss). Normalized by these images, as what is usual differs among paths."""
        with tape.unrecorded():
            logits = self._network(half[0], training=True, paths=paths)
        return logits.value, tape.cross_entropy(logits, half[1]).value

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


def told(settings: Mapping[str, Any]) -> None:
    """Say what they are, and which of them are none."""
    if missing := [name for name in _SETTINGS if name not in settings]:
        raise SystemExit(f"--algorithm-settings: there is no {', '.join(missing)}")
    print(">>> Algorithm settings")
    for name, value in settings.items():
        print(f"{name:23} {value}")
    for name in settings.keys() - {*_SETTINGS}:
        print(f"WARNING: {name} is no setting of this program, and changes nothing.")


def main(words: Sequence[str]) -> None:
    args = options(words)
    settings = lines.quoted("--algorithm-settings", args.algorithm_settings)
    told(settings)
    names = lines.quoted("--search-space", args.search_space)
    print(f"\n>>> All Primitives\n{[*names, NONE]}\n\nNumber of layers {args.num_layers}\n")
    print(">>> Use CPU for Training <<<")
    search = Search(settings, names, args.num_layers, halves())
    for epoch in range(search.epochs):
        search.say()
        print(">>> Training")
        search.train(epoch)
        print("\n>>> Validation")
        search.validate(epoch)
        print(f"\nModel genotype = {search.genotype()}")
    genotype, accuracy = search.best()
    print(f"Final best Prec@1 = {accuracy:.4%}")
    print(f"\nBest-Genotype={str(genotype).replace(' ', '')}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
