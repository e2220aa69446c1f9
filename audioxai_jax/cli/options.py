"""What the options of `audioxai explain` choose: codec, classifier, method and settings."""

import argparse
import difflib
from collections.abc import Iterable

SMALLEST = "smallest"


class CliError(ValueError):
    """A command that makes no sense; the message is one line."""


def load(options: argparse.Namespace):
    """Codec, classifier, settings, and how the explanation names them."""
    from audioxai_jax.attribution import METHODS
    from audioxai_jax.cli import user_files
    from audioxai_jax.cli.methods import named_method
    from audioxai_jax.runs.explain_clips import Settings
    from audioxai_jax.synthesis.bases import BASES
    from audioxai_jax.synthesis.masks import RANKS, UNITS
    from audioxai_jax.weights import pretrained

    choose("rank", options.rank, RANKS)
    choose("unit", options.unit, UNITS)
    if options.base == "neighbour":
        raise CliError(
            "--base neighbour: needs the latent of another clip, which only Python can "
            "give: explain(.., base=neighbour(latent))"
        )
    choose("base", options.base, BASES)
    if options.keep != SMALLEST and not 0 <= options.keep <= 1:
        raise CliError(f"--keep {options.keep}: must be a fraction between 0 and 1")
    if not 0 <= options.seed < 2**32:
        raise CliError(f"--seed {options.seed}: must be a whole number from 0 to {2**32 - 1}")
    if not user_files.is_plugin(options.method):
        choose("method", options.method, METHODS)
    method, chosen = named_method(options.method, options.set)
    codec_hash = classifier_hash = None
    if user_files.is_plugin(options.codec):
        if options.codec_weights is not None:
            raise CliError(f"--codec-weights: {options.codec} brings its own")
        codec = user_files.load_codec(options.codec)
    else:
        codec, manifest = pretrained.load_codec(options.codec, options.codec_weights)
        codec_hash = manifest["sha256"]
    if options.classifier is None:
        options.classifier = pretrained.default_classifier(codec)
    if user_files.is_plugin(options.classifier):
        classifier = user_files.load_classifier(options.classifier, codec)
    else:
        classifier, manifest = pretrained.load_classifier(options.classifier)
        classifier_hash = manifest["sha256"]
    pretrained.check_pair(codec, classifier)
    if options.target is not None:
        choose("target", options.target, classifier.labels)
    if options.base == "mean" and codec.mean is None:
        raise CliError(f"--base mean: the codec {options.codec} has no mean latent")
    settings = Settings(
        method,
        BASES[options.base](),
        options.keep,
        options.rank,
        options.unit,
        options.target,
        options.seed,
    )
    names = {
        "method": {"name": options.method, "options": chosen},
        "base": options.base,
        "codec": {"name": options.codec, "sha256": codec_hash},
        "classifier": {"name": options.classifier, "sha256": classifier_hash},
    }
    return codec, classifier, settings, names


def parse_keep(text: str) -> float | str:
    """The value of `--keep`."""
    try:
        return text if text == SMALLEST else float(text)
    except ValueError:
        message = f"{text!r} is neither a fraction nor {SMALLEST!r}"
        raise argparse.ArgumentTypeError(message) from None


def choose(what: str, name: str, known: Iterable[str]) -> str:
    """The name, if it is among the known ones."""
    known = list(known)
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    if ".py" in name:
        hint = "; for your own write FILE.py:FUNCTION"
    raise CliError(f"unknown {what} {name!r}: known are {', '.join(known)}{hint}")
