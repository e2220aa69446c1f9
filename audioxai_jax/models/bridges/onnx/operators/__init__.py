"""The table of operators: one small file for each group, joined here."""

from audioxai_jax.models.bridges.onnx.operators import (
    activations,
    arithmetic,
    control,
    convolution,
    indexing,
    microsoft,
    normalisation,
    pooling,
    products,
    quantised,
    recurrent,
    reductions,
    resizing,
    sequences,
    shapes,
    spectra,
)
from audioxai_jax.models.bridges.onnx.operators.base import Operator

_GROUPS = (
    *(activations, arithmetic, control, convolution, indexing, normalisation, pooling, products),
    *(quantised, recurrent, reductions, resizing, sequences, shapes, spectra),
)

OPERATORS: dict[tuple[str, str], Operator] = {
    **{("", name): operator for group in _GROUPS for name, operator in group.TABLE.items()},
    **{("com.microsoft", name): operator for name, operator in microsoft.TABLE.items()},
    ("", "SimplifiedLayerNormalization"): microsoft.SIMPLIFIED,
}
"""How each operator is computed, by its domain ("" is ONNX itself) and name."""

_DRAWS = "the operator draws at random, so that the model is not a function of its input"
_TEXTS = "the operator computes with texts, not numbers"
REFUSED = {
    **dict.fromkeys(("RandomNormal", "RandomNormalLike", "RandomUniform"), _DRAWS),
    **dict.fromkeys(("RandomUniformLike", "Bernoulli", "Multinomial"), _DRAWS),
    **dict.fromkeys(("StringNormalizer", "StringConcat", "StringSplit"), _TEXTS),
    **dict.fromkeys(("TfIdfVectorizer", "RegexFullMatch", "LabelEncoder"), _TEXTS),
}
"""Why some operators are not in the table and will not be."""
