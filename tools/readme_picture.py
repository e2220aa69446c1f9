"""Draws the README's picture: the bundled clip, and why it was heard as it was.

python -m tools.readme_picture --out docs/explanation.png
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from audioxai_jax import explain_batch
from audioxai_jax.cli.console import BUNDLED, Parser, output_file, run_main
from audioxai_jax.core.files import make_folder, writing
from audioxai_jax.data.audio import read_clip
from audioxai_jax.report import figures
from audioxai_jax.weights import load

PLACES = {
    "the whole clip": "original",
    "codec only": "reconstruction",
    "top 10 % kept": "explanation",
    "top 10 % removed": "removed",
    "random 10 % kept": "random",
}


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=output_file, required=True)
    options = parser.parse_args()
    codec = load.load_codec("gainshape_16khz")
    classifier = load.load_classifier("keywords")
    clip = read_clip(BUNDLED, codec.sample_rate)
    audio = np.zeros(codec.sample_rate, np.float32)
    audio[: len(clip.samples)] = clip.samples
    found = jax.tree.map(
        lambda leaf: np.asarray(leaf)[0], explain_batch(codec, classifier, jnp.asarray(audio)[None])
    )

    figure = Figure(figsize=(10, 5.2), facecolor="white", dpi=144)
    frame = codec.hop / codec.sample_rate
    waves = figure.add_axes((0.07, 0.70, 0.58, 0.25))
    figures.waveform(
        waves,
        audio,
        codec.sample_rate,
        relevance=found.relevance,
        frame_seconds=frame,
        kept=found.sounds["explanation"],
    )
    waves.set_title("grey: the clip   orange: the part to listen to", fontsize=9, loc="left")
    mel = figure.add_axes((0.07, 0.38, 0.58, 0.24))
    figures.mel_spectrogram(
        mel, audio, codec.sample_rate, relevance=found.relevance, frame_seconds=frame
    )
    latent = figure.add_axes((0.07, 0.07, 0.58, 0.24))
    figures.latent_map(latent, found.relevance, frame_seconds=frame)

    target = int(found.target)
    bars = figure.add_axes((0.80, 0.07, 0.18, 0.80))
    for row, (title, name) in enumerate(PLACES.items()):
        chances = np.asarray(jax.nn.softmax(found.logits[name]))
        best = int(chances.argmax())
        bars.barh(
            row, chances[best], alpha=0.5, color=figures.WARM if best == target else figures.COOL
        )
        label = f"{classifier.labels[best].strip('_')} {chances[best]:.0%}"
        bars.text(0.03, row, label, va="center", fontsize=9, color="black")
    bars.set(xlim=(0, 1), xticks=[], yticks=range(len(PLACES)), yticklabels=list(PLACES))
    bars.set_title("what the model hears", fontsize=9, loc="left")
    bars.invert_yaxis()
    bars.spines[["top", "right", "bottom"]].set_visible(False)
    make_folder(options.out.parent)
    with writing(options.out) as stream:
        figure.savefig(stream, format=options.out.suffix[1:] or "png")


if __name__ == "__main__":
    sys.exit(run_main(main))
