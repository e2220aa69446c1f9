"""Hear why an audio classifier decided what it did.

    import audioxai_jax as ax
    classifier = ax.load_classifier("keywords")
    clip = ax.read_clip(ax.example_clip(), classifier.reads.sample_rate)
    explanation = ax.explain(classifier, clip.samples, method=ax.lrp("epsilon_plus"), key=key)

Words that mean much live in namespaces: `bases`, `domains`, `masks`, `metrics`, `models`,
`propagation` (LRP), `streaming`. What needs flax or sound files is imported when it is used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from audioxai_jax import domains, metrics, models, propagation
from audioxai_jax.attribution import *
from audioxai_jax.attribution import METHODS
from audioxai_jax.core.batching import iterate_examples, map_examples
from audioxai_jax.core.records import as_model, record
from audioxai_jax.core.windows import windowed
from audioxai_jax.engine.batch import attribute_batch, attribute_classes
from audioxai_jax.engine.cost import preview
from audioxai_jax.explanation.assess import assess
from audioxai_jax.explanation.explain import explain, explain_batch
from audioxai_jax.explanation.record import Explanation
from audioxai_jax.perturbation.smallest import smallest_set
from audioxai_jax.synthesis import bases, masks
from audioxai_jax.tracing.gradient_flow import straight_through
from audioxai_jax.types import (
    Attribution,
    Base,
    Classifier,
    Codec,
    Masker,
    Method,
    Model,
    attribute,
    make_info,
)

if TYPE_CHECKING:
    from audioxai_jax import streaming
    from audioxai_jax.data.audio import read_clip, write_wav
    from audioxai_jax.data.conventions import as_clip
    from audioxai_jax.data.example import example_clip
    from audioxai_jax.models.bridges.huggingface import from_huggingface
    from audioxai_jax.models.bridges.keras import from_keras
    from audioxai_jax.models.bridges.onnx import from_onnx
    from audioxai_jax.models.bridges.pytorch import from_torch
    from audioxai_jax.models.bridges.tflite import from_tflite
    from audioxai_jax.models.subjects import load_subject
    from audioxai_jax.weights.load import load_classifier, load_codec, load_listener, load_network

    __version__: str

_LAZY = {
    "as_clip": "data.conventions",
    "example_clip": "data.example",
    "from_huggingface": "models.bridges.huggingface",
    "from_keras": "models.bridges.keras",
    "from_onnx": "models.bridges.onnx",
    "from_tflite": "models.bridges.tflite",
    "from_torch": "models.bridges.pytorch",
    "load_classifier": "weights.load",
    "load_codec": "weights.load",
    "load_listener": "weights.load",
    "load_network": "weights.load",
    "load_subject": "models.subjects",
    "read_clip": "data.audio",
    "streaming": "streaming",
    "write_wav": "data.audio",
}
"""Modules of names that are imported when used: flax, sound files, other frameworks."""

__all__ = [  # pyright: ignore[reportUnsupportedDunderAll]
    # A clip, a model, an explanation.
    *("load_classifier", "load_codec", "load_listener", "load_network"),
    *("from_torch", "from_onnx", "from_keras", "from_tflite", "from_huggingface", "load_subject"),
    *(
        "example_clip",
        "read_clip",
        "as_clip",
        "write_wav",
        "assess",
        "explain",
        "explain_batch",
        "smallest_set",
    ),
    # Methods: a factory each, and combinators.
    *("METHODS", "caveats", "layer_attribution", *METHODS),
    # How methods are run: one example, many, long ones.
    *("attribute", "attribute_batch", "attribute_classes", "preview"),
    *("iterate_examples", "map_examples", "windowed"),
    # Namespaces.
    *("bases", "domains", "masks", "metrics", "models", "propagation", "streaming"),
    # The vocabulary, and what methods and models of one's own need.
    *("Attribution", "Base", "Classifier", "Codec", "Explanation", "Masker", "Method", "Model"),
    *("as_model", "make_info", "record", "straight_through", "__version__"),
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("audioxai_jax")
    elif name in _LAZY:
        module = importlib.import_module(f"audioxai_jax.{_LAZY[name]}")
        value = module if name == _LAZY[name] else getattr(module, name)
    else:
        raise AttributeError(f"module 'audioxai_jax' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
