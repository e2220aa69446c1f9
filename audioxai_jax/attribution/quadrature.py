"""Rules for integrals from 0 to 1: nodes and weights, in double precision, as constants."""

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


def fejer(parts: int) -> Rule:
    """Fejer's second rule: `parts - 1` nodes, none at the ends; those of 2 parts are among them.

    L. Fejer, "Mechanische Quadraturen mit positiven Cotesschen Zahlen", Mathematische
    Zeitschrift 37, 1933. Exact for polynomials of degree parts - 2; all weights are positive.
    """
    angle = np.arange(1, parts) * np.pi / parts
    odd = np.arange(1, parts, 2)
    series = np.sin(np.outer(angle, odd)) / odd
    weights = 2 * np.sin(angle) / parts * series.sum(axis=1)
    return (1 - np.cos(angle)) / 2, weights / weights.sum()


RULES: dict[str, Callable[[int], Rule]] = {
    "gauss_legendre": gauss_legendre,
    "left_riemann": left_riemann,
    "midpoint": midpoint,
    "right_riemann": right_riemann,
    "trapezoid": trapezoid,
}


def nested_fejer(levels: int) -> tuple[tuple[int, ...], np.ndarray, np.ndarray]:
    """Fejer's rules of 4, 8, 16, ... parts, each with the nodes of the one before.

    Returns:
      How many nodes each rule has (3, 7, 15, ...); all nodes, `[n]`, in an order in which each
      rule uses the first of them; the rules' weights, `[levels, n]`, zero for later nodes.
    """
    sizes = tuple(4 * 2**level - 1 for level in range(levels))
    places = np.zeros(0, int)  # in units of the finest rule
    parts = 4 * 2 ** (levels - 1)
    for size in sizes:
        own = np.arange(1, size + 1) * (parts // (size + 1))
        places = np.concatenate([places, np.setdiff1d(own, places)])
    weights = np.zeros((levels, len(places)))
    for level, size in enumerate(sizes):
        index = places[:size] // (parts // (size + 1)) - 1
        weights[level, :size] = fejer(size + 1)[1][index]
    return sizes, fejer(parts)[0][places - 1], weights
