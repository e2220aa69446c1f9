"""Names on the command line to models, domains and settings."""

import dataclasses
import difflib
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from audioxai_jax.cli.options import CliError, ExplainOptions
from audioxai_jax.domains import DOMAINS
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.results import MethodFacts, Weights
from audioxai_jax.runs.describe import Names
from audioxai_jax.runs.explain_clips import Settings, label_names, unit_names
from audioxai_jax.types import Classifier, Codec

DEFAULT_CODEC = "gainshape_16khz"
LATENT = "latent"


@dataclasses.dataclass(frozen=True)
class Loaded:
    """What a command explains, how, and how the results name it."""

    classifier: Classifier
    settings: Settings
    names: Names


@dataclasses.dataclass(frozen=True)
class Subject:
    """A classifier, its name, and the domain in which it is explained; None for its own."""

    classifier: Classifier
    name: str
    domain: Domain | None = None
    domain_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def load(options: ExplainOptions) -> Loaded:
    """Loads all that the options name.

    Raises:
      CliError, UserFileError, WeightsError: for a name that is unknown, or does not fit the others.
    """
    from audioxai_jax.attribution import METHODS
    from audioxai_jax.cli.methods import named_method
    from audioxai_jax.cli.user_files import is_user_file
    from audioxai_jax.perturbation.rank import RANKS
    from audioxai_jax.synthesis.bases import BASES

    choose("rank", options.rank, RANKS)
    if options.base == "neighbour":
        raise CliError(
            "--base neighbour: needs the features of another clip, which only Python can give: "
            "explain(.., base=audioxai_jax.bases.neighbour(features))"
        )
    choose("base", options.base, [name for name in BASES if name != "neighbour"])
    if options.domain is not None:
        choose("domain", options.domain, DOMAINS)
    if not is_user_file(options.method):
        choose("method", options.method, METHODS)
    method, method_options = named_method(options.method, options.method_set)
    subject = load_subject(options)
    classifier, domain = subject.classifier, subject.domain
    explained = classifier.reads if domain is None else domain
    codec = getattr(explained, "codec", None)
    listener = None if options.listener is None else load_model(options.listener, "listener")
    if options.target is not None:
        choose("target", options.target, label_names(classifier))
    if options.unit is not None:
        choose("unit", options.unit, unit_names(explained))
    if options.base == "mean" and (codec is None or codec.mean is None):
        what = f"the domain {explained.name}" if codec is None else f"the codec {codec.name}"
        raise CliError(f"--base mean: {what} has no mean latent")
    settings = Settings(
        method=method,
        base=BASES[options.base](),
        keep=options.keep,
        rank=options.rank,
        unit=options.unit,
        target=options.target,
        seed=options.seed,
        domain=domain,
        residual=options.residual,
        listener=listener,
    )
    names = Names(
        method=MethodFacts(options.method, method_options),
        base=options.base,
        classifier=_weights(subject.name, classifier.manifest),
        listener=None if listener is None else _weights(options.listener or "", listener.manifest),
        codec=None if codec is None else _weights(options.codec or codec.name, codec.manifest),
        domain_options=subject.domain_options,
    )
    return Loaded(classifier, settings, names)


def load_codec(name: str, weights: str | None = None) -> Codec:
    """The codec of a name, a path, or a user's FILE.py:FUNCTION.

    Args:
      name: see `pretrained.load_codec`.
      weights: of a published codec.
    """
    from audioxai_jax.cli import user_files
    from audioxai_jax.weights import pretrained

    if not user_files.is_user_file(name):
        return pretrained.load_codec(name, weights)
    if weights is not None:
        raise CliError(f"--codec-weights: {name} brings its own")
    return user_files.load_codec(name)


def load_model(name: str, kind: str = "classifier") -> Classifier:
    """The classifier or listener of a name, a path, or a user's FILE.py:FUNCTION.

    Args:
      kind: "classifier" or "listener", of a name or path.
    """
    from audioxai_jax.cli import user_files
    from audioxai_jax.weights import pretrained

    if user_files.is_user_file(name):
        return user_files.load_classifier(name)
    if kind == "listener":
        return pretrained.load_listener(name)
    return pretrained.load_classifier(name)


def load_subject(options: ExplainOptions) -> Subject:
    """The classifier of `--model` and the domain of `--domain`, with the codec of `--codec`.

    The codec is the domain's if that is a latent, and the model's if the model reads latents of
    that codec.
    """
    from audioxai_jax.cli.user_files import is_user_file
    from audioxai_jax.weights import pretrained

    codec, name = None, options.model
    if options.codec is not None or options.codec_weights is not None:
        codec = load_codec(options.codec or DEFAULT_CODEC, options.codec_weights)
    if name is None:
        codec = codec or load_codec(DEFAULT_CODEC)
        name = pretrained.default_classifier(codec)
        classifier = pretrained.load_classifier(name, codec)
    elif is_user_file(name):
        if codec is not None and options.domain != LATENT:
            raise CliError(
                f"--codec: {name} says itself what it reads; add --domain latent to explain it "
                "in the latent of this codec"
            )
        classifier = load_model(name)
    else:
        others = options.domain == LATENT and codec is not None
        reads = pretrained.codec_of(name) if others else None
        own = None if codec is None or (others and reads != codec.name) else codec
        classifier = pretrained.load_classifier(name, own)
    if options.domain is None:
        return Subject(classifier, name)
    if options.domain == LATENT:
        codec = codec or getattr(classifier.reads, "codec", None) or load_codec(DEFAULT_CODEC)
        factory: Callable[..., Domain] = functools.partial(DOMAINS[LATENT], codec)
    else:
        rate = classifier.reads.sample_rate
        factory = functools.partial(DOMAINS[options.domain], sample_rate=rate)
    given = parse_settings(factory, options.domain_set, name=options.domain, option="--domain-set")
    return Subject(classifier, name, factory(**given), given)


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


def _weights(name: str, manifest: Mapping[str, Any] | None) -> Weights:
    return Weights(name, (manifest or {}).get("sha256"))
