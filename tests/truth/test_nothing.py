"""Nothing: halves that never reach a network have relevance 0, exactly."""

import jax
import numpy as np
import pytest

import audioxai_jax as ax
from audioxai_jax.core.records import bind
from audioxai_jax.domains.samples import samples
from audioxai_jax.truth import nothing, time
from audioxai_jax.truth.answers import Boxes
from audioxai_jax.truth.recipe import RATE, SAMPLES
from audioxai_jax.truth.score import energy, explained, scores
from audioxai_jax.truth.views import sounds_trial
from audioxai_jax.types import Classifier

EXACT = {
    "input x gradient": ax.input_x_gradient(),
    "saliency": ax.saliency(),
    "integrated gradients": ax.integrated_gradients(steps=4),
    "LRP": ax.lrp(),
}


@pytest.fixture(scope="module")
def trial():
    """A random network of the first half; nothing is trained."""
    kernels = np.random.default_rng(0).standard_normal((nothing.HALF, 4)).astype(np.float32)
    network = Classifier(bind(rectified, None, kernels), reads=samples(RATE))
    audio, labels = nothing.draw(3, seed=0)
    box = np.broadcast_to((nothing.HALF / RATE, np.inf, -np.inf, np.inf), (3, 1, 4))
    classifier = nothing.deaf_to_the_rest(network)
    return sounds_trial(
        classifier, audio, labels, Boxes(box), (), domain=samples(RATE), grid=(0.05, None)
    )


def rectified(config, kernels, audio):
    del config
    return jax.nn.softplus(audio @ kernels)


def test_a_seed_gives_the_same_bytes():
    (audio, labels), (again, same) = nothing.draw(4, seed=1), nothing.draw(4, seed=1)
    assert audio.tobytes() == again.tobytes() and labels.tobytes() == same.tobytes()
    assert audio.shape == (4, SAMPLES) and audio.dtype == np.float32


def test_the_half_that_is_ignored_is_louder(trial):
    assert (scores(trial, energy(trial))["mass"] > 0.9).all()


def test_each_first_half_holds_its_event():
    """The stretch that decides, of the clips from which halves are cut, lies whole in the first."""
    audio, labels = nothing.draw(6, seed=2)
    clips = time.draw(12, seed=2)
    assert (labels == clips.labels[:6]).all()
    length = SAMPLES // time.STRETCHES
    for half, clip, place in zip(audio, clips.audio, clips.place, strict=False):
        event = clip[place * length : (place + 1) * length]
        parts = half[: nothing.HALF].reshape(-1, length)
        assert any((part == event).all() for part in parts)


@pytest.mark.parametrize("name", EXACT)
def test_relevance_of_what_is_ignored_is_exactly_0(name, trial):
    relevance, _ = explained(trial, EXACT[name], key=jax.random.key(0))
    assert not relevance[:, nothing.HALF :].any()
    assert relevance[:, : nothing.HALF].any(axis=1).all()
    assert (scores(trial, relevance)["mass"] == 0).all()


def test_equal_outputs_give_ablation_exactly_0(trial):
    method = ax.feature_ablation(segments=trial.segments)
    relevance, _ = explained(trial, method, key=jax.random.key(0))
    assert not relevance[:, nothing.HALF :].any()


@pytest.mark.full_size
def test_a_check_fails_for_a_network_that_hears_both_halves():
    def heard_by(kernels):
        return Classifier(bind(rectified, None, kernels), reads=samples(RATE))

    audio, labels = nothing.draw(4, seed=0)
    kernels = np.random.default_rng(0).standard_normal((SAMPLES, 4)).astype(np.float32)
    assert not nothing.hear_half(heard_by(kernels), audio, labels)[1].holds
    kernels[nothing.HALF :] = 0
    assert nothing.hear_half(heard_by(kernels), audio, labels)[1].holds
