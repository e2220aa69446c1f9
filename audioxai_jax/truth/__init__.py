"""Truths: trials of explanations where the reasons of a model are known; one file each.

To add one: write its file with `build` and `BARS`, and give it a row here.
`tests/truth/test_conformance.py` covers it then, and `experiments/truth` ranks methods by it.
"""

from audioxai_jax.truth import band, cell, onset, time
from audioxai_jax.truth.record import Bar, Check, Trial, Truth

_ONSET = "A burst goes with a class at rho: does relevance on it rise with rho, from chance?"
TRUTHS: dict[str, Truth] = {
    "band": Truth("Which of four tones decides, among dozens?", band.build, band.BARS),
    "cell": Truth("Which of twenty equally loud boxes decides?", cell.build, cell.BARS),
    **{
        f"onset_{percent}": Truth(
            f"{_ONSET} rho = {percent / 100}",
            onset.build,
            onset.BARS.get(percent / 100, ()),
            options={"rho": percent / 100},
        )
        for percent in (0, 25, 50, 75, 100)
    },
    "time": Truth("Which of ten equally loud events decides?", time.build, time.BARS),
}
"""Truths by name."""

__all__ = ["TRUTHS", "Bar", "Check", "Trial", "Truth"]
