"""The study of strangers: sounds that should hold no word, and ways to keep a part."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import input_x_gradient
from audioxai_jax.domains import latent, samples
from audioxai_jax.synthesis import bases
from audioxai_jax.types import Classifier
from experiments.strangers import hallucination, protocol, settings, why
from experiments.strangers.variants import VARIANTS
from tests.helpers.small_models import small_codec

RATE, SAMPLES = 16_000, 40


def linear(weights, features):
    return weights @ features.ravel()


def study(domain, shape, fractions=(0.2,)):
    weights = jax.random.normal(jax.random.key(3), (3, int(np.prod(shape))))
    model = Classifier(Partial(linear, weights), domain)
    how = {"unit": None, "rank": "signed", "fractions": fractions, "draws": 1}
    methods = {"input_x_gradient": input_x_gradient()}
    made = protocol.make_study(model, model, None, domain, methods, bases.own(), **how)
    return weights, made


def test_sounds_without_a_word_are_made_as_they_are_named():
    weights, what = study(samples(RATE), (SAMPLES,))
    pair = np.random.default_rng(0).integers(-9000, 9000, (2, SAMPLES)).astype(np.int16)
    clip = {"audio": pair[0], "other": pair[1], "number": np.uint32(3)}
    key = jax.random.key(0)
    made = jax.tree.map(np.asarray, hallucination.sounds_of((what, key), clip, key))
    audio, other = pair.astype(np.float32) / 32768
    sounds = made["sounds"]
    order = np.argsort(-np.asarray(weights)[made["prediction"]] * audio)
    first = np.isin(np.arange(SAMPLES), order[:8])
    for name, base in (("own", 0 * audio), ("neighbour", other)):
        assert np.array_equal(sounds[f"base alone, base {name}"], base)
        kept = sounds[f"first 20 % kept, base {name}"]
        np.testing.assert_array_equal(kept, np.where(first, audio, base))
        deleted = sounds[f"first 20 % deleted, base {name}"]
        np.testing.assert_array_equal(deleted, np.where(first, base, audio))
        drawn = sounds[f"random 20 % kept, base {name}"]
        assert np.sum(drawn != base) == 8 and np.all((drawn == base) | (drawn == audio))
    matched = np.sqrt(np.mean(sounds["base alone, base matched noise"] ** 2))
    assert matched == pytest.approx(np.sqrt(np.mean(audio**2)), rel=1e-4)
    shuffled = sounds["features shuffled in time, each channel for itself"]
    np.testing.assert_array_equal(np.sort(shuffled), np.sort(audio))
    assert not sounds["silence"].any() and not sounds["features of silence"].any()


@pytest.mark.full_size
def test_ablations_are_those_of_the_clip():
    codec = small_codec()
    fractions = (0.25, 1.0)
    _, what = study(latent(codec), (20, 12), fractions)
    audio = np.random.default_rng(1).integers(-9000, 9000, 800).astype(np.int16)
    key = jax.random.key(0)
    made = why.sounds_of((what, key), {"audio": audio, "number": np.uint32(3)}, key)
    made = jax.tree.map(np.asarray, made)
    trip = np.asarray(codec.decode(codec.encode(jnp.asarray(audio / 32768, jnp.float32))))
    np.testing.assert_allclose(made["whole"]["codec only"], trip, atol=1e-6)
    assert made["kept"].keys() == VARIANTS.keys()
    for name, sounds in made["kept"].items():
        if name != "gains alone, no coefficients":  # all units kept are the whole
            np.testing.assert_allclose(sounds[1], trip, atol=1e-5)
            assert made["facts"]["energy"][name][1] == pytest.approx(1, abs=1e-4)
            assert made["facts"]["run"][name][1] == 20
    energy = np.sum(made["kept"]["cells"][0] ** 2) / np.sum(trip**2)
    assert made["facts"]["energy"]["cells"][0] == pytest.approx(energy, rel=1e-4)


def test_settings_are_chosen_by_what_is_heard_in_originals_and_after_the_codec():
    usual = {"gain": 0.5, "padding": 0.0, "cmn": "batch", "floor": "none"}
    row = lambda floor, *heard: (
        usual
        | {
            "floor": floor,
            "keywords": dict(zip((*settings.SOUNDS, settings.NOISE), heard)),
        }
    )
    rows = [row("none", 0.8, 0.7, 0.0), row("-30 dB", 0.82, 0.72, 0.3), row("-20 dB", 0.9, 0.6, 0)]
    chosen = settings.best(rows)
    assert chosen == usual | {"floor": "-30 dB", "mean": pytest.approx(0.77)}
    text = settings.markdown(rows, chosen, [{"search": "lw=3", "keywords": rows[0]["keywords"]}])
    assert "| 0.5 | 0.0 | batch | -30 dB | 82.0 | 72.0 | 30.0 |" in text
    assert "| lw=3 | 80.0 | 70.0 | 0.0 |" in text


def test_the_floor_of_settings_has_the_padding_that_is_asked_for(monkeypatch):
    """Noise of the widest padding is cut; what is heard is the sound in its middle."""
    heard = []

    class Ears:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def hear(self, sounds):
            heard.append(sounds)
            return np.zeros(len(sounds), int)

    monkeypatch.setattr(settings, "make_ears", lambda task, processes, **how: Ears())
    asked = dataclasses.make_dataclass("Asked", ["task", "truth"])("keywords", np.array([0, 1]))
    noise = np.arange(2 * 12_000, dtype=np.float32).reshape(2, -1)  # 4000 on both sides of 4000
    sounds = {"original": np.ones((2, 4000)), "codec only": np.zeros((2, 4000)), "noise": noise}
    said = settings.heard(asked, sounds, 0.0, 1, padding=0.125)
    assert said == {"original": 0.5, "codec only": 0.5, "noise": 1}
    np.testing.assert_array_equal(heard[1], noise[:, 2000:-2000])
    np.testing.assert_array_equal(heard[0][:, 2000:-2000], 1 + noise[:, 4000:-4000])
