"""Curves on models whose answers are known: what is measured is what was asked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import Codec, input_x_gradient, magnitude_control
from audioxai_jax.synthesis.bases import zero
from experiments.fidelity.curves import RANDOM, Curves, fidelity_curves

CODEC = Codec(
    encode=Partial(lambda sound: sound.reshape(-1, 4)),
    decode=Partial(lambda latent: latent.ravel()),
    sample_rate=16,
    hop=4,
)
KEEP, DELETE = jnp.array([0.0, 0.25, 1.0]), jnp.array([0.0, 0.25])


def classify(latent):
    """Class 0 says that the first frame is loud; the others are never relevant."""
    return jnp.stack([jnp.sum(latent[0]), jnp.asarray(0.5)])


def curves(**changes):
    settings = {
        "codec": CODEC,
        "classifier": Partial(classify),
        "listener": Partial(lambda sound: jnp.stack([sound[15], jnp.asarray(0.5)])),
        "methods": {"ours": input_x_gradient(), "loud": magnitude_control()},
        "base": zero(),
        "keep": KEEP,
        "delete": DELETE,
        "units": ("feature", "frame"),
        "rank": "signed",
        "draws": 4,
        **changes,
    }
    audio = jnp.concatenate([jnp.ones(4), jnp.full(12, 2.0)])
    return jax.jit(fidelity_curves)(Curves(**settings), audio, jax.random.key(0))


@pytest.mark.parametrize("unit", ["feature", "frame"])
def test_relevant_features_keep_and_their_removal_flips(unit):
    found = curves()
    for place in ("latent", "sound"):
        np.testing.assert_array_equal(found["curves"]["ours"][unit][place], [0, 1, 1, 1, 0])
        np.testing.assert_array_equal(found["curves"]["loud"][unit][place], [0, 0, 1, 1, 1])
    # the listener hears the last sample alone, so what it says goes its own way
    np.testing.assert_array_equal(found["curves"]["ours"][unit]["listener"], [0, 0, 1, 1, 1])
    assert found["target"] == 0 and found["listener_target"] == 0
    assert {k: float(v) for k, v in found["codec_only"].items()} == dict.fromkeys(
        ("latent", "sound", "listener"), 1.0
    )


def test_random_draws_are_averaged():
    many = curves(draws=64)["curves"][RANDOM]["frame"]["latent"]
    assert abs(float(many[1]) - 0.25) < 0.15  # one frame in four is the one that counts
    assert (many[0], many[2], many[3]) == (0, 1, 1)
    few = curves(draws=4)["curves"][RANDOM]["frame"]["latent"]
    assert float(few[1]) * 4 == round(float(few[1]) * 4)


def test_levels_and_gaps():
    found = curves()
    kept = 10 * np.log10(4 / (4 + 12 * 4))  # the first frame alone against the clip
    assert float(found["level"]["ours"]) == pytest.approx(kept, abs=1e-3)
    assert np.isnan(float(found["gap"]["ours"]))


def test_a_model_that_fails_is_reported():
    assert bool(curves()["finite"])
    broken = curves(classifier=Partial(lambda latent: classify(latent) / 0.0 * 0.0))
    assert not bool(broken["finite"])


@pytest.mark.parametrize("who", ["classifier", "listener"])
def test_a_model_that_fails_on_edited_latents_alone_is_reported(who):
    """NaN must count neither as staying nor as a flip."""

    def fails_without_the_first_frame(x):
        return classify(x.reshape(4, 4)) / jnp.where(x.ravel()[0] == 0, jnp.nan, 1.0)

    found = curves(**{who: Partial(fails_without_the_first_frame)})
    assert not bool(found["finite"])
    place = "latent" if who == "classifier" else "listener"
    np.testing.assert_array_equal(
        found["curves"]["ours"]["frame"][place], [np.nan, 1, 1, 1, np.nan]
    )
