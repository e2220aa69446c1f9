"""LSTM over the frames of one example.

S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 1997, with forget
gates, as in PyTorch; the two biases of each gate there are their sum here.
"""

import math

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import Array, lax


class Lstm(nn.Module):
    """Stacked LSTM over frames `[F, C]` with one residual connection around it.

    A scan for each layer: one scan over both, a frame apart, took 1.4 times as long on a CPU
    (512 channels, 75 frames), for the second layer's input is then one product per frame.
    """

    layers: int

    def __call__(self, x: Array) -> Array:
        return self.carried(jnp.zeros((self.layers, 2, x.shape[1]), x.dtype), x)[1]

    @nn.compact
    def carried(self, state: Array, x: Array) -> tuple[Array, Array]:
        """As the call, of frames that follow others, and the state after them.

        A state is `[layers, 2, C]`, hidden and cell; zeros before the first frame.
        """
        channels, y, states = x.shape[1], x, []
        init = nn.initializers.uniform(2 / math.sqrt(channels))
        centred = lambda *args: init(*args) - 1 / math.sqrt(channels)
        for layer in range(self.layers):
            enter = self.param(f"enter_{layer}", centred, (channels, 4 * channels))
            recur = self.param(f"recur_{layer}", centred, (channels, 4 * channels))
            bias = self.param(f"bias_{layer}", nn.initializers.zeros, (4 * channels,))
            after, y = _layer(y @ enter + bias[None], recur, state[layer])
            states.append(after)
        return jnp.stack(states), x + y


def _layer(driven: Array, recur: Array, state: Array) -> tuple[Array, Array]:
    """The state after and the outputs `[F, C]`; `driven` is `[F, 4 C]`.

    Gates are in the order input, forget, cell, output.
    """

    def step(state, gates_in):
        hidden, cell = state
        i, f, g, o = jnp.split(gates_in + hidden @ recur, 4)
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        return (hidden, cell), hidden

    hidden, cell = state.astype(driven.dtype)
    after, outputs = lax.scan(step, (hidden, cell), driven)
    return jnp.stack(after), outputs
