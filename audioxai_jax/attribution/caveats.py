"""What a reader of an explanation must know of the method that made it, a sentence each.

A method may say of a model what it could not do there: by a function `caveats(model, x)` of its
own, which returns sentences. What it knows of its result is in its info.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jax import Array

from audioxai_jax.attribution.promises import inside
from audioxai_jax.types import Method, Model

GAP = 0.05
"""A sum that is further from what was promised is told: relevance of one feature in twenty."""

ROUNDING = 1e-3
"""Parts of the summed magnitude of relevance: a smaller error is told by none of its figures."""

ADVICE = {
    "samples": "more samples",
    "most": "a larger `most`, its number of nodes",
    "steps": "more steps",
}


def caveats(
    method: Method, model: Model, x: Array, relevance: Array, info: Mapping[str, Any]
) -> tuple[str, ...]:
    """What must be said of the relevance of one example, a sentence each; mostly nothing.

    Args:
      method: method that made it; methods inside it are asked, too.
      model: one example to logits `[K]`.
      x: the example.
      relevance: shaped as x.
      info: info of the attribution, see `types.make_info`.

    >>> import jax, jax.numpy as jnp
    >>> from audioxai_jax import guided_backprop
    >>> model, x = lambda x: jnp.sum(jnp.tanh(x))[None], jnp.ones(2)
    >>> found = guided_backprop()(model, x, 0, key=jax.random.key(0))
    >>> caveats(guided_backprop(), model, x, found.relevance, found.info)
    ('guided_backprop found no ReLU in the model: this is its plain gradient',)
    """
    methods = list(inside(method))
    told = [text for one in methods for text in getattr(one, "caveats", _nothing)(model, x)]
    tolerance = max((float(getattr(one, "tolerance", 0)) for one in methods), default=0.0)
    if told_gap := _gap(methods, relevance, float(info["completeness_gap"]), tolerance):
        told.append(told_gap)
    return tuple(dict.fromkeys(told))


def _nothing(model: Model, x: Array) -> tuple[str, ...]:
    return ()


def _gap(methods: list[Any], relevance: Array, gap: float, tolerance: float) -> str:
    """A sentence where relevance does not sum to what it should, "" where it does.

    The change of the logit follows from the sum s and the gap g: s / (1 + g) or s / (1 - g). It
    may be next to nothing beside the relevance that cancels in it: then the gap is rounding.
    """
    noisy = any(getattr(one, "name", "") == "gradient_shap" for one in methods)
    if noisy or not gap > max(GAP, tolerance):
        return ""  # the sum of noisy copies is not promised
    sums, size = float(np.sum(relevance)), float(np.sum(np.abs(relevance)))
    error = gap * abs(sums) / min(1 + gap, max(abs(1 - gap), 1e-9))
    if abs(1 - gap) > GAP and error < ROUNDING * size:
        return ""
    known = (text for name, text in ADVICE.items() if any(hasattr(one, name) for one in methods))
    advice = next((f"{text} may help" for text in known), "ask another method as well")
    percent = f"{100 * gap:.2g}" if gap < 1 else f"{100 * gap:.0f}"
    return (
        f"the relevance sums to {sums:.3g}, {percent} % off the change of the score from the "
        f"baseline to the clip, which this method promises to share out; {advice}"
    )
