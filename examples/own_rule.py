"""A rule of relevance propagation. Also: audioxai explain --method own_rule.py:build"""

import jax
import jax.numpy as jnp

import audioxai_jax as ax
from audioxai_jax.propagation import composite, kind, rules


def magnitudes(lin, x, w, b, z, R):
    """In proportion to |x| |w|. lin: the layer, z: its output, R: the output's relevance."""
    total = lin(jnp.abs(x), jnp.abs(w)) + jnp.abs(b)
    return jnp.abs(x) * rules.transposed(lin, x, jnp.abs(w))(rules.divide(R, total))


def build():
    return ax.lrp(composite([(kind("conv", "dense"), magnitudes)]))


if __name__ == "__main__":
    classifier = ax.load_classifier("keywords")
    clip = ax.read_clip(ax.example_clip(), 16_000)
    explanation = ax.explain(
        classifier, clip.samples, method=build(), keep=0.1, key=jax.random.key(0)
    )
    ax.write_wav("explanation.wav", explanation.sounds["explanation"], 16_000)
