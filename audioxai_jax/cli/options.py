"""The options of `audioxai explain`, parsed into a frozen record at the door."""

import argparse
import dataclasses
import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from audioxai_jax.cli.noise_floor import DEFAULT_DB, add_floor_option
from audioxai_jax.data.example import example_clip

SMALLEST = "smallest"
MAX_SEED = 2**32 - 1
STANDARD_OUTPUT = Path("/dev/stdout")
EXAMPLES = """\
examples:
  audioxai explain clip.wav --out explanation
      what the shipped keyword model heard, in the latent of the shipped codec
  audioxai explain clip.wav --model my_model.py:build --domain time_frequency --keep smallest
      your own waveform model, in cells of time and frequency, by the smallest set of them
  audioxai explain *.wav --domain frequencies --method lrp --listener keywords_listener
      the keyword model in the frequencies of each clip, checked by a model of waveforms

  audioxai explain clip.wav --model onnx:my_model.onnx --model-set sample_rate=16000
      an ONNX model of waveforms of 16 kHz

The model of my_model.py: def build(): return audioxai_jax.Classifier(function,
reads=audioxai_jax.domains.samples(16000), labels=("cat", "dog"))
"""


class CliError(ValueError):
    """A command that cannot be run; the message is one line."""


def choose(what: str, name: str, known: Iterable[str]) -> str:
    """The name, if it is among the known ones.

    Raises:
      CliError: else, with the nearest name.
    """
    known = list(known)
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    if ".py" in name:
        hint = "; for your own write FILE.py:FUNCTION"
    raise CliError(f"unknown {what} {name!r}: known are {', '.join(known)}{hint}")


@dataclasses.dataclass(frozen=True)
class SubjectOptions:
    """Which model is explained in which domain; see `ExplainOptions`."""

    model: str | None = None
    codec: str | None = None
    codec_weights: str | None = None
    domain: str | None = None
    domain_set: tuple[str, ...] = ()
    model_set: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ExplainOptions:
    """What was asked of `audioxai explain`; texts are names that are not looked up yet.

    Attributes:
      clips: sound files; the bundled one if none was named.
      out: folder of the explanations.
      model: name, path, FILE.py:FUNCTION or SCHEME:NAME; None for the one that fits the codec.
      model_set: options of a model of another framework, OPTION=VALUE.
      codec, codec_weights: codec and weights of a latent domain; None for the model's own.
      domain: name in `domains.DOMAINS`; None for what the model reads.
      domain_set: options of the domain, OPTION=VALUE.
      residual: "keep", or None.
      listener: name, path or FILE.py:FUNCTION, or None.
      method, method_set: name or FILE.py:FUNCTION, and its options, OPTION=VALUE; the model's
        default method if None.
      keep: fraction, or SMALLEST.
      rank, base: names.
      unit: name; None for the domain's default.
      safe_gradients: whether derivatives that are not finite count as 0.
      target: label, or None for what the model hears.
      channel: channel of the clips.
      seed: seed of everything random.
      json: file for the table's rows, or None.
      level_match, overwrite: see the help.
      floor: level of the noise floor in what is written, dB; None for the bare sounds.
    """

    clips: tuple[Path, ...]
    out: Path
    model: str | None
    model_set: tuple[str, ...]
    codec: str | None
    codec_weights: str | None
    domain: str | None
    domain_set: tuple[str, ...]
    residual: str | None
    listener: str | None
    method: str | None
    method_set: tuple[str, ...]
    keep: float | str
    rank: str
    unit: str | None
    base: str
    target: str | None
    channel: str
    seed: int
    json: Path | None
    level_match: bool
    overwrite: bool
    safe_gradients: bool = False
    floor: float | None = DEFAULT_DB

    @property
    def subject(self) -> SubjectOptions:
        """The model and the domain."""
        return SubjectOptions(
            model=self.model,
            codec=self.codec,
            codec_weights=self.codec_weights,
            domain=self.domain,
            domain_set=self.domain_set,
            model_set=self.model_set,
        )


def read_options(chosen: argparse.Namespace) -> ExplainOptions:
    """The record of a parsed command line.

    Raises:
      CliError: for a number out of range, options that exclude each other, or a missing clip.
    """
    fields = {field.name for field in dataclasses.fields(ExplainOptions)}
    given = {name: value for name, value in vars(chosen).items() if name in fields}
    values: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in given.items()}
    options = ExplainOptions(**values)
    if not options.clips:
        if not example_clip().is_file():
            raise CliError("this installation has no bundled clip: name a sound file")
        options = dataclasses.replace(options, clips=(example_clip(),))
    if options.keep != SMALLEST and not 0 <= options.keep <= 1:  # type: ignore[operator]
        raise CliError(f"--keep {options.keep}: must be a fraction between 0 and 1")
    if not 0 <= options.seed <= MAX_SEED:
        raise CliError(f"--seed {options.seed}: must be a whole number from 0 to {MAX_SEED}")
    if options.domain_set and options.domain is None:
        raise CliError(f"--domain-set {options.domain_set[0]}: name the domain by --domain")
    return options


def add_explain_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `audioxai explain` to its parser."""
    add = parser.add_argument
    text = "sound files to explain; default: a bundled clip"
    add("clips", nargs="*", type=Path, metavar="CLIP", help=text)
    text = "folder to write to, a subfolder for each clip; default: %(default)s"
    add("--out", type=Path, default=Path("explanation"), metavar="DIR", help=text)
    _add_model_options(parser.add_argument_group("what is explained"))
    _add_method_options(parser.add_argument_group("how it is explained"))
    group = parser.add_argument_group("what is written")
    add = group.add_argument
    text = "write the table's rows as JSON to FILE; - is standard output"
    add("--json", type=parse_json_file, metavar="FILE", help=text)
    add("--level-match", action="store_true", help="write all sounds as loud as the original")
    add_floor_option(add)
    add("--overwrite", action="store_true", help="replace earlier explanations in DIR")


def _add_model_options(group) -> None:
    add = group.add_argument
    text = (
        "shipped classifier, path of a checkpoint, or FILE.py:FUNCTION that returns a Classifier "
        "(see `audioxai models`); or a model of another framework: onnx:FILE, tflite:FILE, "
        "torch:FILE.py:FUNCTION, keras:FILE.py:FUNCTION, hf:FOLDER, subject:NAME (see `audioxai "
        "subjects`); default: the shipped one of the codec's latents"
    )
    add("--model", metavar="MODEL", help=text)
    text = "option of a model of another framework, e.g. --model-set sample_rate=16000 (repeatable)"
    add("--model-set", action="append", default=[], metavar="OPTION=VALUE", help=text)
    text = (
        "domain to explain in: latent, samples, frequencies, .. (see `audioxai domains`); "
        "default: what the model reads"
    )
    add("--domain", metavar="NAME", help=text)
    text = "domain option, e.g. --domain-set hop=256 (repeatable)"
    add("--domain-set", action="append", default=[], metavar="OPTION=VALUE", help=text)
    text = (
        "codec of a latent domain: name, path or FILE.py:FUNCTION (see `audioxai codecs`); "
        "default: the model's own, else gainshape32_16khz"
    )
    add("--codec", metavar="CODEC", help=text)
    text = "weights of a published codec: a folder, or a repository's name"
    add("--codec-weights", metavar="DIR_OR_REPOSITORY", help=text)
    text = "`keep` adds what a codec or another inexact domain loses back to every edited sound"
    add("--residual", choices=("keep",), help=text)
    text = "class to explain; default: the one that the model hears"
    add("--target", metavar="LABEL", help=text)
    text = "channel of the clips: mix (the mean of all), left, right or a number; default: mix"
    add("--channel", default="mix", metavar="CHANNEL", help=text)
    text = (
        "independent model of waveforms that also judges each sound: shipped listener, path, or "
        "FILE.py:FUNCTION; default: none"
    )
    add("--listener", metavar="MODEL", help=text)


def _add_method_options(group) -> None:
    add = group.add_argument
    text = (
        "attribution method, or FILE.py:FUNCTION that returns one (see `audioxai methods`); "
        "default: lrp for shipped transformers of latents, integrated_gradients for all others"
    )
    add("--method", metavar="NAME", help=text)
    text = "method option, e.g. --set steps=128 (repeatable; see `audioxai methods`)"
    add(
        "--set",
        dest="method_set",
        action="append",
        default=[],
        metavar="OPTION=VALUE",
        help=text,
    )
    text = "derivatives of the model that are NaN or infinite, as at silence, count as 0"
    add("--safe-gradients", action="store_true", help=text)
    text = (
        "fraction of the units to keep, or `smallest`: the smallest set whose sound is still "
        "heard as the explained class; default: %(default)s"
    )
    add("--keep", type=parse_keep, default=0.1, metavar="FRACTION", help=text)
    text = (
        "rank of the units: hearable (what is loud where evidence is near, so that people hear "
        "what is kept), or signed or absolute relevance alone; default: %(default)s"
    )
    add("--rank", default="hearable", metavar="ORDER", help=text)
    text = (
        "what is ranked and edited as one: feature, cell, frame, channel, band, .. "
        "(see `audioxai domains`); default: the domain's first"
    )
    add("--unit", metavar="NAME", help=text)
    text = (
        "base: what stands for absent features: own (the domain's, usually zeros), zero, mean, "
        "noise, silence or level_matched (noise as loud as the clip); default: %(default)s"
    )
    add("--base", default="own", metavar="NAME", help=text)
    add("--seed", type=int, default=0, help="random seed; default: %(default)s")


def parse_keep(text: str) -> float | str:
    """The value of `--keep`."""
    try:
        return text if text == SMALLEST else float(text)
    except ValueError:
        message = f"expected a fraction or {SMALLEST!r}, got {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def parse_json_file(text: str) -> Path:
    """The value of `--json`."""
    return STANDARD_OUTPUT if text == "-" else Path(text)
