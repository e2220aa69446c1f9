"""Slow replicas of the LRP rules, written again from the papers with NumPy and loops.

`MATRIX` has those of operations with a weight, as explicit matrices `M [inputs, outputs]`; `OTHER`
those that work on single values, on several inputs, or on differences from a reference.
"""

import itertools
import math

import numpy as np

EPSILON = 1e-3
LOW, HIGH = -2.5, 2.5


def stable(z, total=None):
    """z + epsilon sign(z), in units of the root mean square of all outputs."""
    return z + (EPSILON if z >= 0 else -EPSILON) * np.sqrt(np.mean(np.square(total)))


def shared(parts, bias, R):
    """Of contributions `parts [inputs, outputs]`: R_i = sum_j part_ij R_j / stable(total_j)."""
    totals = parts.sum(0) + bias
    relevance = np.zeros(len(parts))
    for j, total in enumerate(totals):
        for i in range(len(parts)):
            if R[j] != 0:
                relevance[i] += parts[i, j] * R[j] / stable(total, totals)
    return relevance


def up(v):
    return np.maximum(v, 0)


def down(v):
    return np.minimum(v, 0)


def zero(x, M, b, z, R):
    return sum(x * M[:, j] * R[j] / z[j] for j in range(len(z)) if z[j] != 0)


def epsilon(x, M, b, z, R):
    return shared(x[:, None] * M, b, R)


def gamma(x, M, b, z, R):
    return shared(x[:, None] * (M + 0.5 * up(M)), b + 0.5 * up(b), R)


def generalised_gamma(x, M, b, z, R):
    c = x[:, None] * M
    above = shared(c + 0.5 * up(c), b + 0.5 * up(b), R * (z > 0))
    return above + shared(c + 0.5 * down(c), b + 0.5 * down(b), R * (z < 0))


def alpha_beta(x, M, b, z, R):
    c = x[:, None] * M
    return 2 * shared(up(c), up(b), R) - shared(down(c), down(b), R)


def z_plus(x, M, b, z, R):
    return shared(up(x[:, None] * M), up(b), R)


def z_box(x, M, b, z, R):
    return shared(x[:, None] * M - LOW * up(M) - HIGH * down(M), 0, R)


def w_square(x, M, b, z, R):
    return shared(M**2, b**2, R)


def flat(x, M, b, z, R):
    return shared((M != 0).astype(float), 0, R)


def gradient(x, M, b, z, R):
    return M @ R


MATRIX = {
    function.__name__: function
    for function in (
        zero,
        epsilon,
        gamma,
        generalised_gamma,
        alpha_beta,
        z_plus,
        z_box,
        w_square,
        flat,
        gradient,
    )
}


def summed(R, shape):
    """Relevance of a value that was broadcast: the sum over its copies."""
    relevance = np.zeros(shape)
    for place in np.ndindex(R.shape):
        own = place[len(place) - len(shape) :]
        relevance[tuple(0 if size == 1 else i for i, size in zip(own, shape, strict=True))] += R[
            place
        ]
    return relevance


def pass_through(x, w, z, R):
    return summed(R, x.shape)


def scaled(x, w, z, R):
    return summed(np.where(w == 0, 0, R), x.shape)


def route(x, w, z, R):
    """Of the operation "route": zero, x3, x0, x0, zero."""
    relevance = np.zeros(len(x))
    for source, r in zip((3, 0, 0), R[1:-1], strict=True):
        relevance[source] += r
    return relevance


def constant(x, w, z, R):
    return np.zeros_like(x)


def halves(x, w, z, R):
    return tuple(summed(R / 2, factor.shape) for factor in x)


def signal(x, w, z, R):
    return summed(R, x[0].shape), np.zeros_like(x[1])


def squares(x, w, z, R):
    relevance = np.zeros_like(x[0]), np.zeros_like(x[1])
    for place in np.ndindex(z.shape):
        b, a = x[0][place], x[1][place]
        relevance[0][place] = R[place] * b * b / (a * a + b * b)
        relevance[1][place] = R[place] * a * a / (a * a + b * b)
    return relevance


def uniform(x, w, z, R):
    left, right = x
    parts = np.zeros_like(left), np.zeros_like(right)
    for i, p in np.ndindex(z.shape):
        for j in range(left.shape[1]):
            share = left[i, j] * right[j, p] * R[i, p] / stable(z[i, p], z) / 2
            parts[0][i, j] += share
            parts[1][j, p] += share
    return parts


def values(x, w, z, R):
    """Of the operation "attention": `weights @ value`."""
    value, weights = x
    relevance = np.zeros_like(value)
    for i, p in np.ndindex(z.shape):
        for j in range(len(value)):
            relevance[j, p] += weights[i, j] * value[j, p] * R[i, p] / stable(z[i, p], z)
    return relevance, np.zeros_like(weights)


def taylor(x, w, z, R):
    """Of a softmax over the last axis: x_i (R_i - s_i sum over j of R_j)."""
    return x * (R - z * R.sum(-1, keepdims=True))


def guided(x, w, z, R):
    return np.where(x > 0, up(R), 0)


def deconvolved(x, w, z, R):
    return up(R)


def rescale(x, w, z, R, x0, w0, z0):
    return R * (z - z0) / (x - x0)


def rescale_winners(x, w, z, R, x0, w0, z0):
    """Of the maximum over the last axis: both winners share what changed."""
    m = np.zeros_like(x)
    for i in range(len(x)):
        now, before, top = np.argmax(x[i]), np.argmax(x0[i]), max(z[i], z0[i])
        m[i, now] += R[i] * (top - z0[i]) / (x[i, now] - x0[i, now])
        m[i, before] += R[i] * (z[i] - top) / (x[i, before] - x0[i, before])
    return m


def shapley(x, w, z, R, x0, w0, z0):
    """Of a product: each factor's change, averaged over the orders in which they change."""
    found = [np.zeros(z.shape) for _ in x]
    orders = list(itertools.permutations(range(len(x))))
    for order in orders:
        now = list(x0)
        for i in order:
            before = math.prod(now)
            now[i] = x[i]
            found[i] = found[i] + R * (math.prod(now) - before) / len(orders)
    return tuple(
        summed(change, factor.shape) / (factor - factor0)
        for change, factor, factor0 in zip(found, x, x0, strict=True)
    )


def midpoint(x, w, z, R, x0, w0, z0):
    (left, right), (left0, right0) = x, x0
    return R @ ((right + right0) / 2).T, ((left + left0) / 2).T @ R


def _of_sum(x, x0):
    """Multipliers of x for log(sum(exp(x))), and its change: logarithm and exponential apart."""
    e, e0 = np.exp(x), np.exp(x0)
    S, S0 = e.sum(-1, keepdims=True), e0.sum(-1, keepdims=True)
    change = np.log(S) - np.log(S0)
    return change / (S - S0) * (e - e0) / (x - x0), change


def rescale_softmax(x, w, z, R, x0, w0, z0):
    each, change = _of_sum(x, x0)
    inner = R * (z - z0) / (x - x0 - change)
    return inner - inner.sum(-1, keepdims=True) * each


def rescale_logsumexp(x, w, z, R, x0, w0, z0):
    return R[:, None] * _of_sum(x, x0)[0]


OTHER = {
    function.__name__: function
    for function in (
        pass_through,
        scaled,
        route,
        constant,
        halves,
        squares,
        signal,
        uniform,
        values,
        taylor,
        guided,
        deconvolved,
        rescale,
        rescale_winners,
        shapley,
        midpoint,
        rescale_softmax,
        rescale_logsumexp,
    )
}

REPLICAS = MATRIX | OTHER
