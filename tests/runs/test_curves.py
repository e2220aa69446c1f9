"""Curves of keeping and deleting: closed forms in exact domains, controls, rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import Classifier, domains, input_x_gradient
from audioxai_jax.runs.curve_rows import curve_rows
from audioxai_jax.runs.curves import make_study, measure
from audioxai_jax.types import Codec
from tests.helpers.refusals import refusal

RATE = 64
WEIGHTS = jnp.linspace(-1.0, 1.0, RATE)
FRACTIONS = (0.25, 0.5, 1.0)


def model(samples):
    """Two classes: a weighted sum of the samples, and a constant."""
    return jnp.stack([jnp.sum(WEIGHTS * samples), 0.1])


CLASSIFIER = Classifier(model, reads=domains.samples(RATE))


@pytest.fixture(scope="module")
def measured():
    study = make_study(
        CLASSIFIER,
        domains.samples(RATE),
        {"exact": input_x_gradient()},
        fractions=FRACTIONS,
        draws=3,
        listener=CLASSIFIER,
    )
    audio = 0.1 * WEIGHTS + 0.05 * jax.random.normal(jax.random.key(0), (5, RATE))
    results = jax.vmap(lambda clip: measure(study, clip, jax.random.key(1)))(audio)
    return study, np.asarray(audio), jax.tree.map(np.asarray, results)


def test_of_a_linear_model_curves_are_sums_of_the_largest_terms(measured):
    _, audio, results = measured
    terms = np.sort(np.asarray(WEIGHTS) * audio, axis=1)[:, ::-1]
    for number, fraction in enumerate(FRACTIONS):
        count = round(fraction * RATE)
        kept, left = terms[:, :count].sum(1), terms[:, count:].sum(1)
        logits = results["logits"]["exact"][:, :, number, 0]
        np.testing.assert_allclose(logits, np.stack([kept, left], 1), atol=1e-5)
    np.testing.assert_allclose(results["logits"]["trip"], results["logits"]["original"], atol=1e-6)


def test_energy_is_shared_between_what_is_kept_and_deleted(measured):
    _, _, results = measured
    for name in ("exact", "magnitude"):
        np.testing.assert_allclose(results["energy"][name].sum(1), 1, rtol=1e-5)
    assert (results["energy"]["magnitude"][:, 0] >= results["energy"]["exact"][:, 0] - 1e-6).all()


def test_rows_are_shares_of_clips_and_the_difference_from_chance(measured):
    study, _, results = measured
    rows = curve_rows(study, results, jax.random.key(2))
    find = lambda **wanted: next(r for r in rows if wanted.items() <= r.items())
    for judge in ("model", "listener"):
        assert find(judge=judge, ranking="trip")["mean"] == 1
        keep = find(judge=judge, ranking="exact", edit="keep")
        assert keep["mean"] == [1, 1, 1] and keep["fractions"] == list(FRACTIONS)
        delete = find(judge=judge, ranking="exact", edit="delete")
        assert delete["mean"][-1] == 1  # of silence the other class is said
        random = find(judge=judge, ranking="random", edit="keep")
        np.testing.assert_allclose(
            keep["over_random_mean"], np.subtract(keep["mean"], random["mean"]), atol=1e-6
        )
    assert len(rows) == 2 * (1 + 3 * 2)


def test_another_domain_of_the_same_sound_keeps_the_sum_of_relevance():
    """In frequencies a linear model of samples is linear: kept and deleted parts add up."""
    study = make_study(
        CLASSIFIER,
        domains.frequencies(RATE),
        {"exact": input_x_gradient()},
        fractions=FRACTIONS,
        draws=1,
    )
    clip = 0.1 * WEIGHTS
    logits = measure(study, clip, jax.random.key(0))["logits"]["exact"][..., 0]
    np.testing.assert_allclose(logits.sum(0), np.full(3, model(clip)[0]), rtol=1e-4)


def test_by_the_hearable_rank_what_is_far_from_evidence_comes_last():
    """20 ms are 1.28 samples, beyond four times of which nothing follows."""
    weights = jnp.zeros(RATE).at[20].set(1.0)
    one = Classifier(lambda x: jnp.stack([weights @ x, -1.0]), reads=domains.samples(RATE))
    how = {"fractions": (1 / RATE, 11 / RATE), "draws": 1, "rank": "hearable"}
    study = make_study(one, domains.samples(RATE), {"exact": input_x_gradient()}, **how)
    clip = jnp.full(RATE, 0.5).at[50].set(0.6)
    results = measure(study, clip, jax.random.key(0))
    energy = results["energy"]["exact"][0] * jnp.sum(clip**2)
    np.testing.assert_allclose(energy, [0.25, 11 * 0.25], rtol=1e-5)  # 15 to 25, never 50
    np.testing.assert_allclose(results["logits"]["exact"][0, 0], [0.5, -1], rtol=1e-6)
    said = refusal(ValueError, make_study, one, study.domain, {}, **how | {"rank": "loud"})
    assert "unknown rank 'loud': choose one of signed, absolute, hearable" in said


def test_of_cells_the_magnitude_control_ranks_levels():
    codec = Codec(
        lambda x: x.reshape(-1, 4), lambda z: z.ravel(), RATE, 4, cells=(0, 1, 0, 1), unit="cell"
    )
    reads = domains.latent(codec)
    one = Classifier(lambda z: jnp.stack([z.sum(), -1.0]), reads=reads)
    study = make_study(one, reads, {}, fractions=(1 / 32,), draws=1)
    clip = jnp.full(RATE, 0.1).at[8].set(0.2).at[14].set(0.9)  # a level, and what has none
    energy = measure(study, clip, jax.random.key(0))["energy"]["magnitude"][0, 0]
    np.testing.assert_allclose(energy * jnp.sum(clip**2), 0.2**2 + 0.1**2, rtol=1e-5)


def test_an_unknown_unit_is_refused():
    study = make_study(
        CLASSIFIER, domains.samples(RATE), {}, fractions=(0.5,), draws=1, unit="band"
    )
    said = refusal(ValueError, measure, study, 0.1 * WEIGHTS, jax.random.key(0))
    assert "unknown unit 'band' of the domain 'samples': choose one of sample" in said
