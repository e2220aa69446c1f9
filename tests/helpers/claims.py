"""Which methods promise what, and which of them run with --full-size only."""

GRADIENTS = {
    "adaptive_integrated_gradients",
    "expected_gradients",
    "gradient_shap",
    "input_x_gradient",
    "integrated_gradients",
    "over_baselines",
    "signed_gradient",
    "smoothgrad",
}
GROUPED = {
    "feature_ablation",
    "kernel_shap",
    "lime",
    "occlusion",
    "rise",
    "shapley_sampling",
    "shapley_values",
}
CLAIMS = {
    # Draws by the key; the others leave it unused.
    "random": {
        "expected_gradients",
        "gradient_shap",
        "kernel_shap",
        "lime",
        "random_control",
        "rise",
        "shapley_sampling",
        "smoothgrad",
        "squaregrad",
        "vargrad",
    },
    # Its info's completeness gap is a number, and small.
    "completeness": {
        "adaptive_integrated_gradients",
        "deep_lift",
        "integrated_gradients",
        "kernel_shap",
        "over_baselines",
        "shapley_sampling",
        "shapley_values",
    },
    # A feature that the model ignores gets nothing.
    "sensitivity": GRADIENTS
    | {
        "deconvolution",
        "deep_lift",
        "guided_backprop",
        "guided_integrated_gradients",
        "saliency",
        "squaregrad",
        "vargrad",
    },
    # Relevance for a f + b g is a times that for f and b times that for g.
    "linearity": (GRADIENTS | GROUPED) - {"adaptive_integrated_gradients"},
    # Two networks that compute the same function have the same relevance.
    "invariance": GRADIENTS
    | GROUPED
    | {"guided_integrated_gradients", "saliency", "squaregrad", "vargrad"},
    # Features that can be exchanged are equally relevant.
    "symmetry": {
        "deep_lift",
        "input_x_gradient",
        "integrated_gradients",
        "occlusion",
        "saliency",
        "shapley_values",
    },
    # Looks at the input alone.
    "blind": {"magnitude_control", "random_control"},
}
COVERED = {
    "absolute",
    "gradient_shap",
    "normalise",
    "squaregrad",
    "sum_channels",
    "vargrad",
}
"""Variants and wrappers of methods that always run: these run with --full-size."""
FEW = {"guided_integrated_gradients": {"steps": 20}, "rise": {"samples": 100}}
"""Options with which a method is done sooner; the others are made with their defaults."""
