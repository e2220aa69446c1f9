"""Truths: trials of explanations where the reasons of a model are known; one file each.

To add one: write its file with `build` and `BARS`, and give it a row here.
`tests/truth/test_conformance.py` covers it then, and `experiments/truth` ranks methods by it.
"""

from audioxai_jax.truth import factor, time, vowel
from audioxai_jax.truth.record import Bar, Check, Trial, Truth

FACTOR = "Which of five factors of a voice decides: {}?"

TRUTHS: dict[str, Truth] = {
    **{
        f"factor_{name}": Truth(
            FACTOR.format(name), factor.build, factor.BARS, options={"factor": name}
        )
        for name in sorted(factor.FACTORS)
    },
    "time": Truth("Which of ten equally loud events decides?", time.build, time.BARS),
    "vowel": Truth("Are the first two formants why a vowel is heard?", vowel.build, vowel.BARS),
}
"""Truths by name."""

__all__ = ["TRUTHS", "Bar", "Check", "Trial", "Truth"]
