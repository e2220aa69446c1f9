"""Magnitude control: keep what is large, whatever the model thinks of it."""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.types import Attribution, Method, Model, make_info


def magnitude_control() -> Method:
    """Relevance `|x|`, without a look at the model.

    In a latent where zero is silence this keeps the loudest features: a strong control,
    since loud speech is easy to recognise. Returns a `Method`; it needs no key.
    """
    return MagnitudeControl()


@record()
class MagnitudeControl:
    """See `magnitude_control`."""

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        del model, target, key
        return Attribution(jnp.abs(x), make_info())
