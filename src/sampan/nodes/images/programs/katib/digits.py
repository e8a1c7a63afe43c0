"""The handwritten digits that programs of Katib's examples learn here in the place of MNIST: 1,797
images of 8 × 8 pixels (UCI, "Optical Recognition of Handwritten Digits"), as a file of
scikit-learn's wheel has them.
"""

from __future__ import annotations

import gzip
import importlib.util
import os
import sys

import numpy as np
from numpy.typing import NDArray

CLASSES = 10
_TESTED = 360


class Split:
    """`images` are rows of 64 numbers from 0 to 1, `labels` are numbers below `CLASSES`."""

    def __init__(self, images: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
        self.images = images
        self.labels = labels

    def __len__(self) -> int:
        return len(self.labels)


def load(*, shuffled: bool = True) -> tuple[Split, Split]:
    """What to learn from (1,437 images) and what to be tested with, the same for everybody. If not
    `shuffled`, the latter are the last of the file, which are harder than others."""
    with gzip.open(_file()) as file:
        text = file.read().replace(b"\n", b",").rstrip(b",")
    table = np.fromstring(text, np.float32, sep=",").reshape(-1, 65)
    order = np.random.default_rng(0).permutation(len(table)) if shuffled else slice(None, None, -1)
    table = table[order]
    images, labels = table[:, :64] / np.float32(16), table[:, 64].astype(np.int64)
    return Split(images[_TESTED:], labels[_TESTED:]), Split(images[:_TESTED], labels[:_TESTED])


def moved(split: Split) -> Split:
    """Nine times as many images: each also a pixel higher, lower, to the left, to the right."""
    squares = np.pad(split.images.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    places = [(down, right) for down in range(3) for right in range(3)]
    images = [squares[:, y : y + 8, x : x + 8].reshape(-1, 64) for y, x in places]
    return Split(np.concatenate(images), np.tile(split.labels, len(places)))


def _file() -> str:
    """Of the environment, else of an installed scikit-learn, which need not be imported."""
    place = os.path.join(sys.prefix, "share", "digits.csv.gz")
    if os.path.exists(place):
        return place
    found = importlib.util.find_spec("sklearn")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("there are no digits to learn: install scikit-learn")
    return os.path.join(found.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")
