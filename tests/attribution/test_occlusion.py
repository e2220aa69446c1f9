"""Occlusion, window by window."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioxai_jax.attribution.occlusion import Occlusion, occlusion
from tests.helpers.games import (
    close,
    explain,
    linear,
    normal,
    quadratic,
)
from tests.helpers.rows import rows


@pytest.mark.parametrize("function", rows([linear, quadratic], full_size=[linear]))
@pytest.mark.parametrize(
    "shape, window, stride",
    [
        ((7,), 3, 2),
        ((7,), 7, 1),
        ((6, 4), (2, 3), (2, 1)),
        ((6, 4), 2, None),
        ((6, 4), (3,), (1,)),
        ((6, 4), (4, None), (3, -1)),
        ((2, 3, 4), (1, 2, 3), (1, 1, 2)),
        ((5, 3), None, None),
    ],
)
def test_occlusion_window_by_window(function, shape, window, stride, x64):
    x, base = normal(*shape), normal(shape[-1], seed=1)
    found = explain(
        occlusion(window=window, stride=stride, baseline=jnp.asarray(base)), function, x
    )
    whole = lambda given: (None,) * (len(shape) - len(given)) + given
    full = lambda given: whole(given if isinstance(given, tuple) else (given,) * len(shape))
    size = (1, shape[1]) if window is None else full(window)
    size = [n if w in (None, -1) else w for n, w in zip(shape, size, strict=True)]
    step = [max(1, w // 2) for w in size] if stride is None else full(stride)
    step = [n if s in (None, -1) else s for n, s in zip(shape, step, strict=True)]
    total, covered, windows = np.zeros(shape), np.zeros(shape), 0
    counts = [math.ceil((n - w) / s) + 1 for n, w, s in zip(shape, size, step, strict=True)]
    logit = jax.jit(lambda x: function(x)[0])
    for place in itertools.product(*map(range, counts)):
        box = tuple(slice(p * s, p * s + w) for p, s, w in zip(place, step, size, strict=True))
        hidden = x.copy()
        hidden[box] = np.broadcast_to(base, shape)[box]
        total[box] += logit(x) - logit(hidden)
        covered[box] += 1
        windows += 1
    close(found.relevance, total / covered)
    assert found.info["evaluations"] == windows + 1


@given(st.lists(st.integers(1, 9), min_size=1, max_size=3), st.data())
def test_windows_cover_everything(shape, data):
    window = tuple(data.draw(st.integers(1, size)) for size in shape)
    stride = tuple(data.draw(st.integers(1, size)) for size in window)
    method = occlusion(window=window, stride=stride)
    assert isinstance(method, Occlusion)
    assert np.min(method._covered(tuple(shape))) >= 1


def test_default_windows_are_few_for_audio():
    for shape in [(16000,), (75, 128), (64, 64, 3), (1, 128)]:
        total = occlusion().milestones(jax.ShapeDtypeStruct(shape, jnp.float32))[0]
        assert 15 <= total <= 64, (shape, total)


def test_windows_that_do_not_fit_are_refused():
    ask = lambda **options: occlusion(**options).milestones(jnp.zeros((4, 6)))
    with pytest.raises(ValueError, match=r"a window of 5 does not fit axis 0 of the input \[4, 6"):
        ask(window=5)
    with pytest.raises(ValueError, match="a stride of 3 along axis 1 leaves gaps between windows"):
        ask(window=2, stride=(2, 3))
    with pytest.raises(ValueError, match="occlusion: window: 3 sizes"):
        ask(window=(1, 2, 3))
    with pytest.raises(ValueError, match="occlusion: sizes are whole numbers above 0"):
        occlusion(stride=0)
