"""Truths: trials of explanations where the reasons of a model are known; one file each.

To add one: write its file with `build` and `BARS`, and give it a row here.
`tests/truth/test_conformance.py` covers it then, and `experiments/truth` ranks methods by it.
"""

from audioxai_jax.truth import partial_spoof, time
from audioxai_jax.truth.record import Bar, Check, Trial, Truth

TRUTHS: dict[str, Truth] = {
    "partial_spoof": Truth(
        "Which stretch of speech was said by a machine?",
        partial_spoof.build,
        partial_spoof.BARS,
        ("speech_commands",),
    ),
    "time": Truth("Which of ten equally loud events decides?", time.build, time.BARS),
}
"""Truths by name."""

__all__ = ["TRUTHS", "Bar", "Check", "Trial", "Truth"]
