"""The record that `explain` returns."""

from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.types import Info


@record()
class Explanation:
    """What `explain` returns for one example; batched, every leaf has a leading axis.

    Attributes:
      target: class explained, int32 scalar.
      features: features of the clip in the domain that is explained.
      relevance: relevance of each feature for the target's logit, of their shape.
      mask: 1 where a feature is kept, of their shape.
      info: see `make_info`.
      sounds: audio `[T]` by name: "reconstruction" (features of which nothing is edited),
        "explanation" (kept features), "removed" (all the others) and "random" (the same
        number of features, drawn at random). The original is the clip itself, so it is not among
        them, while `logits` has it.
      logits: logits of the classifier, `[K]`, on the clip ("original") and on each sound, by the
        same names. One that reads latents hears a sound by encoding it again.
      feature_logits: logits of the classifier on the edited features, without the trip through
        sound: "explanation", "removed", "random". As `logits` in a domain other than its own.
      listener_logits: logits of the independent listener; empty without one.
      finite: whether all of the above are numbers, and the target is a class; if not, none
        of it can be trusted.
    """

    target: Array
    features: Array
    relevance: Array
    mask: Array
    info: Info
    sounds: dict[str, Array]
    logits: dict[str, Array]
    feature_logits: dict[str, Array]
    listener_logits: dict[str, Array]
    finite: Array
