"""Rules for integrals from 0 to 1: nodes and weights, in double precision, as constants."""

import functools
from collections.abc import Callable

import numpy as np

Rule = tuple[np.ndarray, np.ndarray]
"""Nodes and weights, `[steps]` each; the weights sum to 1."""


def gauss_legendre(steps: int) -> Rule:
    """Exact for polynomials of degree 2 steps - 1."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return (nodes + 1) / 2, weights / 2


def midpoint(steps: int) -> Rule:
    """The middles of `steps` equal parts."""
    return (np.arange(steps) + 0.5) / steps, np.full(steps, 1 / steps)


def left_riemann(steps: int) -> Rule:
    """The left ends of `steps` equal parts."""
    return np.arange(steps) / steps, np.full(steps, 1 / steps)


def right_riemann(steps: int) -> Rule:
    """The right ends of `steps` equal parts."""
    return np.arange(1, steps + 1) / steps, np.full(steps, 1 / steps)


def trapezoid(steps: int) -> Rule:
    """All ends of `steps - 1` equal parts, half as much at the two outer ones.

    Raises:
      ValueError: if there are fewer than two steps.
    """
    if steps < 2:
        raise ValueError(f"the trapezoid rule needs at least 2 steps, got {steps}")
    weights = np.full(steps, 1 / (steps - 1))
    weights[[0, -1]] /= 2
    return np.linspace(0, 1, steps), weights


RULES: dict[str, Callable[[int], Rule]] = {
    "gauss_legendre": gauss_legendre,
    "left_riemann": left_riemann,
    "midpoint": midpoint,
    "right_riemann": right_riemann,
    "trapezoid": trapezoid,
}


@functools.cache
def nested(most: int) -> tuple[tuple[int, ...], np.ndarray, np.ndarray]:
    """Rules with 3, 5, 7, 11, 15, 23, ... nodes, each with those of the one before.

    Those with 2**k - 1 nodes are Fejer's second rules (L. Fejer, "Mechanische Quadraturen mit
    positiven Cotesschen Zahlen", Mathematische Zeitschrift 37, 1933), without nodes at the ends.
    Between each two comes one with half of the new nodes, every other pair from outside in. All
    are interpolatory: n nodes are exact for polynomials of degree n - 1. Few weights of the rules
    between are negative, and these are small: the magnitudes sum to at most 1.05.

    Args:
      most: nodes of the last rule, at most.

    Returns:
      How many nodes each rule has; all nodes, `[n]`, in an order in which each rule uses the
      first of them; the rules' weights, `[rules, n]`, zero for later nodes.
    """
    angles, sizes, parts = [1 / 4, 1 / 2, 3 / 4], [3], 4
    while True:
        parts *= 2
        new = np.arange(1, parts, 2) / parts
        pairs = np.stack([new, new[::-1]], axis=1)[: len(new) // 2]
        for half in (pairs[::2], pairs[1::2]):
            if len(angles) + half.size > most:
                nodes = (1 - np.cos(np.pi * np.asarray(angles))) / 2
                return tuple(sizes), nodes, np.stack([_weights(nodes, n) for n in sizes])
            angles += half.ravel().tolist()
            sizes.append(len(angles))


def _weights(nodes: np.ndarray, size: int) -> np.ndarray:
    """Weights with which the first nodes integrate all Legendre polynomials below their number."""
    legendre = np.polynomial.legendre.legvander(2 * nodes[:size] - 1, size - 1)
    found = np.linalg.solve(legendre.T, np.eye(size)[0])
    return np.pad(found, (0, len(nodes) - size))
