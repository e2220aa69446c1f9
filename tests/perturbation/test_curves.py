"""Perturbation curves against a slow replica in numpy, in any domain, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import Codec
from audioxai_jax.core.records import record
from audioxai_jax.domains import frequencies, latent, samples
from audioxai_jax.metrics import curve_differences
from audioxai_jax.perturbation.ask import QUESTIONS
from audioxai_jax.perturbation.curves import band, perturbation_curve, random_curves
from audioxai_jax.perturbation.edit import EDITS
from audioxai_jax.perturbation.rank import ORDERS
from tests.helpers.curves import (
    CHANNELS,
    DRAW,
    FRACTIONS,
    FRAMES,
    MODEL,
    OTHER,
    RELEVANCE,
    TARGET,
    WEIGHTS,
    X,
    slow,
)
from tests.helpers.refusals import refusal


def curve(model=MODEL, x=X, relevance=RELEVANCE, target=TARGET, **changes):
    settings = {"fractions": FRACTIONS, "base": OTHER, **changes}
    given = model, jnp.asarray(x), jnp.asarray(relevance), target
    return jax.jit(lambda: perturbation_curve(*given, **settings))()  # one program is quicker


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("edit", EDITS)
def test_curves_are_those_of_a_slow_replica(x64, edit, question):
    for order in ("morf", "lerf"):
        wanted = slow(edit=edit, order=order, question=question)
        np.testing.assert_allclose(
            curve(edit=edit, order=order, question=question), wanted, rtol=1e-12
        )


@pytest.mark.parametrize("axis", [0, 1])
def test_frames_and_channels_are_edited_whole(x64, axis):
    relevance = RELEVANCE.sum(axis, keepdims=True)
    found = curve(relevance=relevance, question="logit")
    np.testing.assert_allclose(found, slow(relevance, question="logit"), rtol=1e-12)


def test_chunks_jit_and_vmap_change_nothing(x64):
    wanted = slow(question="probability")
    np.testing.assert_allclose(curve(chunk=2), wanted, rtol=1e-12)
    found = jax.jit(lambda *given: curve(model=given[0], fractions=given[1]))(
        MODEL, jnp.asarray(FRACTIONS)
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    both = jax.vmap(lambda x: curve(x=x))(jnp.stack([jnp.asarray(X), jnp.zeros_like(X)]))
    np.testing.assert_allclose(both[0], wanted, rtol=1e-12)


def test_to_keep_the_most_relevant_is_to_delete_the_least(x64):
    """To the last tie, and so faithfulness is the area between the two deletion curves."""

    def both(relevance):
        given, settings = (MODEL, jnp.asarray(X), relevance, TARGET), {"base": OTHER}
        return [
            of(*given, fractions=10, **settings)
            for of in (curve_differences.faithfulness, curve_differences.abpc)
        ]

    for relevance in (RELEVANCE, np.zeros_like(X)):
        given = {"relevance": relevance, "fractions": 10}
        kept, deleted = curve(edit="keep", **given), curve(order="lerf", **given)
        np.testing.assert_allclose(kept, deleted[::-1], rtol=1e-12)
        scores = jax.jit(both)(jnp.asarray(relevance))
        np.testing.assert_allclose(*scores, atol=1e-12)


def test_bases_are_numbers_or_arrays(x64):
    wanted = slow()
    np.testing.assert_allclose(curve(base=jnp.asarray(OTHER), question="logit"), wanted, rtol=1e-12)
    np.testing.assert_allclose(curve(base=0.0), curve(base=np.zeros(CHANNELS)), rtol=1e-12)
    np.testing.assert_allclose(curve(base=None), curve(base=0.0), rtol=1e-12)


LOUDNESS = Partial(lambda x: jnp.stack([jnp.sum(x**2), jnp.sum(jnp.abs(x))]))


def test_a_pair_of_real_and_imaginary_part_is_one_unit(x64):
    """Of nine frequencies the loudest goes whole, though one of its parts is small."""
    sound = jnp.asarray(DRAW.normal(size=16))
    spectrum = np.fft.rfft(sound)
    domain = frequencies(16)
    relevance = domain.analyse(sound) ** 2  # its sum over a pair is the energy there
    given = {"model": LOUDNESS, "x": sound, "target": 0, "base": None, "question": "logit"}
    given |= {"domain": domain, "fractions": [0.0, 1 / 9]}
    found = curve(relevance=relevance, **given)
    energy = np.asarray(relevance.sum(axis=1))
    whole, rest = np.sum(energy), np.sum(energy) - energy.max()
    np.testing.assert_allclose(found, [whole, rest], rtol=1e-10)
    spectrum[np.argmax(energy)] = 0
    np.testing.assert_allclose(rest, np.sum(np.fft.irfft(spectrum, 16) ** 2), rtol=1e-10)
    by_units = curve(relevance=relevance.sum(axis=1, keepdims=True), **given)
    np.testing.assert_allclose(by_units, found, rtol=1e-12)


def test_latents_of_a_codec_with_the_sound_in_between(x64):
    sound = jnp.asarray(DRAW.normal(size=16))
    codec = Codec(
        encode=Partial(lambda sound: sound.reshape(-1, 4)),
        decode=Partial(lambda latent: 2 * latent.ravel()),
        sample_rate=16,
        hop=4,
    )
    domain, relevance = latent(codec), jnp.arange(16.0).reshape(4, 4)
    given = {"model": LOUDNESS, "x": sound, "target": 0, "base": None, "question": "logit"}
    given |= {"domain": domain, "fractions": [0.0, 0.25], "relevance": relevance}
    wanted = [4 * np.sum(sound**2), 4 * np.sum(sound[:12] ** 2)]
    np.testing.assert_allclose(curve(**given), wanted, rtol=1e-10)
    wanted[1] = 4 * np.sum(sound.reshape(4, 4)[:, :3] ** 2)
    by_channel = curve(**given, units=domain.units((4, 4))["channel"])
    np.testing.assert_allclose(by_channel, wanted, rtol=1e-10)


def test_a_model_of_features_is_the_model_of_audio_behind_a_domain(x64):
    """Composed by hand, the numbers are the same."""
    sound, domain = jnp.asarray(DRAW.normal(size=16)), frequencies(16)
    features = domain.analyse(sound)
    seen = Partial(lambda sound, z: LOUDNESS(domain.synthesise(z, sound)), sound)
    given = {"relevance": features, "target": 1, "base": None, "fractions": 3}
    whole = curve(model=LOUDNESS, x=sound, domain=domain, **given)
    units = domain.units(features.shape)["frequency"]
    np.testing.assert_allclose(curve(model=seen, x=features, units=units, **given), whole)


def test_random_curves_and_their_band(x64, key):
    """Of a linear model, the mean over rankings falls in a straight line."""
    draws, x = 200, jnp.asarray(X)
    given = {"fractions": 4, "base": 0.0, "question": "logit"}

    @jax.jit
    def found():
        model = Partial(lambda x: jnp.stack([jnp.sum(x * X), 0.0]))
        controls = {"key": key, "draws": draws, **given}
        return {
            "drawn": (drawn := random_curves(model, x, 0, **controls)),
            "band": band(drawn, 0.9),
            "chunks": random_curves(model, x, 0, chunk=64, **controls),
            "frames": random_curves(model, x, 0, units=np.arange(FRAMES)[:, None], **controls),
            "best": perturbation_curve(model, x, jnp.asarray(X * X), 0, **given),
        }

    found = jax.tree.map(np.asarray, found())
    drawn, of, whole = found["drawn"], found["band"], np.sum(X * X)
    assert drawn.shape == (draws, 5)
    error = np.std(drawn, axis=0) / np.sqrt(draws)
    assert np.all(np.abs(of["mean"] - whole * np.linspace(1, 0, 5)) <= 4 * error + 1e-9)
    np.testing.assert_allclose(of["low"], np.quantile(drawn, 0.05, axis=0), atol=1e-12)
    np.testing.assert_allclose(of["high"], np.quantile(drawn, 0.95, axis=0), atol=1e-12)
    assert np.all(found["best"][1:-1] < of["low"][1:-1])
    np.testing.assert_allclose(found["chunks"], drawn, atol=1e-12)
    steps = set(np.round(np.sum(X * X, axis=1), 9))
    assert set(np.round(whole - found["frames"][:, 1], 9)) <= steps


def test_what_is_not_a_number_is_not_measured(x64):
    broken = Partial(lambda x: jnp.stack([jnp.sum(x), 0.0]) / jnp.where(x[0, 0] == 0, jnp.nan, 1))
    order = jnp.asarray(-np.arange(20.0).reshape(X.shape))
    for question in QUESTIONS:
        found = curve(model=broken, relevance=order, base=0.0, question=question, fractions=2)
        np.testing.assert_array_equal(np.isnan(found), [False, True, True])
    assert np.all(np.isnan(curve(relevance=np.where(RELEVANCE > 1, np.nan, RELEVANCE))))
    bad = jax.jit(lambda f: curve(fractions=f))(jnp.asarray([0.5, 1.5, jnp.nan]))
    np.testing.assert_array_equal(np.isnan(bad), [False, True, True])
    whole = Partial(lambda x: jnp.stack([jnp.sum(x), 0.0]) / jnp.where(x[0, 0] == 0, 1, jnp.nan))
    assert np.all(np.isnan(curve(model=whole, question="agreement")))


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"relevance": np.ones(20)}, "relevance is [20], the features are [5, 4]"),
        ({"relevance": np.ones((5, 2))}, "relevance is [5, 2]"),
        ({"x": np.ones(X.shape, int)}, "expected floating point"),
        ({"edit": "remove"}, "unknown edit 'remove': choose one of keep, delete"),
        ({"order": "most"}, f"unknown order 'most': choose one of {', '.join(ORDERS)}"),
        ({"question": "loss"}, "unknown question 'loss'"),
        ({"fractions": [0.5, 1.5]}, "between 0 and 1, got [0.5, 1.5]"),
        ({"fractions": []}, "between 0 and 1"),
        ({"fractions": 0}, "at least one step is made, got 0"),
        ({"target": 3}, "target 3 is not a class"),
        ({"base": lambda x, key: x}, "give a number or an array that broadcasts to them"),
        ({"base": jnp.zeros(7)}, "the base is [7], but the features are [5, 4]"),
        ({"base": "mean"}, "the base is 'mean', but the features are [5, 4]"),
        ({"units": np.zeros((5, 3), int)}, "whose shape broadcasts to the features' [5, 4]"),
        ({"model": Partial(jnp.sum)}, "must return logits [K]"),
    ],
)
def test_refusals(changes, words):
    """On copies: once a trace has failed, jax 0.10 takes the arrays it knew in single precision."""
    model = Partial(MODEL.func, WEIGHTS.copy())
    given = {"model": model, "x": X.copy(), "relevance": RELEVANCE.copy(), **changes}
    assert words in refusal(ValueError, curve, **{"base": OTHER.copy(), **given})


def test_refusals_of_controls(key):
    with pytest.raises(ValueError, match="at least one ranking"):
        random_curves(MODEL, jnp.asarray(X), TARGET, key=key, draws=0)
    with pytest.raises(ValueError, match="level"):
        band(jnp.ones((2, 3)), 1.0)


def test_the_base_is_that_of_the_domain():
    """A domain of levels falls to its floor: 0 dB would be the loudest cell there is."""

    @record()
    class Levels:
        inner: object

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def analyse(self, audio):
            return audio

        def base(self, features):
            return jnp.full_like(features, -80.0)

    levels = jnp.asarray(X.ravel() * 10 - 40, jnp.float32)
    model = Partial(lambda x: jnp.stack([jnp.sum(x), 0.0]))
    given = {"fractions": [0.0, 1.0], "domain": Levels(samples(16)), "question": "logit"}
    found = perturbation_curve(model, levels, levels, 0, **given)
    np.testing.assert_allclose(found, [levels.sum(), -80 * levels.size], rtol=1e-6)
    whole = random_curves(model, levels, 0, key=jax.random.key(0), draws=2, **given)
    np.testing.assert_allclose(whole[:, -1], [-80 * levels.size] * 2, rtol=1e-6)
