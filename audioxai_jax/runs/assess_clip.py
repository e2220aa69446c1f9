"""A model looked at with one clip, as it will be explained."""

import jax.numpy as jnp
import numpy as np

from audioxai_jax.attribution.promises import promise
from audioxai_jax.data.audio import Clip
from audioxai_jax.explanation.assess import assess
from audioxai_jax.explanation.assessment import Assessment
from audioxai_jax.runs.explain_clips import padded_length
from audioxai_jax.runs.explained import Settings
from audioxai_jax.types import Classifier


def assess_clip(classifier: Classifier, clip: Clip, settings: Settings) -> Assessment:
    """What `assess` says of the padded clip, from the method's own baseline.

    Raises:
      WrongType, ValueError: as `assess`.
    """
    domain = settings.domain or classifier.reads
    padding = padded_length(classifier, domain, len(clip.samples)) - len(clip.samples)
    promised = promise(settings.method)
    return assess(
        classifier,
        jnp.asarray(np.pad(clip.samples, (0, padding))),
        baseline=None if promised is None else promised.baseline,
        target=settings.target,
        domain=settings.domain,
        residual=settings.residual,
    )
