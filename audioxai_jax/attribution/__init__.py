"""Attribution methods, one a file. To add one: write its file, add its line to METHODS."""

from collections.abc import Callable

from audioxai_jax.attribution.deep_lift import deep_lift
from audioxai_jax.attribution.input_x_gradient import input_x_gradient
from audioxai_jax.attribution.integrated_gradients import integrated_gradients
from audioxai_jax.attribution.magnitude_control import magnitude_control
from audioxai_jax.attribution.random_control import random_control
from audioxai_jax.attribution.rectified_gradients import deconvolution, guided_backprop
from audioxai_jax.attribution.saliency import saliency
from audioxai_jax.lrp.method import lrp
from audioxai_jax.types import Method

METHODS: dict[str, Callable[..., Method]] = {
    "deconvolution": deconvolution,
    "deep_lift": deep_lift,
    "guided_backprop": guided_backprop,
    "input_x_gradient": input_x_gradient,
    "integrated_gradients": integrated_gradients,
    "lrp": lrp,
    "magnitude_control": magnitude_control,
    "random_control": random_control,
    "saliency": saliency,
}

__all__ = [
    "METHODS",
    "deconvolution",
    "deep_lift",
    "guided_backprop",
    "input_x_gradient",
    "integrated_gradients",
    "lrp",
    "magnitude_control",
    "random_control",
    "saliency",
]
