"""Names on the command line to models, domains and settings."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from audioxai_jax.attribution import METHODS
from audioxai_jax.cli import foreign_models, user_files
from audioxai_jax.cli.methods import default_method, named_method
from audioxai_jax.cli.options import CliError, ExplainOptions, SubjectOptions, choose
from audioxai_jax.cli.settings import parse_settings
from audioxai_jax.cli.user_files import is_user_file
from audioxai_jax.domains import DOMAINS
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.models.safe_gradients import safe_gradients
from audioxai_jax.perturbation.rank import RANKS
from audioxai_jax.results import MethodFacts, Weights
from audioxai_jax.runs.describe import Names
from audioxai_jax.runs.explain_clips import label_names, unit_names
from audioxai_jax.runs.explained import Settings
from audioxai_jax.synthesis.bases import BASES
from audioxai_jax.types import Classifier, Codec
from audioxai_jax.weights import load as loaders
from audioxai_jax.weights import registry
from audioxai_jax.weights.file_format import read_manifest
from audioxai_jax.weights.pair import default_classifier

DEFAULT_CODEC = "gainshape32_16khz"
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

    @property
    def explained(self) -> Domain:
        """The domain in which it is explained."""
        return self.classifier.reads if self.domain is None else self.domain


def load(options: ExplainOptions) -> Loaded:
    """Loads all that the options name.

    Raises:
      CliError, SettingError, UserFileError, WeightsError: for a name that is unknown, or does not
        fit the others.
    """
    _check_names(options)
    if options.method is not None:  # what is wrong with it is said before a model is loaded
        named_method(options.method, options.method_set)
    subject = load_subject(options.subject)
    classifier = subject.classifier
    method_name, method_set = options.method, options.method_set
    if method_name is None:
        method_name, method_set = default_method(classifier, method_set)
    method, method_options = named_method(method_name, method_set)
    if options.safe_gradients:
        classifier = safe_gradients(classifier)
    listener = None if options.listener is None else load_model(options.listener, "listener")
    if options.target is not None:
        choose("target", options.target, label_names(subject.classifier))
    if options.unit is not None:
        choose("unit", options.unit, unit_names(subject.explained))
    codec: Codec | None = getattr(subject.explained, "codec", None)
    if options.base == "mean" and (codec is None or codec.mean is None):
        place = f"codec {codec.name}" if codec else f"domain {subject.explained.name}"
        raise CliError(f"--base mean: the {place} has no mean latent")
    settings = Settings(
        method=method,
        base=BASES[options.base](),
        keep=options.keep,
        rank=options.rank,
        unit=options.unit,
        target=options.target,
        seed=options.seed,
        domain=subject.domain,
        residual=options.residual,
        listener=listener,
    )
    names = Names(
        method=MethodFacts(method_name, method_options),
        base=options.base,
        classifier=_weights(subject.name, subject.classifier),
        listener=None if listener is None else _weights(str(options.listener), listener),
        codec=None if codec is None else _weights(options.codec or codec.name, codec),
        domain_options=subject.domain_options,
        safe_gradients=options.safe_gradients,
    )
    return Loaded(classifier, settings, names)


def load_subject(options: SubjectOptions) -> Subject:
    """The classifier of `--model` and the domain of `--domain`, with the codec of `--codec`.

    The codec is the domain's if that is a latent, and the model's if the model reads latents of
    that codec.
    """
    codec, name = None, options.model
    if name and not foreign_models.is_foreign(name) and (instead := foreign_models.hint(name)):
        raise CliError(f"--model {name}: is a file of another framework: {instead}")
    if options.model_set and not (name and foreign_models.is_foreign(name)):
        bridges = ", ".join(foreign_models.BRIDGES)
        raise CliError(
            f"--model-set {options.model_set[0]}: is for models of other frameworks "
            f"(--model SCHEME:NAME, with one of {bridges})"
        )
    if options.domain is not None:
        choose("domain", options.domain, DOMAINS)
    if options.codec is not None or options.codec_weights is not None:
        codec = load_codec(options.codec or DEFAULT_CODEC, options.codec_weights)
    if name is None:
        codec = codec or load_codec(DEFAULT_CODEC)
        name = default_classifier(codec)
        classifier = loaders.load_classifier(name, codec)
    elif is_user_file(name) or foreign_models.is_foreign(name):
        if codec is not None and options.domain != LATENT:
            raise CliError(
                f"--codec: {name} says itself what it reads; add --domain latent to explain it "
                "in the latent of this codec"
            )
        classifier = load_model(name, settings=options.model_set)
    else:
        classifier = _load_shipped(name, codec, latent=options.domain == LATENT)
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


def load_codec(name: str, weights: str | None = None) -> Codec:
    """The codec of a name, a path, or a user's FILE.py:FUNCTION.

    Args:
      name: see `weights.load.load_codec`.
      weights: weights of a published codec.
    """
    if not is_user_file(name):
        return loaders.load_codec(name, weights)
    if weights is not None:
        raise CliError(f"--codec-weights: {name} brings its own")
    return user_files.load_codec(name)


def load_model(name: str, kind: str = "classifier", settings: Iterable[str] = ()) -> Classifier:
    """The classifier or listener of a name, a path, a user's FILE.py:FUNCTION or a bridge.

    Args:
      kind: "classifier" or "listener", of a name or path.
      settings: options of a bridge, OPTION=VALUE, see `foreign_models`.
    """
    if foreign_models.is_foreign(name):
        return foreign_models.load_foreign(name, settings)
    if is_user_file(name):
        return user_files.load_classifier(name)
    return loaders.load_listener(name) if kind == "listener" else _load_shipped(name)


def _check_names(options: ExplainOptions) -> None:
    """Refuses names that no model is needed to look up."""
    choose("rank", options.rank, RANKS)
    if options.base == "neighbour":
        raise CliError(
            "--base neighbour: needs the features of another clip, which only Python can give: "
            "explain(.., base=audioxai_jax.bases.neighbour(features))"
        )
    choose("base", options.base, BASES)
    if options.method is not None and not is_user_file(options.method):
        choose("method", options.method, METHODS)


def _load_shipped(name: str, codec: Codec | None = None, *, latent: bool = False) -> Classifier:
    """A classifier by name or path, reading the latents of a codec if it was trained on them.

    Args:
      codec: codec of `--codec`, or None.
      latent: whether it is explained in the latent of that codec, which may be another one.
    """
    if codec is not None and latent:
        manifest = read_manifest(registry.locate(name, "classifier"))
        codec = codec if manifest.get("codec") == codec.name else None
    return loaders.load_classifier(name, codec)


def _weights(name: str, model: Classifier | Codec) -> Weights:
    return Weights(name, (model.manifest or {}).get("sha256"))
