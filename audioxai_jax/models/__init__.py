"""Wrappers of models: what is asked of one, long clips, precision, sample rates, derivatives."""

from audioxai_jax.core.windows import windowed
from audioxai_jax.models.outputs import (
    combination,
    frames,
    label_probability,
    log_probability,
    margin,
    one_label,
    probability,
    scalar,
)
from audioxai_jax.models.precision import cast
from audioxai_jax.models.resampling import resample
from audioxai_jax.models.safe_gradients import safe_gradients

__all__ = [
    "cast",
    "combination",
    "frames",
    "label_probability",
    "log_probability",
    "margin",
    "one_label",
    "probability",
    "resample",
    "safe_gradients",
    "scalar",
    "windowed",
]
