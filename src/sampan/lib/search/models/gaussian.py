"""Gaussian processes: a guess of the loss at every point, and how sure it is.

Matérn 5/2 with a length for each axis; choices of an unordered axis are equally far from each
other. Lengths, amplitude and noise are the most likely ones given the losses and priors that keep
few observations from being explained by nothing but noise. Losses are expected to be around 0 with
a deviation of 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize

from sampan.lib.search.history import Array

_ROOT = math.sqrt(5.0)
_JITTER = 1e-8
_LENGTH = math.log(0.3), 0.7  # middle and deviation of the logarithm, as of those below
_AMPLITUDE = 0.0, 1.0
_NOISE = math.log(1e-4), 2.0
_BOUNDS = (math.log(1e-2), math.log(1e3)), (math.log(1e-2), math.log(1e2)), (math.log(1e-8), 0.0)
_ENOUGH = 100  # observations for the lengths
_STEPS = 60  # of the search for the most likely lengths


class Gaussian:
    """`unordered` axes are compared for being equal alone."""

    def __init__(self, unordered: NDArray[np.bool_]) -> None:
        self._unordered = unordered
        axes = len(unordered)
        self._prior = np.array([_LENGTH] * axes + [_AMPLITUDE, _NOISE])
        self._theta = self._prior[:, 0]

    def learn(self, places: Array, losses: Array) -> None:
        """The lengths, amplitude and noise, and then as `observe`. Of many observations, the best
        and some of the others are enough for the former."""
        bounds = [_BOUNDS[0]] * len(self._unordered) + [_BOUNDS[1], _BOUNDS[2]]
        some = _some(losses)
        squares = self._squares(places[some], places[some])
        starts = [self._prior[:, 0], np.append(np.zeros(len(self._unordered)), [0.0, -6.0])]
        found = [
            minimize(
                self._unlikely, start, (squares, losses[some]), "L-BFGS-B", True, bounds=bounds,
                options={"maxiter": _STEPS},
            )
            for start in starts
        ]  # fmt: skip
        self._theta = min(found, key=lambda each: float(each.fun)).x
        self.observe(places, losses)

    def observe(self, places: Array, losses: Array) -> None:
        self._places = places
        kernel = self._kernel(self._squares(places, places), self._theta)[0]
        self._factor = cho_factor(kernel + np.eye(len(places)) * self._noise, lower=True)
        self._weights = cho_solve(self._factor, losses)

    @property
    def _noise(self) -> float:
        return math.exp(self._theta[-1]) + _JITTER

    def predict(self, points: Array) -> tuple[Array, Array]:
        """The middle and the deviation at each point, without noise."""
        kernel = self._kernel(self._squares(points, self._places), self._theta)[0]
        half = solve_triangular(self._factor[0], kernel.T, lower=True)
        variance = math.exp(self._theta[-2]) - (half * half).sum(axis=0)
        return kernel @ self._weights, np.sqrt(np.maximum(variance, 1e-12))

    def slopes(self, point: Array) -> tuple[Array, Array]:
        """Of the middle and the deviation at a point, along each axis; 0 along unordered ones."""
        squares = self._squares(point[None], self._places)
        kernel, slope = self._kernel(squares, self._theta)
        lengths = np.exp(2 * self._theta[:-2])
        away = np.where(self._unordered, 0.0, (point - self._places) / lengths)
        slopes = -slope[0][:, None] * away
        back = cho_solve(self._factor, kernel[0])
        deviation = math.sqrt(max(math.exp(self._theta[-2]) - float(kernel[0] @ back), 1e-12))
        return slopes.T @ self._weights, -(slopes.T @ back) / deviation

    def _squares(self, one: Array, other: Array) -> Array:
        """Of the distances along each axis: axes × one × other."""
        apart = one.T[:, :, None] - other.T[:, None, :]
        return np.where(self._unordered[:, None, None], apart != 0, apart * apart)

    def _kernel(self, squares: Array, theta: Array) -> tuple[Array, Array]:
        """The kernel, and its slope by half the square of the scaled distance, negated."""
        scaled = np.tensordot(np.exp(-2 * theta[:-2]), squares, 1)
        far = _ROOT * np.sqrt(scaled)
        fade = np.exp(theta[-2] - far)
        return fade * (1 + far + far * far / 3), fade * (1 + far) * 5 / 3

    def _unlikely(self, theta: Array, squares: Array, losses: Array) -> tuple[float, Array]:
        """The negative logarithm of the likelihood and the priors, and its slopes."""
        kernel, slope = self._kernel(squares, theta)
        noise = math.exp(theta[-1])
        full = kernel + np.eye(len(losses)) * (noise + _JITTER)
        try:
            factor = cho_factor(full, lower=True)
        except np.linalg.LinAlgError:
            return 1e12, np.zeros_like(theta)
        weights = cho_solve(factor, losses)
        off = (theta - self._prior[:, 0]) / self._prior[:, 1]
        value = 0.5 * losses @ weights + np.log(np.diag(factor[0])).sum() + 0.5 * off @ off
        rest = cho_solve(factor, np.eye(len(losses))) - np.outer(weights, weights)
        lengths = np.tensordot(squares, rest * slope, 2) * np.exp(-2 * theta[:-2])
        slopes = np.append(lengths, [(rest * kernel).sum(), noise * np.trace(rest)])
        return float(value), 0.5 * slopes + off / self._prior[:, 1]


def _some(losses: Array) -> NDArray[np.intp]:
    order = np.argsort(losses, kind="stable")
    if len(order) <= _ENOUGH:
        return order
    best, others = order[: _ENOUGH // 2], order[_ENOUGH // 2 :]
    spread = np.linspace(0, len(others) - 1, _ENOUGH - len(best)).astype(np.intp)
    return np.append(best, others[spread])
