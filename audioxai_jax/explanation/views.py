"""A classifier as the model of features that is explained, and these features of one clip."""

from jax import Array

from audioxai_jax.domains import keep_residual
from audioxai_jax.domains.protocol import Axis, Domain
from audioxai_jax.explanation.arguments import RESIDUALS, as_domain
from audioxai_jax.explanation.composition import ThroughSound, hearing, same_view
from audioxai_jax.types import Classifier, Model


def view(
    classifier: Classifier, audio: Array, domain: Domain | None, residual: str | None
) -> tuple[Model, Array, tuple[Axis, ...]]:
    """What `explain` gives a method: the model of features, the clip's features, their axes.

    Args:
      classifier: classifier to be explained.
      audio: waveform `[T]` at the domain's rate.
      domain: explained domain; what the classifier reads if None.
      residual: "keep" or None, see `explain`.

    Raises:
      WrongType, ValueError: as `explain`.
    """
    if residual not in RESIDUALS:
        raise ValueError(f"residual must be None or 'keep', got {residual!r}")
    reads = as_domain(classifier.reads, "reads")
    domain = reads if domain is None else as_domain(domain, "domain")
    hears = hearing(classifier, domain.sample_rate)
    if same_view(domain, reads):
        model, audio = hears.reader, hears.pad(audio)
    else:
        decoder = keep_residual(domain) if residual == "keep" else domain
        model = ThroughSound(hears, decoder, audio)
    features = domain.analyse(audio)
    return model, features, tuple(domain.axes(features.shape))
