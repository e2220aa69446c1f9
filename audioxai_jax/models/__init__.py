"""Wrappers of models: what is asked of one, long clips, precision, sample rates, derivatives."""

from audioxai_jax.core.windows import windowed
from audioxai_jax.models.ctc import ctc_token, ctc_word
from audioxai_jax.models.outputs import (
    combination,
    label_probability,
    log_probability,
    margin,
    one_label,
    probability,
    scalar,
)
from audioxai_jax.models.over_time import frames, maximum_over_time, mean_over_time
from audioxai_jax.models.precision import cast
from audioxai_jax.models.resampling import resample
from audioxai_jax.models.safe_gradients import safe_gradients
from audioxai_jax.models.similarity import similarity
from audioxai_jax.models.state import carried, with_state

__all__ = [
    "carried",
    "cast",
    "combination",
    "ctc_token",
    "ctc_word",
    "frames",
    "label_probability",
    "log_probability",
    "margin",
    "maximum_over_time",
    "mean_over_time",
    "one_label",
    "probability",
    "resample",
    "safe_gradients",
    "scalar",
    "similarity",
    "windowed",
    "with_state",
]
