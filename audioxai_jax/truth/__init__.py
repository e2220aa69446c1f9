"""Truths: trials of explanations where the reasons of a model are known; one file each.

To add one: write its file with `build` and `BARS`, and give it a row here.
`tests/truth/test_conformance.py` covers it then, and `experiments/truth` ranks methods by it.
"""

from audioxai_jax.truth import (
    additive,
    band,
    cell,
    closed,
    interaction,
    latent,
    neurons,
    onset,
    time,
)
from audioxai_jax.truth.record import Bar, Check, Trial, Truth

TRUTHS: dict[str, Truth] = {
    "additive": Truth(
        "How much does each level of a latent add to a sum?",
        additive.build,
        closed.BARS,
        exact=True,
    ),
    "band": Truth("Which of four tones decides, among dozens?", band.build, band.BARS),
    "cell": Truth("Which of twenty equally loud boxes decides?", cell.build, cell.BARS),
    "interaction_max": Truth(
        "How much has each event of the loudest of several?",
        interaction.build,
        closed.BARS,
        exact=True,
        options={"kind": "max"},
    ),
    "interaction_product": Truth(
        "How much has each event where several are needed together?",
        interaction.build,
        closed.BARS,
        exact=True,
        options={"kind": "product"},
    ),
    "interaction_xor": Truth(
        "How much has each event where one of two is needed and not both?",
        interaction.build,
        closed.BARS,
        exact=True,
        options={"kind": "xor"},
    ),
    "latent": Truth(
        "Which features of a codec's latent does a network read?", latent.build, latent.BARS
    ),
    "neurons": Truth(
        "Which hidden units of a network carry its decision?", neurons.build, neurons.BARS
    ),
    "onset_0": Truth(
        "How much matters a burst that goes with a class at rho = 0.0?",
        onset.build,
        onset.BARS[0.0],
        options={"rho": 0.0},
    ),
    "onset_100": Truth(
        "How much matters a burst that goes with a class at rho = 1.0?",
        onset.build,
        onset.BARS[1.0],
        options={"rho": 1.0},
    ),
    "onset_25": Truth(
        "How much matters a burst that goes with a class at rho = 0.25?",
        onset.build,
        onset.BARS[0.25],
        options={"rho": 0.25},
    ),
    "onset_50": Truth(
        "How much matters a burst that goes with a class at rho = 0.5?",
        onset.build,
        onset.BARS[0.5],
        options={"rho": 0.5},
    ),
    "onset_75": Truth(
        "How much matters a burst that goes with a class at rho = 0.75?",
        onset.build,
        onset.BARS[0.75],
        options={"rho": 0.75},
    ),
    "time": Truth("Which of ten equally loud events decides?", time.build, time.BARS),
}
"""Truths by name."""

__all__ = ["TRUTHS", "Bar", "Check", "Trial", "Truth"]
