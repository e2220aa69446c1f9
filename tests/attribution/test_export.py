"""Relevance in the layout of other libraries."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import Attribution, attribute_batch, make_info, saliency
from audioxai_jax.attribution.export import to_captum, to_quantus


@pytest.mark.parametrize("convert", [to_captum, to_quantus])
@pytest.mark.parametrize(
    "shape, wanted",
    [
        ((2, 7), (2, 1, 7)),
        ((2, 7, 3), (2, 3, 7)),
        ((2, 5, 7, 3), (2, 3, 5, 7)),
    ],
)
def test_channels_come_first(convert, shape, wanted):
    relevance = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for given in (
        relevance,
        jnp.asarray(relevance),
        Attribution(jnp.asarray(relevance), make_info()),
    ):
        found = convert(given)
        assert isinstance(found, np.ndarray) and found.dtype == np.float32
        assert found.shape == wanted and found.flags.c_contiguous and found.flags.writeable
        back = found[:, 0] if len(shape) == 2 else np.moveaxis(found, 1, -1)
        np.testing.assert_array_equal(back, relevance)


@pytest.mark.parametrize("convert", [to_captum, to_quantus])
def test_shapes_that_do_not_fit_are_refused(convert):
    with pytest.raises(ValueError, match=r"must be a batch \[N, T\].*, got \[5\]"):
        convert(np.zeros(5))
    with pytest.raises(ValueError, match=r"got \[1, 2, 3, 4, 5\]"):
        convert(np.zeros((1, 2, 3, 4, 5)))
    with pytest.raises(ValueError, match="must be an array of floats, got int"):
        convert(np.zeros((2, 3), int))
    with pytest.raises(ValueError, match="must be an array of floats"):
        convert("relevance")


@pytest.mark.parametrize("convert", [to_captum, to_quantus])
def test_several_targets_are_seen(convert):
    model = lambda x: jnp.stack([jnp.sum(x), jnp.sum(x**2)])
    found = attribute_batch(
        saliency(), model, jnp.ones((3, 6)), jnp.array([[0, 1]] * 3), key=jax.random.key(0)
    )
    with pytest.raises(ValueError, match="2 targets per example"):
        convert(found)
