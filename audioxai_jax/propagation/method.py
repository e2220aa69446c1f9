"""Layer-wise relevance propagation as an attribution method."""

from jax import Array

from audioxai_jax.core.checks import WrongType, kind
from audioxai_jax.core.records import record
from audioxai_jax.propagation.composites import PRESETS, Composite
from audioxai_jax.propagation.propagate import propagate
from audioxai_jax.types import Attribution, Method, Model, make_info


def lrp(composite: str | Composite = "epsilon_plus") -> Method:
    """Layer-wise relevance propagation of the target's logit, for any JAX function.

    Args:
      composite: rules of the operations: a `Composite`, or the name of a preset.

    Returns a `Method`; it needs no key.

    Raises:
      ValueError: if there is no such preset.

    >>> import jax, jax.numpy as jnp
    >>> model = lambda x: jnp.array([[1.0, 2.0], [-1.0, 3.0]]) @ jax.nn.relu(x)
    >>> relevance = lrp()(model, jnp.array([2.0, 1.0]), 1, key=jax.random.key(0)).relevance
    >>> [round(r, 3) for r in relevance.tolist()]
    [-2.0, 3.0]
    """
    if isinstance(composite, str):
        if composite not in PRESETS:
            raise ValueError(f"no composite {composite!r}: there are {', '.join(PRESETS)}")
        composite = PRESETS[composite]()
    if not isinstance(composite, Composite):
        raise WrongType(
            f"composite must be a Composite or a preset's name, got {kind(composite)}: see "
            "lrp.composite"
        )
    return Lrp(composite)


@record()
class Lrp:
    """See `lrp`."""

    composite: Composite

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        del key
        found = propagate(self.composite, model, x, target)
        return Attribution(found.relevance, make_info(evaluations=1))
