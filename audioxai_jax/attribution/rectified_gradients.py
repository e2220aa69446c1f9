"""Guided backpropagation and deconvolution: gradients without what speaks against the class.

J. Springenberg et al., "Striving for Simplicity: The All Convolutional Net", arXiv 1412.6806;
M. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", arXiv 1311.2901.
Both change the gradient of ReLUs alone: a model without any gets its plain gradient, and other
activation functions, such as GELU, keep theirs; `caveats` says so. Known to depend little on the
weights of the classifier (J. Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018).
"""

from jax import Array

from audioxai_jax import propagation
from audioxai_jax.core.records import record
from audioxai_jax.propagation import composites
from audioxai_jax.types import Attribution, Method, Model, make_info


def guided_backprop() -> Method:
    """The gradient of the logit, but through each ReLU only where it and the input are positive.

    A ReLU is known by what it computes. Of a model without one, this is `signed_gradient`.

    Returns a `Method`; it needs no key.

    >>> import jax, jax.numpy as jnp
    >>> model = lambda x: -jax.nn.relu(x)
    >>> guided_backprop()(model, jnp.array([1.0]), 0, key=jax.random.key(0)).relevance.tolist()
    [0.0]
    """
    return RectifiedGradient(composites.guided_backprop(), "guided_backprop")


def deconvolution() -> Method:
    """The gradient of the logit, but through each ReLU only where it is positive.

    A ReLU is known by what it computes. Of a model without one, this is `signed_gradient`.

    Returns a `Method`; it needs no key.

    >>> import jax, jax.numpy as jnp
    >>> model = lambda x: jax.nn.relu(x)
    >>> deconvolution()(model, jnp.array([-1.0]), 0, key=jax.random.key(0)).relevance.tolist()
    [1.0]
    """
    return RectifiedGradient(composites.deconvnet(), "deconvolution")


@record(static=("name",))
class RectifiedGradient:
    """See `guided_backprop` and `deconvolution`."""

    composite: propagation.Composite
    name: str
    gradient = "input"

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        del key
        found = propagation.propagate(self.composite, model, x, target, seed=1.0)
        return Attribution(found.relevance, make_info(evaluations=1))

    def caveats(self, model: Model, x: Array) -> tuple[str, ...]:
        """What it leaves as it is."""
        found = list(propagation.every_operation(model, x))
        others = (one for one in found if one.kind == "activation" and not one.rectifies)
        curves = [one.name for one in others if one.name not in ("min", "max")]
        count = sum(one.rectifies for one in found)
        if not count:
            return (f"{self.name} found no ReLU in the model: this is its plain gradient",)
        if not curves:
            return ()
        names = ", ".join(dict.fromkeys(curves))
        relus = f"{count} ReLU" + "s" * (count > 1)
        return (f"{self.name} changed the gradient of {relus}, and of none of {names}",)
