"""Truths: trials of explanations where the reasons of a model are known; one file each.

To add one: write its file with `build` and `BARS`, and give it a row here.
`tests/truth/test_conformance.py` covers it then, and `experiments/truth` ranks methods by it.
"""

from audioxai_jax.truth import (
    additive,
    band,
    cell,
    closed,
    factor,
    interaction,
    latent,
    mixture,
    neurons,
    nothing,
    onset,
    partial_spoof,
    shortcut,
    time,
    vowel,
)
from audioxai_jax.truth.record import Bar, Check, Trial, Truth

ONSET = "How much matters a burst that goes with a class at rho = {}?"
FACTOR = "Is the {} of a voice why a network decides?"

TRUTHS: dict[str, Truth] = {
    "additive": Truth(
        "How much does each level of a latent add to a sum?",
        additive.build,
        closed.BARS,
        exact=True,
    ),
    "band": Truth("Which of four tones decides, among dozens?", band.build, band.BARS),
    "cell": Truth("Which of twenty equally loud boxes decides?", cell.build, cell.BARS),
    **{
        f"factor_{name}": Truth(
            FACTOR.format(name), factor.build, factor.BARS, options={"factor": name}
        )
        for name in sorted(factor.FACTORS)
    },
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
    "mixture_music": Truth(
        "Where is the word that is heard in music?",
        mixture.build,
        mixture.BARS["music"],
        ("speech_commands",),
        options={"contaminant": "music"},
    ),
    "mixture_noise": Truth(
        "Where is the word that is heard in noise?",
        mixture.build,
        mixture.BARS["noise"],
        ("speech_commands",),
        options={"contaminant": "noise"},
    ),
    "mixture_speech": Truth(
        "Where is the one of two words that is heard?",
        mixture.build,
        mixture.BARS["speech"],
        ("speech_commands",),
        options={"contaminant": "speech"},
    ),
    "neurons": Truth(
        "Which hidden units of a network carry its decision?", neurons.build, neurons.BARS
    ),
    "nothing_ignored": Truth(
        "Has a half that never reaches the network any relevance?",
        nothing.ignored,
        nothing.IGNORED_BARS,
    ),
    "nothing_shuffled": Truth(
        "Does relevance follow an event that told the network nothing?",
        nothing.shuffled,
        nothing.SHUFFLED_BARS,
    ),
    **{
        f"onset_{name}": Truth(
            ONSET.format(rho), onset.build, onset.BARS[rho], options={"rho": rho}
        )
        for name, rho in sorted((f"{round(100 * rho)}", rho) for rho in onset.BARS)
    },
    "partial_spoof": Truth(
        "Which stretch of speech was said by a machine?",
        partial_spoof.build,
        partial_spoof.BARS,
        ("speech_commands",),
    ),
    "shortcut_clipping": Truth(
        "Which stretch is overdriven?",
        shortcut.build,
        shortcut.BARS,
        options={"cue": "clipping"},
    ),
    "shortcut_codec": Truth(
        "Which band would a codec have removed?",
        shortcut.build,
        shortcut.BARS,
        options={"cue": "codec"},
    ),
    "shortcut_hum": Truth(
        "Where is the hum of the mains?",
        shortcut.build,
        shortcut.BARS,
        options={"cue": "hum"},
    ),
    "shortcut_silence": Truth(
        "What does a clip have that begins at once?",
        shortcut.build,
        shortcut.BARS,
        options={"cue": "silence"},
    ),
    "shortcut_tone": Truth(
        "Where is the soft tone that gives the class away?",
        shortcut.build,
        shortcut.BARS,
        options={"cue": "tone"},
    ),
    "time": Truth("Which of ten equally loud events decides?", time.build, time.BARS),
    "vowel": Truth("Are the first two formants why a vowel is heard?", vowel.build, vowel.BARS),
}
"""Truths by name."""

__all__ = ["TRUTHS", "Bar", "Check", "Trial", "Truth"]
