"""Bases by name: what `--base NAME` means in the studies, where a classifier is at hand."""

from audioxai_jax.explanation.composition import hearing
from audioxai_jax.synthesis.bases import BASES, adversarial
from audioxai_jax.types import Base, Classifier

ADVERSARIAL = "adversarial"
NAMES = (ADVERSARIAL, *sorted(BASES))
"""All but `neighbour`, which needs another clip for each."""


def named_base(name: str, classifier: Classifier, sample_rate: int) -> Base:
    """The base of one of NAMES.

    Args:
      name: name of the base.
      classifier: model whose answer an adversarial counterpart leaves.
      sample_rate: rate of the clips, Hz.
    """
    if name == ADVERSARIAL:
        return adversarial(hearing(classifier, sample_rate))
    return BASES[name]()
