"""Does relevance depend on what the model has learned, and on the class that is explained?

Model parameter randomisation: J. Adebayo, J. Gilmer, M. Muelly, I. Goodfellow, M. Hardt, B. Kim,
"Sanity Checks for Saliency Maps", NeurIPS 2018. Parameters are drawn anew, layer by layer, and
the input is explained again; relevance that stays as it was did not come from the parameters.

  cascading    from the logits down: each layer, and all above it;
  independent  each layer alone;
  bottom_up    from the input up: each layer, and all below it.

Random logit: L. Sixt, M. Granz, T. Landgraf, "When Explanations Lie: Why Many Modified BP
Attributions Fail", ICML 2020. Another class is explained; relevance that stays the same does
not say why this class.

A control that ignores the model fails both, by 1: its relevance does not change at all.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checked import checked
from audioxai_jax.core.logits import check_logits
from audioxai_jax.core.records import as_model, record
from audioxai_jax.metrics.correlation import rank_correlation
from audioxai_jax.metrics.parameter_groups import layers, parent
from audioxai_jax.types import Method, Model, attribute

ORDERS = ("cascading", "independent", "bottom_up")
DRAWS = ("permutation", "normal")


@record(static=("layers",))
class Randomisation:
    """How alike relevance is before and after, per layer; lower is better.

    Attributes:
      layers: names of the layers, in the order in which they were drawn anew, S of them.
      signed: C. Spearman's rank correlation of relevance, `[S]` in [-1, 1].
      absolute: correlation of absolute values, which a flip of all signs does not hide.
    """

    layers: tuple[str, ...]
    signed: Array
    absolute: Array


@checked
def parameter_randomisation(
    method: Method,
    model: Model,
    x: Array,
    target: Array | int,
    *,
    key: Array,
    order: str = "cascading",
    draw: str = "permutation",
    group: Callable[[str], str] = parent,
) -> Randomisation:
    """Explains one example with more and more of the model's layers drawn anew.

    Args:
      method: explains the same target each time, with the same key.
      model: one example to logits `[K]`; its leaves are its parameters.
      x: the input, floating point.
      key: consumed; a layer is drawn alike in every order.
      order: "cascading", "independent" or "bottom_up".
      draw: see `redraw`.
      group: function that says which parameters are one layer, see `metrics.parameter_groups`.

    Returns:
      The similarities; NaN where relevance is constant, as it is once a network says the same
      whatever it hears, or not a number.

    Raises:
      ValueError: for an unknown order or draw, or a model without parameters.
    """
    model = as_model(model)
    model_key, method_key = jax.random.split(key)
    names, changed = stages(model, x, order=order, group=group)
    redrawn = redraw(model, model_key, draw=draw)

    def explain(model: Model) -> Array:
        return attribute(method, model, x, jnp.asarray(target), key=method_key).relevance

    def compare(changed: Array) -> tuple[Array, Array]:
        found = explain(choose(model, redrawn, changed))
        return rank_correlation(whole, found), rank_correlation(jnp.abs(whole), jnp.abs(found))

    whole = explain(model)
    signed, absolute = jax.lax.map(compare, jnp.asarray(changed))
    return Randomisation(names, signed, absolute)


@checked
def stages(
    model: Model, x: Array, *, order: str = "cascading", group: Callable[[str], str] = parent
) -> tuple[tuple[str, ...], np.ndarray]:
    """Which of the model's leaves are drawn anew in each stage, and the layer that is new in it.

    Returns:
      Names of layers `[S]`, and bool `[S, leaves]`, the leaves of `records.as_model(model)`.

    Raises:
      ValueError: for an unknown order, or a model without parameters.
    """
    if order not in ORDERS:
        raise ValueError(f"unknown order {order!r}: choose one of {', '.join(ORDERS)}")
    model = as_model(model)
    found = list(layers(model, x, group).items())
    if order == "cascading":
        found = found[::-1]
    changed = np.zeros((len(found), len(jax.tree.leaves(model))), bool)
    for row, (_, leaves) in enumerate(found):
        changed[row, list(leaves)] = True
    if order != "independent":
        changed = np.logical_or.accumulate(changed)
    return tuple(name for name, _ in found), changed


@checked
def redraw(model: Model, key: Array, *, draw: str = "permutation") -> Model:
    """The model with all floating-point parameters drawn anew, each array from its own key.

    Args:
      key: array i of the leaves takes `fold_in(key, i)`.
      draw: "permutation" shuffles the numbers of each array, so that all of their statistics
        stay, and variances positive; it leaves an array of equal numbers as it is. "normal"
        draws from a normal distribution of the array's mean and standard deviation.

    Raises:
      ValueError: for an unknown draw.
    """
    if draw not in DRAWS:
        raise ValueError(f"unknown draw {draw!r}: choose one of {', '.join(DRAWS)}")
    leaves, structure = jax.tree.flatten(as_model(model))

    def one(number: int, leaf: Array) -> Array:
        if not jnp.issubdtype(jnp.result_type(leaf), jnp.floating):
            return leaf
        leaf, own = jnp.asarray(leaf), jax.random.fold_in(key, number)
        if draw == "permutation":
            return jax.random.permutation(own, leaf.ravel()).reshape(leaf.shape)
        noise = jax.random.normal(own, leaf.shape, leaf.dtype)
        return jnp.mean(leaf) + jnp.std(leaf) * noise

    return jax.tree.unflatten(structure, [one(n, leaf) for n, leaf in enumerate(leaves)])


@checked
def choose(model: Model, other: Model, changed: Array | np.ndarray) -> Model:
    """The model with the leaves of another where `changed`, bool `[leaves]`."""
    leaves, structure = jax.tree.flatten(as_model(model))
    pairs = zip(leaves, jax.tree.leaves(as_model(other)), strict=True)
    mixed = [jnp.where(changed[n], new, old) for n, (old, new) in enumerate(pairs)]
    return jax.tree.unflatten(structure, mixed)


@checked
def random_logit(
    method: Method, model: Model, x: Array, target: Array | int, *, key: Array
) -> Array:
    """Rank correlation of relevance for the target and for another class; lower is better.

    The other class is drawn, each equally likely; the method has one key for both.

    Returns:
      A scalar in [-1, 1]; NaN if either is constant or not a number.

    Raises:
      ValueError: if the model knows one class only.
    """
    class_key, method_key = jax.random.split(key)
    logits = jax.eval_shape(model, x)
    check_logits(logits)
    other = other_class(target, logits.shape[0], class_key)
    both = jnp.stack([jnp.asarray(target, jnp.int32), other])
    a, b = jax.lax.map(
        lambda target: attribute(method, model, x, target, key=method_key).relevance, both
    )
    return rank_correlation(a, b)


@checked
def other_class(target: Array | int, classes: int, key: Array) -> Array:
    """A class that is not the target, int32, each of the others equally likely.

    Raises:
      ValueError: if there is no other.
    """
    if classes < 2:
        raise ValueError(f"the model has {classes} class: there is no other to explain")
    drawn = jax.random.randint(key, (), 1, classes)
    return ((jnp.asarray(target, jnp.int32) + drawn) % classes).astype(jnp.int32)
