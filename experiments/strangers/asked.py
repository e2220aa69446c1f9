"""What the study's programs ask for alike: a task, a classifier in a domain, clips and floors."""

import argparse
import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax import load_listener
from audioxai_jax.cli.bases import NAMES, named_base
from audioxai_jax.cli.console import (
    add_data_option,
    output_folder,
    positive,
    say,
    write_rows,
)
from audioxai_jax.cli.loading import load_subject
from audioxai_jax.cli.methods import named_method
from audioxai_jax.cli.options import SubjectOptions
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.core.extras import MissingExtra
from audioxai_jax.core.files import replace_file
from audioxai_jax.data import tasks
from audioxai_jax.domains.grid import unit_name
from audioxai_jax.types import Classifier, Method
from experiments.strangers import clips as chosen
from experiments.strangers import quality
from experiments.strangers.listeners import WORDS, Ears, Settings
from experiments.strangers.protocol import Study, make_study
from experiments.strangers.ranking import RANKS

FLOOR = -30.0
"""The floor that tables begin with, dB re the clip."""
FLOORS = (None, -40.0, -30.0, -20.0)
SHORT = {"ig": ("integrated_gradients", ("steps=32",)), "lrp": ("lrp", ())}
"""Names of methods that are written often, and their options."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """A classifier that is explained, where, and the clips.

    Attributes:
      task: key of WORDS.
      name: name of the classifier.
      classifier, listener: models of the task's labels.
      domain: domain in which it is explained.
      split, part: names of the split and of its part that the clips are.
      clips: clips with a word.
      truth: number of each clip's word, `[N]`.
    """

    task: str
    name: str
    classifier: Classifier
    listener: Classifier
    domain: Any
    split: str
    part: str
    clips: tasks.Clips
    truth: np.ndarray


def add_clip_options(parser: argparse.ArgumentParser, *, part: str | None = "test") -> None:
    """Options of the data, the results and the listener; without a part it is fixed."""
    add_data_option(parser)
    add = parser.add_argument
    add("--out", type=output_folder, required=True, metavar="DIR", help="folder of the results")
    add("--tasks", nargs="+", default=list(WORDS), choices=WORDS)
    if part is not None:
        add("--part", default=part, choices=("val", "test"), help="clips; default: %(default)s")
    add("--clips", type=positive, help="of each task, drawn once; default: all")
    add("--floors", nargs="+", type=parse_floor, default=list(FLOORS), metavar="DB|none")
    add("--processes", type=positive, default=1, help="of pocketsphinx; answers are the same")
    add("--seed", type=int, default=0)


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Options of the classifier, the domain and what is edited in it."""
    add = parser.add_argument
    add("--classifier", metavar="NAME", help="name or path; default: that of the codec's latents")
    add("--codec", metavar="NAME", help="codec of a latent; default: the classifier's own")
    add("--codec-weights", metavar="DIR_OR_REPOSITORY", help="of a published codec")
    add("--domain", help="such as latent, bands; default: what the classifier reads")
    text = "of the domain, such as feature, cell, frame; default: its first"
    add("--unit", help=text)
    add("--rank", default="signed", choices=RANKS, help="of methods; default: %(default)s")
    add("--base", default="own", choices=NAMES)


def parse_floor(text: str) -> float | None:
    """A level in dB re the clip, at most 0; None for "none"."""
    if text == "none":
        return None
    try:
        level = float(text)
    except ValueError:
        level = 1.0
    if not -200 <= level <= 0:
        raise argparse.ArgumentTypeError(f"{text}: expected none, or a level from -200 to 0 dB")
    return level


def ask(options, task: str, *, part: str | None = None) -> Asked:
    """Loads what the options name, for one task.

    Raises:
      ValueError: for names that are unknown or do not fit each other.
    """
    part = part or options.part
    codec = options.codec or "gainshape_16khz"
    name = options.classifier or chosen.default_classifier(task, codec)
    subject = load_subject(
        SubjectOptions(name, options.codec, options.codec_weights, options.domain)
    )
    classifier, labels = subject.classifier, tasks.TASKS[task].labels
    if tuple(classifier.labels or ()) != labels:
        raise ValueError(f"--classifier {name}: has other labels than the task {task}")
    tasks.check_rate(f"the domain {subject.explained.name!r}", subject.explained.sample_rate)
    split = chosen.split_of(task, classifier.manifest)
    clips = chosen.choose(options.data, task, split, part, options.clips, options.seed)
    return Asked(
        task=task,
        name=str(name),
        classifier=classifier,
        listener=load_listener(f"{task}_listener"),
        domain=subject.explained,
        split=split,
        part=part,
        clips=clips,
        truth=chosen.true_words(task, clips),
    )


def study_of(options, asked: Asked, *, voice: bool, padding: float = 0.0) -> Study:
    """The study that the options ask for.

    Args:
      voice: whether Silero VAD listens.
      padding: seconds of noise that the strangers hear before and behind each sound.
    """
    shape = jax.eval_shape(asked.domain.analyse, jnp.asarray(asked.clips.audio[0], float)).shape
    unit = unit_name(asked.domain, shape, options.unit)
    return make_study(
        asked.classifier,
        asked.listener,
        optional(quality.voice) if voice else None,
        asked.domain,
        {name: make_method(name, asked.classifier) for name in options.methods},
        named_base(options.base, asked.classifier, asked.domain.sample_rate),
        unit=unit,
        rank=options.rank,
        fractions=tuple(options.fractions),
        draws=options.draws,
        padding=round(padding * asked.domain.sample_rate),
    )


def make_method(text: str, classifier: Classifier) -> Method:
    """The method of NAME, or NAME:OPTION=VALUE,..; "lrp" alone takes the classifier's composite."""
    name, _, settings = text.partition(":")
    name, usual = SHORT.get(name, (name, ()))
    given = tuple(settings.split(",")) if settings else usual
    if name == "lrp" and not given:
        network = (classifier.manifest or {}).get("network")
        given = (
            f"composite={'latent_transformer' if network == 'transformer' else 'epsilon_plus'}",
        )
    return named_method(name, given)[0]


def make_ears(task: str, processes: int, **settings: Any) -> Ears:
    """pocketsphinx with the words of a task; other settings as `settings.py` chose them."""
    return Ears(Settings(WORDS[task], **settings), processes)


def optional(build):
    """What a factory makes, whose package must be there unless it is left out by name."""
    try:
        return build()
    except MissingExtra as error:
        raise MissingExtra(f"{error}, or leave it out by --no-quality", name=error.name) from None


def floor_name(level: float | None) -> str:
    """A floor as it is written."""
    return "none" if level is None else f"{level:g} dB"


def fingerprints(asked: Asked) -> dict[str, Any]:
    """Which weights and clips an answer stands on."""
    codec = getattr(asked.domain, "codec", None)
    return {
        "classifier": (asked.classifier.manifest or {}).get("sha256", asked.name),
        "listener": (asked.listener.manifest or {}).get("sha256"),
        "codec": getattr(codec, "fingerprint", ""),
        "domain": asked.domain.name,
        "split": f"{asked.split}, {asked.part}",
        "clips": asked.clips.file.tolist(),
    }


def write_study(options, name: str, rows: list[dict[str, Any]], text: str) -> dict[str, Any]:
    """Writes a study's rows as JSON, and its tables, in `--out`; returns what the JSON holds."""
    facts = {"rows": rows} | describe_run(f"python -m experiments.strangers.{name}")
    write_rows(options.out / f"{name}.json", facts)
    replace_file(options.out / f"{name}.md", text.encode())
    say(*text.splitlines())
    return facts
