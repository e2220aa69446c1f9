"""The domains of the study, and the methods that can be asked in each."""

import re
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from audioxai_jax import integrated_gradients
from audioxai_jax.domains import (
    bands,
    frequencies,
    keep_residual,
    latent,
    samples,
    time_frequency,
    wavelets,
)
from audioxai_jax.nets.classifiers import mel_cnn
from audioxai_jax.propagation.errors import UncoveredOperation
from audioxai_jax.propagation.method import lrp
from audioxai_jax.types import Codec, Method

CODEC = "gainshape_16khz"
"""Whose latent is "latent"."""
KEPT = "_residual"
"""Ends the name of a domain that keeps what its codec loses of the clip."""
SIMPLE = {
    "samples": samples,
    "frequencies": frequencies,
    "time_frequency": time_frequency,
    "bands": bands,
    "wavelets": wavelets,
}
NAMES = (*SIMPLE, "cells", "latent", f"latent{KEPT}", "lyra", f"lyra{KEPT}")


def make_domain(name: str, rate: int, codecs: Mapping[str, Codec]) -> Any:
    """One of NAMES.

    Args:
      rate: rate of the audio, Hz.
      codecs: codecs by the name of the domain that is its latent.
    """
    if name in SIMPLE:
        return SIMPLE[name](rate)
    if name == "cells":  # those that mel_cnn reads
        return mel_cnn.reads(mel_cnn.MelCnnConfig(sample_rate=rate))
    codec = codecs[name.removesuffix(KEPT)]
    plain = latent(codec)
    return keep_residual(plain) if name.endswith(KEPT) else plain


def fingerprint(name: str, codecs: Mapping[str, Codec]) -> str:
    """Which weights a domain stands on, "" for none."""
    codec = codecs.get(name.removesuffix(KEPT))
    return codec.fingerprint if codec else ""


def make_methods(heard: Any, features: jax.Array, base: jax.Array, steps: int):
    """Integrated gradients, and LRP if its composite covers the model as this domain sees it.

    Args:
      heard: the model of the features.
      features, base: features and base of any clip; the path of integrated gradients begins at the
        base.
      steps: number of steps of its quadrature.

    Returns:
      Methods by name; and why LRP is not among them, "" if it is.
    """
    methods: dict[str, Method] = {
        "integrated_gradients": integrated_gradients(steps=steps, baseline=base)
    }
    propagation = lrp("epsilon_plus")
    ask = lambda x: propagation(heard, x, jnp.asarray(0), key=jax.random.key(0)).relevance
    try:
        jax.eval_shape(ask, features)
    except UncoveredOperation as error:
        return methods, _without_folders(str(error).split(". ")[0])
    return methods | {"lrp": propagation}, ""


def _without_folders(text: str) -> str:
    """A message that names a place in the package, not on this machine."""
    return re.sub(r"\S*/(?=audioxai_jax/)", "", text)
