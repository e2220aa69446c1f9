"""Truths: trials of explanations where the reasons of a model are known; one file each.

To add one: write its file with `build` and `BARS`, and give it a row here.
`tests/truth/test_conformance.py` covers it then, and `experiments/truth` ranks methods by it.
"""

from audioxai_jax.truth import additive, cell, closed, interaction, latent, neurons, time
from audioxai_jax.truth.record import Bar, Check, Trial, Truth

TRUTHS: dict[str, Truth] = {
    "additive": Truth(
        "How much does each level of a latent add to a sum?",
        additive.build,
        closed.BARS,
        exact=True,
    ),
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
    "time": Truth("Which of ten equally loud events decides?", time.build, time.BARS),
}
"""Truths by name."""

__all__ = ["TRUTHS", "Bar", "Check", "Trial", "Truth"]
