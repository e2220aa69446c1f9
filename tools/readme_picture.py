"""Draws the README's picture: the bundled clip, and why it was heard as it was.

python -m tools.readme_picture --out docs/explanation.png
"""

import sys

from matplotlib.figure import Figure

import audioxai_jax as ax
from audioxai_jax.cli.console import Parser, output_file, run_main
from audioxai_jax.core.files import make_folder, writing
from audioxai_jax.data.audio import read_clip
from audioxai_jax.data.example import example_clip
from audioxai_jax.report import figures
from audioxai_jax.runs.drawings import draw_explanation
from audioxai_jax.runs.explain_clips import explain_clip
from audioxai_jax.runs.explained import Settings

TITLES = {
    "the whole clip": "original",
    "codec only": "reconstruction",
    "top 10 % kept": "explanation",
    "top 10 % deleted": "removed",
    "random 10 % kept": "random",
}


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=output_file, required=True)
    options = parser.parse_args()
    classifier = ax.load_classifier("gainshape32_keywords")
    clip = read_clip(example_clip(), classifier.reads.sample_rate)
    settings = Settings(ax.lrp("latent_transformer"), ax.bases.own(), rank="hearable")
    explained = explain_clip(classifier, clip, settings)
    drawing = draw_explanation(
        explained.sounds, clip.sample_rate, explained.relevance, explained.axes
    )
    seconds = len(clip.samples) / clip.sample_rate

    figure = Figure(figsize=(10, 5.2), facecolor="white", dpi=144)
    waves = figure.add_axes((0.07, 0.70, 0.58, 0.25))
    figures.waveform(
        waves,
        drawing.original,
        drawing.sample_rate,
        over_time=drawing.over_time,
        kept=drawing.kept,
    )
    waves.set_title("grey: the clip   orange: the part to listen to", fontsize=9, loc="left")
    mel = figure.add_axes((0.07, 0.38, 0.58, 0.24))
    figures.spectrogram(mel, drawing.spectrogram, seconds, over_time=drawing.over_time)
    latent = figure.add_axes((0.07, 0.07, 0.58, 0.24))
    figures.relevance_image(latent, drawing.relevance, stop=seconds)

    bars = figure.add_axes((0.80, 0.07, 0.18, 0.80))
    for row, name in enumerate(TITLES.values()):
        answer = explained.heard(name)
        right = answer.label == explained.labels[explained.target]
        bars.barh(row, answer.probability, alpha=0.5, color=figures.WARM if right else figures.COOL)
        label = f"{answer.label.strip('_')} {answer.probability:.0%}"
        bars.text(0.03, row, label, va="center", fontsize=9, color="black")
    bars.set(xlim=(0, 1), xticks=[], yticks=range(len(TITLES)), yticklabels=list(TITLES))
    bars.set_title("what the model hears", fontsize=9, loc="left")
    bars.invert_yaxis()
    bars.spines[["top", "right", "bottom"]].set_visible(False)
    make_folder(options.out.parent)
    with writing(options.out) as stream:
        figure.savefig(stream, format=options.out.suffix[1:] or "png")


if __name__ == "__main__":
    sys.exit(run_main(main))
