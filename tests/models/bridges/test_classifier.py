"""Functions of tensors as classifiers, whatever axes their tensors have."""

import jax.numpy as jnp
import pytest

from audioxai_jax import domains
from audioxai_jax.models.bridges.classifier import as_classifier, axes_around
from audioxai_jax.models.bridges.errors import BridgeError, nearest
from tests.helpers.refusals import refusal


def total(x):
    return jnp.stack([x.sum(), x.size * 1.0, x.ndim * 1.0])[None]


@pytest.mark.parametrize(
    "shape, rank, around",
    [
        ((None, None), 1, (1, 0)),
        ((16,), 1, (0, 0)),
        ((None, 1, 16), 1, (2, 0)),
        ((1, None, 1), 1, (1, 1)),
        ((None, 16, 3), 2, (1, 0)),
        ((1, 1, 16, 1), 2, (2, 0)),
        (None, 1, (1, 0)),
    ],
)
def test_the_axes_of_the_features_are_told_from_the_others(shape, rank, around):
    assert axes_around(shape, rank) == around


@pytest.mark.parametrize("shape, rank", [((8, 16), 1), ((16,), 2), ((2, 16, 1), 1)])
def test_axes_that_features_do_not_fill_are_refused(shape, rank):
    message = refusal(BridgeError, axes_around, shape, rank)
    assert str(list(shape)) in message and "reads=" in message


@pytest.mark.parametrize("shape, axes", [((1, 4), 2), ((1, 1, 4), 3), ((1, 4, 1), 3), (None, 2)])
def test_the_model_gets_the_axes_that_it_asks_for(shape, axes):
    classifier = as_classifier(total, shape, sample_rate=8000)
    assert classifier(jnp.ones(4)).tolist() == [4, 4, axes]
    assert classifier.frames == (None if shape is None else 4)


@pytest.mark.parametrize("shape", [(1, 4), (1, None)])
def test_labels_that_do_not_fit_the_outputs_are_refused_at_once(shape):
    message = refusal(
        BridgeError, as_classifier, total, shape, sample_rate=8000, labels=("up", "down")
    )
    assert "labels= names 2 outputs ('up', 'down'), the model has 3" in message
    kept = as_classifier(total, shape, sample_rate=8000, labels=["a", "b", "c"])
    assert kept.labels == ("a", "b", "c")


def test_labels_as_one_text_are_refused():
    message = refusal(
        BridgeError, as_classifier, total, (1, 4), sample_rate=8000, labels="cat,dog,owl"
    )
    assert 'labels is a text: give a tuple of names, such as labels=("cat", ..)' in message


def test_labels_of_outputs_over_time_are_not_counted():
    """A wrapper over time comes later."""
    frames = lambda x: jnp.stack([x, x])[None]
    classifier = as_classifier(frames, (1, 4), sample_rate=8000, labels=tuple("abcd"))
    assert classifier.labels == tuple("abcd")


def test_an_output_without_classes_is_one_logit():
    classifier = as_classifier(lambda x: x.sum(axis=-1), (1, None), sample_rate=8000)
    assert classifier(jnp.ones(4)).tolist() == [4]


def test_several_outputs_are_refused_when_called():
    classifier = as_classifier(lambda x: (x, x), (1, None), sample_rate=8000)
    assert "returns 2 outputs" in refusal(BridgeError, classifier, jnp.ones(4))


def test_half_precision_is_given_and_taken_back():
    seen = []

    def model(x):
        seen.append(x.dtype.name)
        return x

    classifier = as_classifier(model, (1, 4), sample_rate=8000, dtype="float16")
    assert classifier(jnp.ones(4)).dtype.name == "float32" and set(seen) == {"float16"}


def test_the_domain_is_told_once():
    reads = domains.samples(8000)
    assert as_classifier(total, (1, 4), reads=reads).reads is reads
    assert "not both" in refusal(
        BridgeError, as_classifier, total, (1, 4), reads=reads, sample_rate=8000
    )
    assert "sample_rate=" in refusal(BridgeError, as_classifier, total, (1, 4))


def test_the_nearest_names_are_told():
    assert nearest("logit", ["audio", "logits"]) == "logits"
    assert nearest("zzz", ["audio", "logits"]) == "audio, logits"
    assert nearest("zzz", []) == "none"
