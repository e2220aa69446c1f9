"""Hear why an audio classifier decided what it did."""

from audioxai_jax import lrp
from audioxai_jax.attribution import (
    METHODS,
    deconvolution,
    deep_lift,
    guided_backprop,
    input_x_gradient,
    integrated_gradients,
    magnitude_control,
    random_control,
    saliency,
)
from audioxai_jax.batching import iterate_examples, map_examples
from audioxai_jax.explain import explain, explain_batch
from audioxai_jax.synthesis.masks import top_fraction
from audioxai_jax.synthesis.replacement import BASES, mean, mix, noise, zero
from audioxai_jax.types import (
    Attribution,
    Base,
    Classifier,
    Codec,
    Explanation,
    Masker,
    Method,
    Model,
    as_model,
    make_info,
    record,
)
from audioxai_jax.windows import windowed

__all__ = [
    "Attribution",
    "BASES",
    "Base",
    "Classifier",
    "Codec",
    "Explanation",
    "METHODS",
    "Masker",
    "Method",
    "Model",
    "as_model",
    "deconvolution",
    "deep_lift",
    "explain",
    "explain_batch",
    "guided_backprop",
    "input_x_gradient",
    "integrated_gradients",
    "iterate_examples",
    "lrp",
    "magnitude_control",
    "make_info",
    "map_examples",
    "mean",
    "mix",
    "noise",
    "random_control",
    "record",
    "saliency",
    "top_fraction",
    "windowed",
    "zero",
]
