"""Perturbation curves against a slow replica in numpy, their areas, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import Codec
from audioxai_jax.metrics import curve_scores
from audioxai_jax.perturbation.curves import (
    EDITS,
    ORDERS,
    READINGS,
    band,
    perturbation_curve,
    random_curves,
)
from audioxai_jax.perturbation.domains import cells, frequencies, latents, samples
from audioxai_jax.synthesis.bases import BASES
from tests.helpers.refusals import refusal

DRAW = np.random.default_rng(0)
FRAMES, CHANNELS, CLASSES, TARGET = 5, 4, 3, 1
X = DRAW.normal(size=(FRAMES, CHANNELS))
RELEVANCE = np.round(DRAW.normal(size=X.shape), 1)  # with ties
WEIGHTS = DRAW.normal(size=(X.size, CLASSES))
OTHER = DRAW.normal(size=X.shape)
FRACTIONS = [0.0, 0.1, 0.35, 0.5, 1.0]
MODEL = Partial(lambda weights, x: jnp.tanh(x.ravel()) @ weights, WEIGHTS)


def logits_of(x):
    return np.tanh(x.ravel()) @ WEIGHTS


def slow(relevance=RELEVANCE, edit="delete", order="morf", fractions=FRACTIONS, read="logit"):
    """By sorting and looking, one edit after the other."""
    shape = relevance.shape
    turns = sorted(range(relevance.size), key=lambda i: (-relevance.ravel()[i], i))
    turns = turns[::-1] if order == "lerf" else turns
    curve = []
    for fraction in fractions:
        mask = np.zeros(relevance.size, bool)
        mask[turns[: round(fraction * relevance.size)]] = True
        mask = np.broadcast_to(mask.reshape(shape), X.shape)
        edited = np.where(mask, OTHER, X) if edit == "delete" else np.where(mask, X, OTHER)
        logits = logits_of(edited)
        softmax = np.exp(logits) / np.sum(np.exp(logits))
        said, whole = np.argmax(logits), np.argmax(logits_of(X))
        said = {"class": float(said == TARGET), "agreement": float(said == whole)}
        curve.append({"logit": logits[TARGET], "probability": softmax[TARGET], **said}[read])
    return np.asarray(curve)


def curve(model=MODEL, x=X, relevance=RELEVANCE, target=TARGET, **changes):
    settings = {"fractions": FRACTIONS, "replacement": OTHER, **changes}
    given = model, jnp.asarray(x), jnp.asarray(relevance), target
    return jax.jit(lambda: perturbation_curve(*given, **settings))()  # one program is quicker


@pytest.mark.parametrize("read", READINGS)
@pytest.mark.parametrize("edit", EDITS)
def test_curves_are_those_of_a_slow_replica(x64, edit, read):
    for order in ("morf", "lerf"):
        wanted = slow(edit=edit, order=order, read=read)
        np.testing.assert_allclose(curve(edit=edit, order=order, read=read), wanted, rtol=1e-12)


@pytest.mark.parametrize("axis", [0, 1])
def test_frames_and_channels_are_edited_whole(x64, axis):
    relevance = RELEVANCE.sum(axis, keepdims=True)
    found = curve(relevance=relevance, read="logit")
    np.testing.assert_allclose(found, slow(relevance, read="logit"), rtol=1e-12)


def test_batches_jit_and_vmap_change_nothing(x64):
    wanted = slow(read="probability")
    np.testing.assert_allclose(curve(batch=2), wanted, rtol=1e-12)
    found = jax.jit(lambda *given: curve(model=given[0], fractions=given[1]))(
        MODEL, jnp.asarray(FRACTIONS)
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    both = jax.vmap(lambda x: curve(x=x))(jnp.stack([jnp.asarray(X), jnp.zeros_like(X)]))
    np.testing.assert_allclose(both[0], wanted, rtol=1e-12)


def test_inserting_the_most_relevant_is_deleting_the_least(x64):
    """To the last tie, and so faithfulness is the area between the two deletion curves."""

    def both(relevance):
        given, settings = (MODEL, jnp.asarray(X), relevance, TARGET), {"replacement": OTHER}
        return [
            of(*given, fractions=10, **settings)
            for of in (curve_scores.faithfulness, curve_scores.abpc)
        ]

    for relevance in (RELEVANCE, np.zeros_like(X)):
        given = {"relevance": relevance, "fractions": 10}
        inserted, deleted = curve(edit="insert", **given), curve(order="lerf", **given)
        np.testing.assert_allclose(inserted, deleted[::-1], rtol=1e-12)
        scores = jax.jit(both)(jnp.asarray(relevance))
        np.testing.assert_allclose(*scores, atol=1e-12)


def test_replacements_are_numbers_arrays_or_drawn(x64, key):
    zeros = curve(replacement=0.0)
    np.testing.assert_allclose(zeros, curve(replacement=np.zeros(CHANNELS)), rtol=1e-12)
    noise = lambda x, key: jax.random.normal(key, x.shape)
    drawn = curve(replacement=noise, key=key)
    given = noise(jnp.asarray(X), jax.random.split(key)[0])
    np.testing.assert_allclose(drawn, curve(replacement=given), rtol=1e-12)
    assert not np.allclose(drawn[1:], curve(replacement=noise, key=jax.random.key(1))[1:])


def test_domains(x64, key):
    """Deleting frequencies, and latents of a codec, with the sound in between."""
    sound = jnp.asarray(DRAW.normal(size=16))
    model = Partial(lambda x: jnp.stack([jnp.sum(x**2), jnp.sum(jnp.abs(x))]))
    spectrum = np.fft.rfft(sound)
    score = jnp.asarray(np.abs(spectrum))
    given = {"model": model, "x": sound, "target": 0, "replacement": 0.0, "read": "logit"}
    found = curve(relevance=score, domain=frequencies(), fractions=[1 / 9], **given)
    spectrum[np.argmax(np.abs(spectrum))] = 0
    np.testing.assert_allclose(found, np.sum(np.fft.irfft(spectrum, 16) ** 2), rtol=1e-10)
    codec = Codec(
        encode=Partial(lambda sound: sound.reshape(-1, 4)),
        decode=Partial(lambda latent: 2 * latent.ravel()),
        sample_rate=16,
        hop=4,
    )
    relevance = jnp.arange(16.0).reshape(4, 4)
    found = curve(relevance=relevance, domain=latents(codec), fractions=[0.0, 0.25], **given)
    wanted = [4 * np.sum(sound**2), 4 * np.sum(sound[:12] ** 2)]
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


def test_random_curves_and_their_band(x64, key):
    """Of a linear model, the mean over rankings falls in a straight line."""
    draws, x = 200, jnp.asarray(X)
    given = {"fractions": 4, "replacement": 0.0, "read": "logit"}

    @jax.jit
    def found():
        model = Partial(lambda x: jnp.stack([jnp.sum(x * X), 0.0]))
        controls = {"key": key, "draws": draws, **given}
        return {
            "drawn": (drawn := random_curves(model, x, 0, **controls)),
            "band": band(drawn, 0.9),
            "batches": random_curves(model, x, 0, batch=64, **controls),
            "frames": random_curves(model, x, 0, units=(FRAMES, 1), **controls),
            "best": perturbation_curve(model, x, jnp.asarray(X * X), 0, **given),
            "one": perturbation_curve(model, x, x, 0, order="random", key=key, **given),
        }

    found = jax.tree.map(np.asarray, found())
    drawn, of, whole = found["drawn"], found["band"], np.sum(X * X)
    assert drawn.shape == (draws, 5)
    error = np.std(drawn, axis=0) / np.sqrt(draws)
    assert np.all(np.abs(of["mean"] - whole * np.linspace(1, 0, 5)) <= 4 * error + 1e-9)
    np.testing.assert_allclose(of["low"], np.quantile(drawn, 0.05, axis=0), atol=1e-12)
    np.testing.assert_allclose(of["high"], np.quantile(drawn, 0.95, axis=0), atol=1e-12)
    assert np.all(found["best"][1:-1] < of["low"][1:-1])
    np.testing.assert_allclose(found["one"][[0, -1]], [whole, 0], atol=1e-12)
    np.testing.assert_allclose(found["batches"], drawn, atol=1e-12)
    steps = set(np.round(np.sum(X * X, axis=1), 9))
    assert set(np.round(whole - found["frames"][:, 1], 9)) <= steps


def test_areas_in_closed_form(x64):
    """Height falls as (1 - fraction)^2 at equal and unequal fractions."""
    fine = np.linspace(0, 1, 1001)
    assert curve_scores.area(jnp.asarray((1 - fine) ** 2), fine) == pytest.approx(1 / 3, abs=1e-6)
    assert curve_scores.area(jnp.asarray([1.0, 0.0, 0.0]), [0.0, 0.5, 1.0]) == pytest.approx(0.25)
    assert curve_scores.area(jnp.asarray([1.0, 0.5, 0.0]), [0.0, 0.2, 1.0]) == pytest.approx(
        0.2 * 0.75 + 0.8 * 0.25
    )
    assert curve_scores.area(jnp.asarray([3.0, 3.0]), [0.2, 0.4]) == pytest.approx(3)
    assert curve_scores.mean_drop(jnp.asarray([1.0, 0.5, 0.0])) == pytest.approx(0.5)
    assert np.isnan(curve_scores.area(jnp.asarray([1.0, np.nan]), 1))


def test_scores_are_those_of_the_curves(x64):
    settings = {"fractions": FRACTIONS, "replacement": OTHER}
    deleted, inserted = slow(read="probability"), slow(edit="insert", read="probability")
    last = slow(order="lerf", read="probability")
    wanted = {
        "deletion_auc": np.trapezoid(deleted, FRACTIONS),
        "insertion_auc": np.trapezoid(inserted, FRACTIONS),
        "aopc": np.mean(deleted[0] - deleted),
        "abpc": np.trapezoid(last - deleted, FRACTIONS),
        "faithfulness": np.trapezoid(inserted - deleted, FRACTIONS),
    }
    given = MODEL, jnp.asarray(X), jnp.asarray(RELEVANCE), TARGET
    found = jax.jit(
        lambda: {name: getattr(curve_scores, name)(*given, **settings) for name in wanted}
    )()
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1e-12), name


def test_what_is_not_a_number_is_not_measured(x64):
    broken = Partial(lambda x: jnp.stack([jnp.sum(x), 0.0]) / jnp.where(x[0, 0] == 0, jnp.nan, 1))
    order = jnp.asarray(-np.arange(20.0).reshape(X.shape))
    for read in READINGS:
        found = curve(model=broken, relevance=order, replacement=0.0, read=read, fractions=2)
        np.testing.assert_array_equal(np.isnan(found), [False, True, True])
    assert np.all(np.isnan(curve(relevance=np.where(RELEVANCE > 1, np.nan, RELEVANCE))))
    bad = jax.jit(lambda f: curve(fractions=f))(jnp.asarray([0.5, 1.5, jnp.nan]))
    np.testing.assert_array_equal(np.isnan(bad), [False, True, True])
    whole = Partial(lambda x: jnp.stack([jnp.sum(x), 0.0]) / jnp.where(x[0, 0] == 0, 1, jnp.nan))
    assert np.all(np.isnan(curve(model=whole, read="agreement")))


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"relevance": np.ones(20)}, "relevance is [20], but there are [5, 4] coefficients"),
        ({"relevance": np.ones((5, 2))}, "relevance is [5, 2]"),
        ({"x": np.ones(X.shape, int)}, "expected floating point"),
        ({"edit": "remove"}, "unknown edit 'remove': choose one of delete, insert"),
        ({"order": "most"}, f"unknown order 'most': choose one of {', '.join(ORDERS)}"),
        ({"read": "loss"}, "unknown reading 'loss'"),
        ({"fractions": [0.5, 1.5]}, "between 0 and 1, got [0.5, 1.5]"),
        ({"fractions": []}, "between 0 and 1"),
        ({"fractions": 0}, "at least one step is made, got 0"),
        ({"target": 3}, "target 3 is not a class"),
        ({"order": "random"}, "a random order needs a key"),
        ({"replacement": lambda x, key: x}, "a replacement that is a function needs a key"),
        ({"replacement": jnp.zeros(7)}, "the replacement is [7], but there are"),
        ({"replacement": "mean"}, "the replacement is 'mean', but there are"),
        ({"model": Partial(jnp.sum)}, "must return logits [K]"),
    ],
)
def test_refusals(changes, words):
    """On copies: once a trace has failed, jax 0.10 takes the arrays it knew in single precision."""
    model = Partial(MODEL.func, WEIGHTS.copy())
    given = {"model": model, "x": X.copy(), "relevance": RELEVANCE.copy(), **changes}
    assert words in refusal(ValueError, curve, **{"replacement": OTHER.copy(), **given})


def test_refusals_of_areas_and_controls(key):
    with pytest.raises(ValueError, match="must rise"):
        curve_scores.area(jnp.ones(2), [0.5, 0.5])
    with pytest.raises(ValueError, match="3 fractions for a curve of"):
        curve_scores.area(jnp.ones(2), 2)
    with pytest.raises(ValueError, match="first fraction must be 0"):
        curve_scores.aopc(MODEL, jnp.asarray(X), jnp.asarray(X), TARGET, fractions=[0.5, 1.0])
    with pytest.raises(ValueError, match="at least one ranking"):
        random_curves(MODEL, jnp.asarray(X), TARGET, key=key, draws=0)
    with pytest.raises(ValueError, match="level"):
        band(jnp.ones((2, 3)), 1.0)
    with pytest.raises(TypeError):
        curve_scores.deletion_auc(MODEL, jnp.asarray(X), jnp.asarray(X), TARGET, edit="insert")
    assert samples().fill == 0


def test_what_is_deleted_has_the_value_that_the_domain_says():
    """0 dB would be the loudest cell there is, not an empty one."""
    levels = jnp.asarray(X * 10 - 40)
    given = {"fractions": FRACTIONS, "domain": cells(floor=-80.0), "read": "logit"}
    found = perturbation_curve(MODEL, levels, jnp.asarray(RELEVANCE), TARGET, **given)
    wanted = perturbation_curve(
        MODEL, levels, jnp.asarray(RELEVANCE), TARGET, replacement=-80.0, **given
    )
    np.testing.assert_array_equal(found, wanted)
    whole = random_curves(MODEL, levels, TARGET, key=jax.random.key(0), draws=2, **given)
    np.testing.assert_array_equal(whole[:, -1], [wanted[-1]] * 2)


@pytest.mark.parametrize("name", BASES)
def test_latents_are_replaced_by_any_base(name):
    """A base wants a codec first: what remains is `(latent, key) -> latent`."""
    codec = Codec(
        Partial(lambda audio: jnp.tanh(audio.reshape(-1, CHANNELS))),
        Partial(lambda latent: 2 * latent.ravel()),
        sample_rate=16,
        hop=CHANNELS,
        mean=jnp.arange(1.0 * CHANNELS),
    )
    key, x = jax.random.key(3), jnp.asarray(X)
    base = BASES[name]()
    found = perturbation_curve(
        MODEL,
        x,
        jnp.asarray(RELEVANCE),
        TARGET,
        fractions=[1.0],
        read="logit",
        replacement=Partial(base, codec),
        key=key,
    )
    wanted = logits_of(np.asarray(base(codec, x, jax.random.split(key)[0])))[TARGET]
    np.testing.assert_allclose(found, [wanted], atol=1e-5)
