"""Attribution methods, one a file. To add one: write its file, import it, and name it in METHODS.

Its name is then exported here and by the package, is known to the command, and
`tests/attribution/test_conformance.py` covers it.
"""

from collections.abc import Callable

from audioxai_jax.attribution.adaptive_integrated_gradients import adaptive_integrated_gradients
from audioxai_jax.attribution.caveats import caveats
from audioxai_jax.attribution.deep_lift import deep_lift
from audioxai_jax.attribution.expected_gradients import expected_gradients, gradient_shap
from audioxai_jax.attribution.feature_ablation import feature_ablation
from audioxai_jax.attribution.grad_cam import grad_cam
from audioxai_jax.attribution.guided_integrated_gradients import guided_integrated_gradients
from audioxai_jax.attribution.input_x_gradient import input_x_gradient
from audioxai_jax.attribution.integrated_gradients import integrated_gradients
from audioxai_jax.attribution.kernel_shap import kernel_shap
from audioxai_jax.attribution.layer import layer_attribution
from audioxai_jax.attribution.lime import lime
from audioxai_jax.attribution.magnitude_control import magnitude_control
from audioxai_jax.attribution.occlusion import occlusion
from audioxai_jax.attribution.over_baselines import over_baselines
from audioxai_jax.attribution.postprocess import absolute, normalise, rectify, sum_channels
from audioxai_jax.attribution.random_control import random_control
from audioxai_jax.attribution.rectified_gradients import deconvolution, guided_backprop
from audioxai_jax.attribution.rise import rise
from audioxai_jax.attribution.saliency import saliency, signed_gradient
from audioxai_jax.attribution.shapley_sampling import shapley_sampling
from audioxai_jax.attribution.shapley_values import shapley_values
from audioxai_jax.attribution.smoothgrad import smoothgrad, squaregrad, vargrad
from audioxai_jax.propagation.method import lrp
from audioxai_jax.types import Method

METHODS: dict[str, Callable[..., Method]] = {
    factory.__name__: factory
    for factory in (
        absolute,
        adaptive_integrated_gradients,
        deconvolution,
        deep_lift,
        expected_gradients,
        feature_ablation,
        grad_cam,
        gradient_shap,
        guided_backprop,
        guided_integrated_gradients,
        input_x_gradient,
        integrated_gradients,
        kernel_shap,
        lime,
        lrp,
        magnitude_control,
        normalise,
        occlusion,
        over_baselines,
        random_control,
        rectify,
        rise,
        saliency,
        shapley_sampling,
        shapley_values,
        signed_gradient,
        smoothgrad,
        squaregrad,
        sum_channels,
        vargrad,
    )
}
"""Factories by name. Combinators are here too, with a method of their own to change."""

__all__ = ["METHODS", "caveats", "layer_attribution", *METHODS]  # pyright: ignore[reportUnsupportedDunderAll]
