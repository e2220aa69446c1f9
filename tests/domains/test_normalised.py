"""Samples behind a model's own normalisation: by formula, of odd clips, and refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.domains import normalised
from audioxai_jax.types import Classifier

RATE = 8000
STATISTICS = {
    "standard deviation": lambda x: (1 / jnp.std(x), -jnp.mean(x) / jnp.std(x)),
    "peak": lambda x: (1 / jnp.max(jnp.abs(x)), 0.0),
    "range": lambda x: (
        2 / (jnp.max(x) - jnp.min(x)),
        -2 * jnp.min(x) / (jnp.max(x) - jnp.min(x)) - 1,
    ),
    "upside down": lambda x: (-32768.0, 3.0 * jnp.max(x)),
}
"""Scale and offset of a clip."""


def noise(samples: int, seed: int = 0) -> jax.Array:
    return jnp.asarray(0.1 + 0.3 * np.random.default_rng(seed).normal(size=samples))


def front_of(statistics):
    def front(x):
        scale, offset = statistics(x)
        return scale * x + offset

    return front


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("level", [1.0, 1e-4, 1e-30])
def test_any_features_become_the_sound_that_the_formula_says(name, level, x64):
    clip, edited = level * noise(300), noise(300, 1)
    scale, offset = STATISTICS[name](clip)
    domain = normalised(RATE, front_of(STATISTICS[name]))
    np.testing.assert_allclose(domain.analyse(clip), scale * clip + offset, rtol=1e-12)
    sound, wanted = domain.synthesise(edited, clip), (edited - offset) / scale
    largest = np.max(np.abs(wanted)) + np.max(np.abs(offset / scale))
    assert np.max(np.abs(sound - wanted)) < 1e-12 * largest


def test_no_features_are_heard_as_one_constant(x64):
    clip = noise(300)
    sound = normalised(RATE, front_of(STATISTICS["range"])).synthesise(jnp.zeros(300), clip)
    np.testing.assert_allclose(sound, (clip.max() + clip.min()) / 2, rtol=1e-12)


@pytest.mark.parametrize("clip", [jnp.zeros(50), jnp.full(50, 0.25), jnp.ones(1)])
def test_a_clip_of_equal_samples_comes_back_and_has_finite_gradients(clip):
    domain = normalised(RATE, lambda x: (x - jnp.mean(x)) / jnp.sqrt(jnp.var(x) + 1e-6))
    features = domain.analyse(clip)
    np.testing.assert_allclose(domain.synthesise(features, clip), clip, rtol=1e-6)
    heard = lambda z, x: jnp.sum(domain.synthesise(z, x))
    by_features, by_sound = jax.grad(heard, (0, 1))(features, clip)
    np.testing.assert_array_equal(by_features, jnp.ones_like(clip))
    assert np.all(np.isfinite(by_sound))


def test_a_front_end_that_filters_gives_the_clip_for_unedited_features(x64):
    pre_emphasis = lambda x: jnp.append(x[:1], x[1:] - 0.97 * x[:-1]) / jnp.std(x)
    domain, clip = normalised(RATE, pre_emphasis), noise(400)
    again = domain.synthesise(domain.analyse(clip), clip)
    np.testing.assert_allclose(again, clip, rtol=1e-12, atol=1e-14)


def test_the_front_ends_parameters_are_leaves():
    front = jax.tree_util.Partial(_scaled, jnp.float32(3.0))
    assert jax.tree.leaves(normalised(RATE, front)) == [3.0]
    assert isinstance(Classifier(jnp.sum, normalised(RATE, front)), Classifier)


def _scaled(scale, x):
    return scale * x


@pytest.mark.parametrize(
    "front, said",
    [
        (lambda x: x[None], r"made \[1, 40\] of a waveform \[40\], expected \[T\] for \[T\]"),
        (lambda x: x[::2], r"made \[20\] of a waveform"),
        (lambda x: (x, x[:1]), "makes no array"),
        (lambda x: jnp.sign(x).astype(int), "returned int32, expected floating point"),
    ],
)
def test_a_front_end_of_another_kind_is_refused(front, said):
    with pytest.raises(ValueError, match=said) as refusal:
        normalised(RATE, front).analyse(jnp.ones(40))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("front", [None, 3.0, jnp.ones(3)])
def test_anything_but_a_function_is_refused(front):
    with pytest.raises(TypeError, match=r"front end must be a function of a waveform \[T\]"):
        normalised(RATE, front)
