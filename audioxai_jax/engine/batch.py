"""Relevance for many examples at once, with the memory of a few."""

from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from audioxai_jax.core.batching import as_devices, check_chunk, map_examples
from audioxai_jax.core.checks import as_input
from audioxai_jax.core.contracts import as_first_index, as_key, check_method, check_model
from audioxai_jax.core.logits import as_targets, check_classes, check_logits
from audioxai_jax.core.records import as_method, as_model
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.engine.cost import fitting_rows
from audioxai_jax.engine.estimator import CHUNK, Estimator, rechunk
from audioxai_jax.engine.stepwise import for_targets, stepwise
from audioxai_jax.types import Attribution, Method, Model, attribute


@relaxed()
def attribute_batch(
    method: Method,
    model: Model,
    x: Array,
    target: Array | int | None = None,
    *,
    key: Array,
    chunk: int | str = "auto",
    devices: list[jax.Device] | None = None,  # type: ignore[valid-type]
    first_index: int = 0,
) -> Attribution:
    """Relevance of each feature of each example.

    Example i draws from `fold_in(key, first_index + i)`: results do not depend on how examples
    are batched, chunked or spread over devices, but for the last digits.

    Args:
      method: any; the steps of estimators are taken from outside, see `stepwise`.
      model: one example to logits `[K]`; also a `Classifier`, of latents of a window or longer.
      x: examples `[N, ...]`, floating point.
      target: a class for all, one for each `[N]`, or several for each `[N, M]`, which share
        their forward passes; each example's own prediction if None. Of a `Classifier` also labels.
      key: key for everything random.
      chunk: evaluations of the model at once and per device: examples, and within these the
        steps or samples of the method. "auto" is 64, or fewer if they would not fit in memory.
      devices: examples are spread over these; all local devices if None.
      first_index: index of the first example in a larger collection.

    Returns:
      Relevance `[N, ...]` (`[N, M, ...]` for several targets), and `info` with such axes.

    Raises:
      ValueError: for examples, targets or chunks that do not fit, before anything is computed.
    """
    check_method(method)
    check_model(model, "the model")
    labels, model = getattr(model, "labels", None), as_model(model)
    method = cast(Method, as_method(method))
    key, x = as_key(key), as_input(x)
    if x.ndim == 0 or x.shape[0] == 0:
        raise ValueError(f"x must be a batch of examples [N, ...], got {list(x.shape)}")
    chunk, first_index = check_chunk(chunk), as_first_index(first_index, x.shape[0])
    devices = as_devices(devices)[: x.shape[0]]
    if target is None:
        target = _predictions(model, x, key, chunk, devices)
    targets = check_targets(model, x, as_targets(target, labels))
    if chunk == "auto":
        one = jax.ShapeDtypeStruct(x.shape[1:], x.dtype)
        chunk = fitting_rows(method, model, one, devices[0], targets=targets[0].size)
    return _attribute_all(method, model, x, targets, key, int(chunk), devices, first_index)


def _attribute_all(
    method: Method,
    model: Model,
    x: Array,
    targets: Array,
    key: Array,
    chunk: int,
    devices: list,
    first_index: int,
) -> Attribution:
    """Estimators step by step, other methods example by example."""
    if isinstance(method, Estimator):
        indices = np.arange(first_index, first_index + x.shape[0], dtype=np.uint32)
        results = dict(stepwise(method, model, (x, targets, indices), key, chunk, devices))
        parts = [results[number] for number in range(x.shape[0])]
        return jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *parts)
    one = jax.ShapeDtypeStruct(x.shape[1:], x.dtype)
    method, used = rechunk(method, chunk, one)  # of an estimator inside, such as rectify's
    return map_examples(
        _one,
        (method, model),
        (x, targets),
        key=key,
        chunk=max(1, chunk // used),
        devices=devices,
        first_index=first_index,
    )


def _predictions(model: Model, x: Array, key: Array, chunk: int | str, devices: list) -> Array:
    rows = CHUNK if chunk == "auto" else int(chunk)
    return map_examples(_predict, model, x, key=key, chunk=rows, devices=devices)


def attribute_classes(
    method: Method, model: Model, x: Array, classes: Array | None = None, *, key: Array
) -> Attribution:
    """Relevance of one example for several classes (all if None), `[K, ...]`, in one pass.

    What does not depend on the class, above all the forward passes, is computed once.

    Raises:
      ValueError: if one is not a class of the model (traced ones cannot be checked).
    """
    check_model(model, "the model")
    x = as_input(x)
    if classes is None:
        logits = jax.eval_shape(as_model(model), x)
        check_logits(logits)
        classes = jnp.arange(logits.shape[0])
    else:
        given = as_targets(classes, getattr(model, "labels", None))
        if given.ndim != 1:
            raise ValueError(f"classes must be several, [M], got {list(given.shape)}")
        traced = isinstance(given, Tracer)
        classes = given if traced else check_targets(as_model(model), x[None], given[None])[0]
    return jax.vmap(lambda target: attribute(method, model, x, target, key=key))(classes)


def check_targets(model: Model, x: Array, target: Any) -> Array:
    """Targets as int32 `[N]` or `[N, M]`.

    Raises:
      ValueError: if their shape does not fit, they are not integers, or one is not a class.
    """
    logits = jax.eval_shape(model, jax.ShapeDtypeStruct(x.shape[1:], x.dtype))
    check_logits(logits)
    targets = np.asarray(as_targets(target))
    if targets.ndim == 0:
        targets = np.broadcast_to(targets, x.shape[:1])
    if targets.ndim > 2 or targets.shape[0] != x.shape[0] or targets.size == 0:
        raise ValueError(
            f"targets {list(targets.shape)} do not fit {x.shape[0]} examples: give one class, "
            "one for each [N], or several for each [N, M]"
        )
    check_classes(targets, logits.shape[0])
    return jnp.asarray(targets, jnp.int32)


def _predict(model: Model, x: Array, key: Array) -> Array:
    del key
    return jnp.argmax(model(x)).astype(jnp.int32)


def _one(shared: Any, example: Any, key: Array) -> Attribution:
    (method, model), (x, target) = shared, example
    return for_targets(lambda target: attribute(method, model, x, target, key=key), target)
