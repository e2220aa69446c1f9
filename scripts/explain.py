"""Explains sound files: what `audioxai explain` does, in a form to copy and change.

    python scripts/explain.py CLIP ... --out DIR

Writes DIR/<stem>/original.wav, reconstruction.wav, explanation.wav, removed.wav, random.wav and
relevance.npy, and prints what the model hears in each of them; `--json FILE` writes the same rows.
The sounds carry a faint noise floor (`--floor`), which the model does not hear.
All clips are padded to the longest one, so that they share one compiled program.
"""

import argparse
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import audioxai_jax as ax
from audioxai_jax.cli.answers import answer_columns, answer_text
from audioxai_jax.cli.console import (
    Parser,
    add_json_option,
    align,
    output_folder,
    run_main,
    say,
    write_rows,
)
from audioxai_jax.cli.loading import load_subject
from audioxai_jax.cli.noise_floor import add_floor_option, floor_text
from audioxai_jax.cli.options import SubjectOptions
from audioxai_jax.core.files import make_folder, writing
from audioxai_jax.data.audio import read_clip, write_wav
from audioxai_jax.report.folder import folder_names
from audioxai_jax.results import SOUNDS
from audioxai_jax.runs import predictions
from audioxai_jax.runs.explain_clips import label_names, padded_length
from audioxai_jax.runs.written import noise_floor

SEED = 0
WIDTH = 20
"""Of the table's columns."""


def main() -> None:
    options = read_options()

    # A model says what it reads; it is explained in that domain, or in any other.
    subject = load_subject(
        SubjectOptions(options.model, domain=options.domain, model_set=tuple(options.model_set))
    )
    classifier, domain = subject.classifier, subject.explained

    # Clips: mono, at the domain's rate, padded with zeros to whole windows of the model.
    clips = [read_clip(path, domain.sample_rate) for path in options.clips]
    length = max(padded_length(classifier, domain, len(clip.samples)) for clip in clips)
    audio = np.stack([np.pad(clip.samples, (0, length - len(clip.samples))) for clip in clips])

    # The explanation of all clips at once: each leaf of the result has the clips as first axis.
    explanations = ax.explain_batch(
        classifier,
        jnp.asarray(audio),
        domain=domain,
        method=ax.integrated_gradients(steps=64),
        keep=options.keep,
        key=jax.random.key(SEED),
    )

    rows, labels = [], label_names(classifier)
    outputs = predictions.outputs_of(classifier, len(labels))
    say(align(["clip", *SOUNDS], [WIDTH] * (1 + len(SOUNDS))))
    for index, name in enumerate(folder_names(options.clips)):
        folder = make_folder(options.out / name)
        explanation = jax.tree.map(lambda leaf: np.asarray(leaf)[index], explanations)  # noqa: B023
        write_clip(folder, clips[index].samples, explanation, domain.sample_rate, options.floor)
        row, cells = {"clip": str(options.clips[index]), "folder": str(folder)}, [name]
        row["floor_db"] = options.floor
        for sound in SOUNDS:
            original = None if sound == "original" else explanation.logits["original"]
            asked = {"target": int(explanation.target), "original": original}
            answer = predictions.answer_to(explanation.logits[sound], outputs, labels, **asked)
            row |= answer_columns(sound, answer)
            cells.append(answer_text(sound, row))
        rows.append(row)
        say(align(cells, [WIDTH] * len(cells)))
    say("", f"Listen: {options.out}{floor_text(options.floor)}")
    write_rows(options.json, rows)


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP", help="sound files")
    parser.add_argument(
        "--out",
        type=output_folder,
        default=Path("explanation"),
        metavar="DIR",
        help="folder to write to; default: %(default)s",
    )
    parser.add_argument("--model", metavar="MODEL", help="see `audioxai explain --help`")
    parser.add_argument("--model-set", action="append", default=[], metavar="OPTION=VALUE")
    parser.add_argument("--domain", metavar="NAME", help="default: what the model reads")
    parser.add_argument(
        "--keep", type=float, default=0.1, help="fraction of the units; default: %(default)s"
    )
    add_floor_option(parser.add_argument)
    add_json_option(parser)
    return parser.parse_args()


def write_clip(
    folder: Path,
    samples: np.ndarray,
    explanation: ax.Explanation,
    sample_rate: int,
    floor_db: float | None,
) -> None:
    """The sounds, as long as the clip, and the relevance of the domain's features.

    People hear all sounds with the same noise floor; None leaves it out.
    """
    floor = noise_floor(samples, sample_rate, floor_db, SEED)
    for name, sound in {"original": samples, **explanation.sounds}.items():
        bare = sound[: len(samples)]
        heard = bare if floor is None else bare + floor
        write_wav(folder / f"{name}.wav", heard, sample_rate)
    with writing(folder / "relevance.npy") as stream:
        np.save(stream, explanation.relevance)


if __name__ == "__main__":
    sys.exit(run_main(main))
