"""Explains sound files: what `audioxai explain` does, in a form to copy and change.

    python scripts/explain.py CLIP ... --out DIR

Writes DIR/<stem>/original.wav, reconstruction.wav, explanation.wav, removed.wav, random.wav
and relevance.npy, and prints what the classifier hears in each of them; `--json FILE` writes
that, clip by clip. Clips are padded to
the longest one, so that all of them go through one compiled program.
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax import explain_batch, integrated_gradients, zero
from audioxai_jax.cli.console import (
    Parser,
    add_codec_options,
    add_json_option,
    aligned,
    output_folder,
    run_main,
    say,
    write_rows,
)
from audioxai_jax.core.files import make_folder, writing
from audioxai_jax.data.audio import read_clip, write_wav
from audioxai_jax.report.folder import folder_names
from audioxai_jax.runs import predictions
from audioxai_jax.runs.explain_clips import padded_length
from audioxai_jax.weights import pretrained

HEARD = ("original", "explanation", "removed", "reconstruction", "random")


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP")
    parser.add_argument("--out", type=output_folder, default=Path("explanation"), metavar="DIR")
    add_codec_options(parser)
    parser.add_argument("--classifier", help="name or path; the one that comes with the codec")
    parser.add_argument("--keep", type=float, default=0.1, help="fraction of latent features")
    add_json_option(parser)
    options = parser.parse_args()

    # Models: functions of one example that carry their parameters.
    codec, _ = pretrained.load_codec(options.codec, options.codec_weights)
    classifier, _ = pretrained.load_classifier(
        options.classifier or pretrained.default_classifier(codec)
    )
    pretrained.check_pair(codec, classifier)

    # Clips: mono, at the codec's rate, padded with zeros to whole windows of the classifier.
    clips = [read_clip(path, codec.sample_rate) for path in options.clips]
    length = max(padded_length(codec, classifier, len(clip.samples)) for clip in clips)
    audio = np.stack([np.pad(clip.samples, (0, length - len(clip.samples))) for clip in clips])

    # The explanation of all clips at once: each leaf of the result has the clips as first axis.
    found = explain_batch(
        codec,
        classifier,
        jnp.asarray(audio),
        method=integrated_gradients(steps=64),
        base=zero(),
        keep=options.keep,
        key=jax.random.key(0),
    )

    rows, outputs = [], predictions.outputs_of(classifier)
    say(aligned(["clip", *HEARD], [20] * (1 + len(HEARD))))
    for index, name in enumerate(folder_names(options.clips)):
        folder = make_folder(options.out / name)
        one = jax.tree.map(lambda leaf: np.asarray(leaf)[index], found)  # noqa: B023
        write_clip(folder, clips[index].samples, one, codec.sample_rate)
        row, cells = {"clip": str(options.clips[index]), "folder": str(folder)}, [name]
        for sound in HEARD:
            chances = predictions.as_probabilities(one.logits[sound], outputs)
            label, probability = predictions.heard(chances, classifier.labels).values()
            row |= {sound: label, f"{sound}_probability": probability}
            cells.append(f"{label} {probability:.0%}")
        rows.append(row)
        say(aligned(cells, [20] * len(cells)))
    write_rows(options.json, rows)


def write_clip(folder: Path, samples: np.ndarray, found, sample_rate: int) -> None:
    """The sounds, as long as the clip, and the relevance of its latent."""
    write_wav(folder / "original.wav", samples, sample_rate)
    for name, sound in found.sounds.items():
        write_wav(folder / f"{name}.wav", sound[: len(samples)], sample_rate)
    with writing(folder / "relevance.npy") as stream:
        np.save(stream, found.relevance)


if __name__ == "__main__":
    sys.exit(run_main(main))
