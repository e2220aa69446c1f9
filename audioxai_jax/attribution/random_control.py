"""Random control: the yardstick that every method must beat."""

import jax
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.types import Attribution, Method, Model, make_info


def random_control() -> Method:
    """Relevance drawn from a standard normal, without a look at the model.

    Keeping the most relevant features is then keeping features at random. Returns a
    `Method`; it consumes the key.
    """
    return RandomControl()


@record()
class RandomControl:
    """See `random_control`."""

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        del model, target
        return Attribution(jax.random.normal(key, x.shape, x.dtype), make_info())
