"""LSTM, GRU and RNN: one `scan` over time for each direction."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from audioxai_jax.models.bridges.onnx.operators.base import Call, Operator, alike

Activation = Callable[[Any], Any]
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "relu": lambda x, a, b: jax.nn.relu(x),
    "tanh": lambda x, a, b: jnp.tanh(x),
    "sigmoid": lambda x, a, b: jax.nn.sigmoid(x),
    "affine": lambda x, a, b: a * x + b,
    "leakyrelu": lambda x, a, b: jax.nn.leaky_relu(x, a),
    "thresholdedrelu": lambda x, a, b: jnp.where(x > a, x, 0),
    "scaledtanh": lambda x, a, b: a * jnp.tanh(b * x),
    "hardsigmoid": lambda x, a, b: jnp.clip(a * x + b, 0, 1),
    "elu": lambda x, a, b: jax.nn.elu(x, a),
    "softsign": lambda x, a, b: jax.nn.soft_sign(x),
    "softplus": lambda x, a, b: jax.nn.softplus(x),
}
"""Activations by their names in lower case, with two numbers that some of them take."""
NUMBERS = {
    "affine": (1.0, 0.0),
    "leakyrelu": (0.01, 0.0),
    "thresholdedrelu": (1.0, 0.0),
    "scaledtanh": (1.0, 1.0),
    "hardsigmoid": (0.2, 0.5),
    "elu": (1.0, 0.0),
}
"""The two numbers where the file gives none."""


def activations(call: Call, default: tuple[str, ...], directions: int) -> list[list[Activation]]:
    """The functions of each direction."""
    names = tuple(call.get("activations") or default * directions)
    alphas, betas = list(call.get("activation_alpha", ())), list(call.get("activation_beta", ()))
    made: list[Activation] = []
    for name in names:
        key = name.lower()
        if key not in FUNCTIONS:
            raise call.refusal(f"the activation {name!r} is not known", "export the model anew")
        a, b = NUMBERS.get(key, (0.0, 0.0))
        if key in NUMBERS:
            a = alphas.pop(0) if alphas else a
            if key in ("affine", "scaledtanh", "hardsigmoid"):
                b = betas.pop(0) if betas else b
        made.append(lambda x, f=FUNCTIONS[key], a=a, b=b: f(x, a, b))
    each = len(default)
    return [made[i * each : (i + 1) * each] for i in range(directions)]


def _clipped(call: Call, x: Any) -> Any:
    limit = call.get("clip")
    return x if not limit else jnp.clip(x, -limit, limit)


Step = Callable[[Any, Any], tuple[Any, ...]]
"""`(state, x W' of one time step) -> the next state`, of which the first part is the output."""


def _lstm_step(call: Call, functions: list[Activation], r: Any, bias: Any, peep: Any) -> Step:
    f, g, h = functions
    pi, po, pf = (0, 0, 0) if peep is None else jnp.split(peep, 3)

    def step(state: Any, x: Any) -> tuple[Any, ...]:
        hidden, cell = state
        i, o, forget, c = jnp.split(_clipped(call, x + hidden @ r.T + bias), 4, axis=-1)
        i = f(i + pi * cell)
        keep = 1 - i if call.get("input_forget", 0) else f(forget + pf * cell)
        cell = keep * cell + i * g(c)
        return f(o + po * cell) * h(cell), cell

    return step


def _gru_step(call: Call, functions: list[Activation], r: Any, bias: Any, inner: Any) -> Step:
    f, g = functions
    size = r.shape[-1]
    r_gates, r_new = r[: 2 * size], r[2 * size :]

    def step(state: Any, x: Any) -> tuple[Any, ...]:
        (hidden,) = state
        gates = x[..., : 2 * size] + hidden @ r_gates.T + bias[: 2 * size]
        z, reset = jnp.split(f(_clipped(call, gates)), 2, axis=-1)
        if call.get("linear_before_reset", 0):
            past = reset * (hidden @ r_new.T + inner)
        else:
            past = (reset * hidden) @ r_new.T + inner
        new = g(_clipped(call, x[..., 2 * size :] + bias[2 * size :] + past))
        return ((1 - z) * new + z * hidden,)

    return step


def _rnn_step(call: Call, functions: list[Activation], r: Any, bias: Any, _: Any) -> Step:
    (f,) = functions
    return lambda state, x: (f(_clipped(call, x + state[0] @ r.T + bias)),)


def _one_direction(step: Step, xw: Any, state: Any, lengths: Any, backwards: bool) -> Any:
    """All outputs `[T, N, H]` and the last state, each example up to its own length."""
    times = jnp.arange(xw.shape[0])

    def body(state: Any, given: Any) -> Any:
        x, time = given
        new = step(state, x)
        shown = new[0]
        if lengths is not None:
            inside = (time < lengths)[:, None]
            new = tuple(jnp.where(inside, a, b) for a, b in zip(new, state, strict=True))
            shown = jnp.where(inside, shown, 0)
        return new, shown

    return jax.lax.scan(body, state, (xw, times), reverse=backwards)[::-1]


def _recurrent(kind: str) -> Operator:
    steps = {"LSTM": _lstm_step, "GRU": _gru_step, "RNN": _rnn_step}
    defaults = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}

    def compute(call: Call, x: Any, w: Any, r: Any, *rest: Any) -> Any:
        bias, lengths, first, cell, peepholes = (*rest, *(None,) * 5)[:5]
        x, w, r, bias, first, cell, peepholes = alike(x, w, r, bias, first, cell, peepholes)
        by_batch, directions = bool(call.get("layout", 0)), w.shape[0]
        if by_batch:
            x = x.swapaxes(0, 1)
            first, cell = (None if s is None else s.swapaxes(0, 1) for s in (first, cell))
        size, shape = r.shape[-1], (directions, x.shape[1], r.shape[-1])
        zeros = jnp.zeros(shape, x.dtype)
        states = [zeros if s is None else s for s in (first, cell)][: 2 if kind == "LSTM" else 1]
        functions = activations(call, defaults[kind], directions)
        ys, lasts = [], []
        for d in range(directions):
            outer, inner = _biases(kind, call, bias, d, size, x.dtype)
            extra = inner if kind == "GRU" else None if peepholes is None else peepholes[d]
            step = steps[kind](call, functions[d], r[d], outer, extra)
            backwards = d == 1 or call.get("direction", "forward") == "reverse"
            state = tuple(s[d] for s in states)
            y, last = _one_direction(step, jnp.matmul(x, w[d].T), state, lengths, backwards)
            ys.append(y)
            lasts.append(last)
        y = jnp.stack(ys, axis=1)
        ends = [jnp.stack(parts) for parts in zip(*lasts, strict=True)]
        if by_batch:
            y, ends = y.transpose(2, 0, 1, 3), [end.swapaxes(0, 1) for end in ends]
        return (y, *ends)

    return Operator(compute)


def _biases(kind: str, call: Call, bias: Any, d: int, size: int, dtype: Any) -> tuple[Any, Any]:
    """Both biases summed; of a GRU the one that is reset with the state is apart."""
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    if bias is None:
        return jnp.zeros(gates * size, dtype), jnp.zeros(size, dtype)
    of_input, of_state = bias[d, : gates * size], bias[d, gates * size :]
    if kind != "GRU":
        return of_input + of_state, None
    inner = of_state[2 * size :]
    both = of_input[: 2 * size] + of_state[: 2 * size]
    return jnp.concatenate([both, of_input[2 * size :]]), inner


TABLE = {kind: _recurrent(kind) for kind in ("LSTM", "GRU", "RNN")}
