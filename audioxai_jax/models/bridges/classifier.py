"""Temporary: the reader's file replaces this one."""

from jax.tree_util import Partial

from audioxai_jax import domains
from audioxai_jax.core.records import Static
from audioxai_jax.models.bridges.errors import BridgeError
from audioxai_jax.types import Classifier


def as_classifier(model, port_shape, *, sample_rate=None, reads=None, labels=None, outputs=None):
    if (sample_rate is None) == (reads is None):
        raise BridgeError("give sample_rate or reads")
    reads = domains.samples(sample_rate) if reads is None else reads
    frames = None
    if sample_rate is not None:
        frames = next((n for n in port_shape[::-1] if n is not None and n > 1), None)
    return Classifier(
        Partial(_call, Static(tuple(port_shape)), model),
        reads,
        labels=None if labels is None else tuple(labels),
        frames=frames,
        outputs=outputs,
    )


def _call(shape, model, x):
    shape = shape.value
    y = model(
        x.reshape((1,) * (len(shape) - x.ndim) + x.shape) if shape[-1] != 1 else x.reshape(1, -1, 1)
    )
    return y.reshape(y.shape[1:])
