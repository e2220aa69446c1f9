"""Long clips, read in windows that overlap by half."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import (
    Classifier,
    Codec,
    attribute_batch,
    domains,
    explain,
    explain_batch,
    input_x_gradient,
    saliency,
    windowed,
)
from audioxai_jax.core.windows import WINDOWS
from audioxai_jax.nets.classifiers import cnn, transformer
from tests.helpers.rows import rows

LABELS = ("stop", "go", "_silence_")
WEIGHTS = jax.random.normal(jax.random.key(0), (3, 4, 2))


def model(latent):
    assert latent.shape == (4, 2)
    return jnp.einsum("kfc,fc->k", WEIGHTS, latent)


HOP = 5
CODEC = Codec(
    encode=lambda audio: jnp.pad(audio, (0, -len(audio) % HOP)).reshape(-1, HOP)[:, :2],
    decode=lambda z: jnp.pad(z, ((0, 0), (0, HOP - 2))).ravel(),
    sample_rate=100,
    hop=HOP,
)
KEY = jax.random.key(0)


def classifier(**changes):
    fields = {"model": model, "labels": LABELS, "frames": 4, "background": ("_silence_",)}
    fields["reads"] = domains.latent(CODEC)
    return Classifier(**fields | changes)


def latent(frames):
    return jax.random.normal(jax.random.key(frames), (frames, 2))


def slow_logits(z):
    """Windows at 0, 2, 4 and so on, and one that ends with the clip."""
    starts = [s for s in range(0, len(z), 2) if s + 4 < len(z)] + [len(z) - 4]
    each = np.array([[np.sum(w * z[s : s + 4]) for w in np.asarray(WEIGHTS)] for s in starts])
    return np.array([each[:, 0].max(), each[:, 1].max(), each[:, 2].min()])


LENGTHS = [4, 5, 6, 7, 11, 2 * WINDOWS + 2, 2 * WINDOWS + 4, 2 * WINDOWS + 5, 100]


@pytest.mark.parametrize("frames", LENGTHS)
def test_classes_are_heard_anywhere_and_background_everywhere(frames):
    z = latent(frames)
    found = jax.jit(windowed(classifier()))(z)
    np.testing.assert_allclose(found, slow_logits(np.asarray(z)), rtol=1e-5, atol=1e-5)


CASES = list(itertools.product((0, 2), LENGTHS))
SEEN = [(0, frames) for frames in LENGTHS if frames not in (4, 6, 7, 100)]


@pytest.mark.full_size
@pytest.mark.parametrize("target, frames", rows(CASES, full_size=SEEN))
def test_relevance_stays_in_the_window_that_decides(frames, target):
    z = latent(frames)
    found = input_x_gradient()(windowed(classifier()), z, target, key=jax.random.key(0)).relevance
    starts = [s for s in range(0, frames, 2) if s + 4 < frames] + [frames - 4]
    logits = [float(model(z[s : s + 4])[target]) for s in starts]
    start = starts[int(np.argmin(logits) if target == 2 else np.argmax(logits))]
    wanted = np.zeros((frames, 2))
    wanted[start : start + 4] = WEIGHTS[target] * z[start : start + 4]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_one_window_gets_the_classifiers_own_logits():
    z = latent(4)
    assert np.array_equal(windowed(classifier())(z), model(z))


def test_without_a_background_every_class_is_heard_anywhere():
    z = latent(9)
    found = windowed(classifier(background=()))(z)
    assert found[2] > windowed(classifier())(z)[2]


def test_a_classifier_of_single_frames():
    single = classifier(model=lambda z: z[0], frames=1, labels=("a", "b"), background=("b",))
    z = latent(5)
    assert np.array_equal(windowed(single)(z), [z[:, 0].max(), z[:, 1].min()])


def test_a_classifier_of_any_length_is_left_alone():
    free = classifier(frames=None)
    assert windowed(free) is free.model


def test_a_classifier_without_labels_has_no_background():
    z = latent(9)
    named = windowed(classifier(background=()))(z)
    assert np.array_equal(windowed(classifier(background=(), labels=None))(z), named)


def test_a_clip_below_a_window_is_refused():
    with pytest.raises(ValueError, match="reads 4 steps of features, the clip has 3: pad it"):
        windowed(classifier())(latent(3))


def test_equal_classifiers_share_one_structure():
    assert jax.tree.structure(windowed(classifier())) == jax.tree.structure(windowed(classifier()))


def clip(samples):
    return 0.1 * jax.random.normal(jax.random.key(samples), (samples,))


@pytest.mark.parametrize("samples", [1, 21, 47])
def test_clips_of_any_length_are_explained_as_padded_ones(samples):
    """As the command does: zeros fill the last window, and longer clips are read by windows."""
    whole = jnp.pad(clip(samples), (0, -samples % (4 * HOP)))
    free = classifier(model=windowed(classifier()), frames=None)
    wanted = explain_batch(free, whole[None], method=saliency(), key=KEY)
    found = explain_batch(classifier(), clip(samples)[None], method=saliency(), key=KEY)
    np.testing.assert_array_equal(found.mask, wanted.mask)
    np.testing.assert_allclose(found.relevance, wanted.relevance, atol=1e-6)
    for name in wanted.sounds:
        np.testing.assert_allclose(found.logits[name], wanted.logits[name], atol=1e-5)
        np.testing.assert_allclose(found.sounds[name], wanted.sounds[name][:, :samples], atol=1e-6)


def test_a_single_clip_of_any_length_is_explained_too():
    found = explain(classifier(), clip(6), method=saliency(), key=KEY)
    batch = explain_batch(classifier(), clip(6)[None], method=saliency(), key=KEY)
    assert found.sounds["explanation"].shape == (6,) and found.features.shape == (4, 2)
    np.testing.assert_array_equal(found.mask, batch.mask[0])


@pytest.mark.parametrize("samples", [16, 20])
def test_a_clip_of_one_window_is_explained_as_it_is(samples):
    """Bit for bit what the model itself gives, also where the last frame is not full."""
    found = explain(classifier(), clip(samples), method=saliency(), key=KEY)
    wanted = explain(classifier(frames=None), clip(samples), method=saliency(), key=KEY)
    same = lambda a, b: np.array_equal(a, b, equal_nan=True)
    assert all(map(same, jax.tree.leaves(found), jax.tree.leaves(wanted)))


def test_a_classifier_is_a_model_of_latents_of_any_length():
    z = jax.random.normal(jax.random.key(1), (2, 11, 2))
    wanted = attribute_batch(saliency(), windowed(classifier()), z, key=KEY)
    found = attribute_batch(saliency(), classifier(), z, key=KEY)
    np.testing.assert_array_equal(found.relevance, wanted.relevance)
    assert np.array_equal(classifier()(z[0]), windowed(classifier())(z[0]))
    with pytest.raises(
        ValueError, match="pad it with zeros before it is analysed, as explain does"
    ):
        attribute_batch(saliency(), classifier(), z[:, :3], key=KEY)


@pytest.mark.parametrize("samples, steps", [(3, 4), (4, 4), (9, 12)])
def test_a_reader_of_samples_has_windows_too(samples, steps):
    """The largest of windows that overlap by half, the last of them padded."""
    weights = jnp.asarray([1.0, -2.0, 3.0, 0.5])
    reader = Classifier(lambda x: (weights @ x)[None], domains.samples(100), frames=4)
    audio = clip(samples)
    found = explain(reader, audio, method=saliency(), key=KEY)
    padded = np.pad(audio, (0, steps - samples))
    wanted = max(weights @ padded[s : s + 4] for s in range(0, steps - 3, 2))
    np.testing.assert_allclose(found.logits["original"], [wanted], rtol=1e-5)
    assert found.features.shape == (steps,) and found.sounds["removed"].shape == (samples,)
    other = explain(reader, audio, domain=domains.frequencies(100), method=saliency(), key=KEY)
    np.testing.assert_allclose(other.logits["original"], [wanted], rtol=1e-5)
    assert other.features.shape == (samples // 2 + 1, 2)


def test_a_transform_that_is_centred_is_padded_to_its_windows():
    """Of 4 frames, not to 4 hops, which would make 5 of them."""
    reads = domains.time_frequency(100, window=("hann", 8), hop=2)
    frames = reads.analyse(clip(6)).shape[0]
    reader = Classifier(lambda x: x.sum((0, 2))[:2], reads, frames=frames + 3)
    assert explain(reader, clip(6), method=saliency(), key=KEY).features.shape[0] == frames + 3


@pytest.mark.parametrize("net", [transformer, cnn])
def test_a_network_of_another_length_says_what_reads_it(net):
    config = net.__dict__[f"{net.__name__.split('.')[-1].capitalize()}Config"]()
    params = jax.eval_shape(lambda: net.init(config, jax.random.key(0)))
    with pytest.raises(ValueError, match="reads 50 latent frames, got 15: .*give the Classifier"):
        jax.eval_shape(net.model(config, params), jnp.ones((15, 64)))
