"""Attribution methods, one a file. To add one: write its file, add its line to METHODS."""

from collections.abc import Callable

from audioxai_jax.attribution.input_x_gradient import input_x_gradient
from audioxai_jax.attribution.integrated_gradients import integrated_gradients
from audioxai_jax.attribution.magnitude_control import magnitude_control
from audioxai_jax.attribution.random_control import random_control
from audioxai_jax.attribution.saliency import saliency
from audioxai_jax.types import Method

METHODS: dict[str, Callable[..., Method]] = {
    "input_x_gradient": input_x_gradient,
    "integrated_gradients": integrated_gradients,
    "magnitude_control": magnitude_control,
    "random_control": random_control,
    "saliency": saliency,
}

__all__ = [
    "METHODS",
    "input_x_gradient",
    "integrated_gradients",
    "magnitude_control",
    "random_control",
    "saliency",
]
