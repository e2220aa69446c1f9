"""Truths: trials of explanations where the reasons of a model are known; one file each.

To add one: write its file with `build` and `BARS`, and give it a row here.
`tests/truth/test_conformance.py` covers it then, and `experiments/truth` ranks methods by it.
"""

from audioxai_jax.truth import latent, time
from audioxai_jax.truth.record import Bar, Check, Trial, Truth

TRUTHS: dict[str, Truth] = {
    "latent": Truth(
        "Which features of a codec's latent does a network read?", latent.build, latent.BARS
    ),
    "time": Truth("Which of ten equally loud events decides?", time.build, time.BARS),
}
"""Truths by name."""

__all__ = ["TRUTHS", "Bar", "Check", "Trial", "Truth"]
