"""Models of Keras 3 on its JAX backend: its own predictions, and every method on them."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs keras")

from audioxai_jax import domains  # noqa: E402
from audioxai_jax.attribution import integrated_gradients, lrp  # noqa: E402
from audioxai_jax.models.bridges.errors import BridgeError  # noqa: E402
from audioxai_jax.models.bridges.keras import from_keras, read_keras  # noqa: E402
from audioxai_jax.propagation.composites import epsilon_plus  # noqa: E402
from audioxai_jax.types import attribute  # noqa: E402

RATE, SAMPLES = 16_000, 640
DRAW = np.random.default_rng(5)
L = keras.layers


def network(*layers):
    model = keras.Sequential([keras.Input((SAMPLES,)), L.Reshape((40, 16)), *layers])
    moved = {v.path: DRAW.normal(size=v.shape) * 0.1 for v in model.non_trainable_variables}
    for variable in model.non_trainable_variables:
        if "moving" in variable.path:
            variable.assign(np.abs(moved[variable.path]) + 0.5)
    return model


NETWORKS = {
    "conv": lambda: network(
        L.Conv1D(8, 3, strides=2, padding="same", activation="relu"),
        L.BatchNormalization(),
        L.Dropout(0.5),
        L.MaxPooling1D(2),
        L.GlobalAveragePooling1D(),
        L.Dense(4, activation="softmax"),
    ),
    "separable": lambda: network(
        L.SeparableConv1D(8, 3, activation="swish"),
        L.LayerNormalization(),
        L.DepthwiseConv1D(3),
        L.Flatten(),
        L.Dense(4),
        L.Softmax(),
    ),
    "lstm": lambda: network(L.LSTM(6, return_sequences=True), L.LSTM(5), L.Dense(4, "softmax")),
    "bidirectional gru": lambda: network(L.Bidirectional(L.GRU(5)), L.Dense(4, "softmax")),
    "attention": lambda: attention(),
}


def attention():
    wave = keras.Input((SAMPLES,), name="wave")
    frames = L.Dense(8)(L.Reshape((40, 16))(wave))
    mixed = L.MultiHeadAttention(2, 4)(frames, frames)
    pooled = L.GlobalAveragePooling1D()(L.LayerNormalization()(frames + mixed))
    return keras.Model(wave, L.Dense(4, "softmax", name="classes")(pooled))


@pytest.fixture(scope="module")
def wave():
    return (DRAW.normal(size=SAMPLES) * 0.3).astype(np.float32)


@pytest.fixture(params=list(NETWORKS), scope="module")
def model(request):
    keras.utils.set_random_seed(7)
    return NETWORKS[request.param]()


def test_predictions_are_keras_own(model, wave):
    theirs = model.predict(wave[None], verbose=0)[0]
    classifier = from_keras(model, sample_rate=RATE)
    assert "Array(" not in repr(classifier) and len(repr(classifier)) < 700
    assert classifier.outputs == "probabilities" and classifier.frames == SAMPLES
    np.testing.assert_allclose(classifier(jnp.asarray(wave)), theirs, rtol=1e-6, atol=1e-6)
    logits = from_keras(model, sample_rate=RATE, output="logits")
    assert logits.outputs == "softmax"
    ours = jax.nn.softmax(logits(jnp.asarray(wave)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
    paths = {variable.path for variable in model.variables if "seed" not in variable.path}
    assert set(logits.model.args[1].params) == paths


def test_methods_run_and_add_up(model, wave):
    classifier = from_keras(model, sample_rate=RATE, output="logits")
    x, target = jnp.asarray(wave), 1
    change = float((classifier(x) - classifier(0 * x))[target])
    key = jax.random.key(0)
    relevance = attribute(integrated_gradients(steps=64), classifier, x, target, key=key).relevance
    assert float(relevance.sum()) == pytest.approx(change, rel=2e-2, abs=1e-3)
    relevance = attribute(lrp(epsilon_plus()), classifier, x, target, key=key).relevance
    assert relevance.shape == x.shape and np.isfinite(relevance).all() and relevance.any()


def test_a_mel_spectrogram_inside_the_model(wave):
    model = keras.Sequential(
        [
            keras.Input((SAMPLES,)),
            L.MelSpectrogram(
                fft_length=128, sequence_stride=64, sampling_rate=RATE, num_mel_bins=8
            ),
            L.Flatten(),
            L.Dense(3),
        ]
    )
    theirs = model.predict(wave[None], verbose=0)[0]
    classifier = from_keras(model, sample_rate=RATE)
    assert classifier.outputs is None
    np.testing.assert_allclose(classifier(jnp.asarray(wave)), theirs, rtol=2e-6, atol=2e-6)
    x, key = jnp.asarray(wave), jax.random.key(0)
    for method in (integrated_gradients(steps=8), lrp(epsilon_plus())):
        relevance = attribute(method, classifier, x, 0, key=key).relevance
        assert np.isfinite(relevance).all() and relevance.any()


def test_inputs_and_outputs_by_name():
    wave, level = keras.Input((SAMPLES,), name="wave"), keras.Input((1,), name="level")
    hidden = L.Dense(5, name="hidden")(wave)
    both = L.Concatenate()([hidden, level])
    outputs = {"class": L.Dense(3, name="c")(both), "value": L.Dense(1, name="v")(both)}
    model = keras.Model({"wave": wave, "level": level}, outputs)
    x, fixed = DRAW.normal(size=SAMPLES).astype(np.float32), np.float32([[0.5]])
    theirs = model.predict({"wave": x[None], "level": fixed}, verbose=0)
    for name in outputs:
        classifier = from_keras(model, sample_rate=RATE, fixed={"level": fixed}, output=name)
        np.testing.assert_allclose(
            classifier(jnp.asarray(x)), theirs[name][0], rtol=2e-6, atol=2e-6
        )
    within = from_keras(model, sample_rate=RATE, fixed={"level": fixed}, output="hidden")
    assert within(jnp.asarray(x)).shape == (5,)
    with pytest.raises(BridgeError, match="also reads level|also reads wave"):
        from_keras(model, sample_rate=RATE, input="wave")
    with pytest.raises(BridgeError, match="has 2 outputs: name one by output=, of class, value"):
        from_keras(model, sample_rate=RATE, fixed={"level": fixed})
    with pytest.raises(BridgeError, match="no input 'wav': it has wave"):
        from_keras(model, sample_rate=RATE, input="wav")
    with pytest.raises(
        BridgeError, match="no output or layer 'hiden': the nearest names are hidden"
    ):
        from_keras(model, sample_rate=RATE, fixed={"level": fixed}, output="hiden")


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense, self.norm = L.Dense(3, name="dense"), L.BatchNormalization(name="norm")

    def call(self, x, training=None):
        return self.norm(self.dense(x), training=training)


def test_a_subclass_is_read_whole(wave):
    model = Own()
    with pytest.raises(BridgeError, match="has no weights yet: call it once"):
        from_keras(model, sample_rate=RATE)
    theirs = np.asarray(model(wave[None]))[0]
    before = [np.asarray(variable) for variable in model.variables]
    classifier = from_keras(model, sample_rate=RATE)
    np.testing.assert_allclose(classifier(jnp.asarray(wave)), theirs, rtol=2e-6, atol=2e-6)
    after = [np.asarray(variable) for variable in model.variables]
    assert all(map(np.array_equal, before, after))
    with pytest.raises(BridgeError, match="subclass of keras.Model, whose tensors have no names"):
        from_keras(model, sample_rate=RATE, output="logits")


def test_what_is_no_keras_model_is_refused():
    with pytest.raises(BridgeError, match="expected a keras.Model, got function"):
        from_keras(lambda x: x, sample_rate=RATE)
    numbers = keras.Input((8,), dtype="int32")
    model = keras.Model(numbers, L.Flatten()(L.Embedding(5, 3)(numbers)))
    with pytest.raises(BridgeError, match="is int32, and only floating point"):
        from_keras(model, sample_rate=RATE)
    with pytest.raises(BridgeError, match="does not end in one softmax or sigmoid"):
        from_keras(model, sample_rate=RATE, output="logits")


def test_another_backend_is_refused(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    with pytest.raises(BridgeError, match="Keras runs on torch: set KERAS_BACKEND=jax before"):
        from_keras(Own(), sample_rate=RATE)


def test_the_domain_may_be_given(wave):
    model = network(L.Flatten(), L.Dense(3))
    function = read_keras(model)
    assert function.inputs[0].shape == (None, SAMPLES) and len(function.outputs) == 1
    classifier = from_keras(model, reads=domains.samples(RATE))
    np.testing.assert_array_equal(classifier(jnp.asarray(wave)), function(wave[None])[0])
