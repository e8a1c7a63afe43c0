"""Stands for /opt/tf-mnist-with-summaries/mnist.py of kubeflow/katib's image of that name: the same
options, lines and files of events, but another task. It trains a perceptron of numpy with Adam on
8 × 8 digits, not TensorFlow's convolutional network on MNIST; an epoch is 1,437 images.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import digits
import lines
import numpy as np
from events import Events
from network import Adam, Perceptron, batches


def options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="learn 8 × 8 digits, and write TensorFlow's events"
    )
    add = parser.add_argument
    home = os.path.join(os.getenv("TEST_TMPDIR", "/tmp"), "tensorflow/mnist/logs")
    add("--batch-size", type=lines.positive, default=64)
    add("--learning-rate", type=float, default=0.001)
    add("--epochs", type=int, default=10, metavar="N")
    add("--log-interval", type=lines.positive, default=100, metavar="N", help="in batches")
    add("--log-path", default=os.path.join(home, "mnist_with_summaries"), help="a directory")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> None:
    args = options(words)
    train, test = digits.load(shuffled=False)
    learned, tested = (Events(os.path.join(args.log_path, name)) for name in ("train", "test"))
    random = np.random.default_rng()
    model = Perceptron([64, 128, digits.CLASSES], random)
    optimizer = Adam(args.learning_rate)
    for epoch in range(args.epochs):
        losses = right = seen = 0.0
        for step, chosen in enumerate(batches(len(train), args.batch_size, random)):
            loss, hits, slopes = model.gradients(train.images[chosen], train.labels[chosen])
            optimizer.step(model.parameters, slopes)
            losses, right = losses + loss * len(chosen), right + hits
            seen += len(chosen)
            if step % args.log_interval == 0:
                at = step * args.batch_size
                done = f"[{at}/{len(train)} ({100 * at / len(train):.0f}%)]"
                said = f"loss={losses / seen:.4f}, accuracy={100 * right / seen:.4f}"
                print(f"Train Epoch: {epoch + 1} {done}\t{said}", flush=True)
        learned.write(epoch, {"loss": losses / seen, "accuracy": right / seen})
        loss, accuracy = model.test(test.images, test.labels)
        tested.write(epoch, {"loss": loss, "accuracy": accuracy})
        print(f"Test Loss: {loss:.4f}, Test Accuracy: {100 * accuracy:.4f}\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
