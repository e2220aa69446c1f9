"""What takes the place of deleted features: the operators that are compared.

Each is `(features [N, ..], trial, key) -> values [N, ..]` for all examples of a trial, features
of its own domain; all are finite and none looks at an explanation.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.batching import map_examples
from audioxai_jax.perturbation.counterpart import Counterpart, adversarial_counterpart
from audioxai_jax.synthesis.bases import next_of_another_class
from audioxai_jax.truth import Trial

SNR_DB = 20.0
"""Bound of the adversarial counterpart: the change is that much below the example."""
STEPS = 40
"""Most gradients that a counterpart takes."""


def features_of(trial: Trial) -> Array:
    """Features of each example, `[N, ..]`."""
    return map_examples(_features, trial.view, trial.examples, key=jax.random.key(0))


def absent(features: Array, trial: Trial, key: Array) -> Array:
    """The trial's own value of an absent feature."""
    del key
    return jnp.full_like(features, trial.baseline)


def mean(features: Array, trial: Trial, key: Array) -> Array:
    """The mean example."""
    del trial, key
    return jnp.broadcast_to(jnp.mean(features, axis=0), features.shape)


def noise(features: Array, trial: Trial, key: Array) -> Array:
    """Normal noise with mean and deviation of the example's features."""
    del trial
    axes = tuple(range(1, features.ndim))
    centre = jnp.mean(features, axis=axes, keepdims=True)
    spread = jnp.std(features, axis=axes, keepdims=True)
    return centre + spread * jax.random.normal(key, features.shape, features.dtype)


def another_class(features: Array, trial: Trial, key: Array) -> Array:
    """The features of the next example of another class.

    Raises:
      ValueError: if all examples are of one class.
    """
    del key
    return features[next_of_another_class(trial.targets)]


def counterpart(features: Array, trial: Trial, key: Array) -> Array:
    """The adversarial counterpart, see `perturbation.counterpart`.

    Raises:
      ValueError: for a model of a single logit.
    """
    del features, key
    return counterparts(trial).x


def counterparts(trial: Trial, snr_db: float = SNR_DB) -> Counterpart:
    """The counterpart of each example, in its own features."""
    examples = (trial.examples, jnp.asarray(trial.targets, jnp.int32))
    shared = (trial.view, jnp.asarray(snr_db, jnp.float32))
    return map_examples(_counterpart, shared, examples, key=jax.random.key(0), chunk=8)


OPERATORS: dict[str, Callable[[Array, Trial, Array], Array]] = {
    "absent": absent,
    "mean": mean,
    "noise": noise,
    "another class": another_class,
    "adversarial": counterpart,
}
"""Operators by name."""


def values(trial: Trial, seed: int) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Values of each operator, `[N, ..]`, and why others have none."""
    features, made, refused = features_of(trial), {}, {}
    for number, (name, operator) in enumerate(OPERATORS.items()):
        try:
            key = jax.random.fold_in(jax.random.key(seed), number)
            made[name] = np.asarray(operator(features, trial, key))
        except ValueError as error:
            refused[name] = str(error)
    return made, refused


def _features(view: Any, example: Any, key: Array) -> Array:
    del key
    return view(example)[1]


def _counterpart(shared: Any, example: Any, key: Array) -> Counterpart:
    del key
    (view, snr_db), (opened, target) = shared, example
    model, features = view(opened)
    return adversarial_counterpart(model, features, target, snr_db=snr_db, steps=STEPS)
