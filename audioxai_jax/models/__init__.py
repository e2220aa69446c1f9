"""Wrappers of models: what is asked of one, long clips, precision, sample rates."""

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
    "scalar",
    "windowed",
]
