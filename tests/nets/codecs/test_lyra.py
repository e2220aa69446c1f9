"""Lyra V2's codec: lengths, causality and layers with random weights, sounds with the real ones."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.metrics.audio_quality import si_sdr
from audioxai_jax.nets.codecs import lyra
from audioxai_jax.nets.codecs.lyra import LyraConfig
from audioxai_jax.nets.layers import quantiser
from audioxai_jax.weights.published.lyra import load_params
from tests.helpers.real_clips import real_clips
from tests.helpers.rows import rows
from tests.helpers.small_models import random_params

SMALL = LyraConfig(
    latent=6,
    channels=(4, 8, 16),
    strides=(4, 5, 2),
    kernels=(16, 10, 4),
    groups=(1, 2),
    dilations=(1, 3),
    stages=5,
    codewords=7,
)
FRAMES = 12


def params_of(config=SMALL):
    """Random, such that every layer's output has about the size of its input."""
    drawn = random_params(lambda: lyra.init(config, jax.random.key(0)))
    size = lambda leaf: 10 / np.sqrt(np.prod(leaf.shape[:-1])) if leaf.ndim > 1 else 1.0
    return jax.tree.map(lambda leaf: (size(leaf) * leaf).astype(leaf.dtype), drawn)


@pytest.fixture(scope="module")
def small():
    """Parameters, a sound and its latent, and the compiled codec for their lengths."""
    params = params_of()
    encode, decode = (jax.jit(partial(f, SMALL, params)) for f in (lyra.encode, lyra.decode))
    sound = jax.random.normal(jax.random.key(1), (FRAMES * SMALL.hop,))
    return params, encode, decode, sound, encode(sound)


@pytest.mark.parametrize("samples", [0, 1, 7, 319, 320, 321, 640, 641])
def test_lengths_of_the_released_codec(samples):
    shapes = jax.eval_shape(lambda: lyra.init(LyraConfig(), jax.random.key(0)))
    encode, decode = (partial(f, LyraConfig()) for f in (lyra.encode, lyra.decode))
    sound = jax.ShapeDtypeStruct((samples,), jnp.float32)
    latent = jax.eval_shape(encode, shapes, sound)
    assert latent.shape == (-(-samples // 320), 64) and latent.dtype == jnp.float32
    assert jax.eval_shape(decode, shapes, latent).shape == (latent.shape[0] * 320,)


def test_any_length_is_as_if_filled_with_zeros(small):
    _, encode, _, sound, _ = small
    for samples in (1, SMALL.hop + 1):
        filled = np.where(np.arange(len(sound)) < samples, sound, 0)
        frames = -(-samples // SMALL.hop)
        np.testing.assert_allclose(encode(sound[:samples]), encode(filled)[:frames], atol=1e-5)


def test_size_is_that_of_the_released_files():
    shapes = jax.eval_shape(lambda: lyra.init(LyraConfig(), jax.random.key(0)))
    sizes = {side: sum(x.size for x in jax.tree.leaves(tree)) for side, tree in shapes.items()}
    assert sizes == {"encoder": 659_008, "decoder": 658_945, "codebooks": 46 * 16 * 64}
    assert LyraConfig().hop == 320
    assert all(rate == 50 * 4 * stages for rate, stages in lyra.STAGES.items())


def test_encoding_does_not_look_ahead(small):
    """A frame depends on its own and earlier samples: as far back as the kernels reach."""
    _, encode, _, sound, _ = small
    frame = FRAMES - 2
    jacobian = jax.jit(jax.jacobian(lambda x: encode(x)[frame]))(sound)
    hop = SMALL.hop
    assert np.all(jacobian[:, (frame + 1) * hop :] == 0)
    assert np.all(np.any(jacobian[:, frame * hop : (frame + 1) * hop] != 0, axis=0))


def test_decoding_does_not_look_ahead(small):
    _, _, decode, _, latent = small
    sample = (FRAMES - 2) * SMALL.hop + 3
    jacobian = jax.jit(jax.jacobian(lambda z: decode(z)[sample]))(latent)
    assert np.all(jacobian[sample // SMALL.hop + 1 :] == 0)
    assert np.any(jacobian[sample // SMALL.hop] != 0)


def test_a_prefix_gives_a_prefix(small):
    _, encode, decode, sound, latent = small
    frames = 5
    begun = encode(sound[: frames * SMALL.hop])
    np.testing.assert_allclose(begun, latent[:frames], atol=1e-5)
    begun = decode(latent[:frames])
    np.testing.assert_allclose(begun, decode(latent)[: frames * SMALL.hop], atol=1e-5)


def test_shifted_by_frames(small):
    """With silence before it, and no biases, a sound's latent comes later and stays the same."""
    params, _, _, sound, _ = small
    flat = jax.tree_util.tree_map_with_path(
        lambda path, leaf: 0 * leaf if path[-1].key == "bias" else leaf, params["encoder"]
    )
    encode = jax.jit(lambda x: lyra.encode(SMALL, {"encoder": flat}, x))
    late = jnp.concatenate([jnp.zeros(3 * SMALL.hop), sound[: -3 * SMALL.hop]])
    shifted = encode(late)
    assert np.all(shifted[:3] == 0)
    np.testing.assert_allclose(shifted[3:], encode(sound)[:-3], atol=1e-5)


def test_batches_and_jit_change_nothing(small):
    params, encode, decode, sound, latent = small
    np.testing.assert_allclose(lyra.encode(SMALL, params, sound), latent, atol=1e-5)
    both = jnp.stack([sound, sound[::-1]])
    latents = jax.jit(jax.vmap(encode))(both)
    np.testing.assert_allclose(latents, [encode(x) for x in both], atol=1e-5)
    decoded = [decode(z) for z in latents]
    np.testing.assert_allclose(jax.jit(jax.vmap(decode))(latents), decoded, atol=1e-5)
    codec = lyra.codec(SMALL, params, name="small")
    assert np.array_equal(jax.jit(codec.encode)(sound), latent)
    assert (codec.hop, codec.sample_rate, codec.mean) == (SMALL.hop, 16_000, None)


def test_gradients_against_finite_differences(x64):
    """Along random directions; steps so small that LeakyReLU's kinks are seldom crossed."""
    params = jax.tree.map(lambda leaf: leaf.astype(np.float64), params_of())
    sound = jax.random.normal(jax.random.key(1), (3 * SMALL.hop,), jnp.float64)

    def loss(params, sound):
        latent = lyra.encode(SMALL, params, sound)
        return jnp.sum(jnp.sin(latent)) + jnp.sum(jnp.sin(lyra.decode(SMALL, params, latent)))

    nets = {side: params[side] for side in ("encoder", "decoder")}
    gradient = jax.jit(jax.grad(loss, argnums=(0, 1)))(nets, sound)
    gradient = jax.tree.map(np.asarray, gradient)
    evaluate = jax.jit(loss)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
    assert all(np.any(leaf != 0) for leaf in jax.tree.leaves(gradient))
    draw, step = np.random.default_rng(2), 1e-7
    for _ in range(3):
        direction = jax.tree.map(lambda leaf: draw.normal(size=leaf.shape), (nets, sound))
        ahead, behind = (
            evaluate(*jax.tree.map(lambda a, b, s=sign: a + s * step * b, (nets, sound), direction))
            for sign in (1, -1)
        )
        slope = sum(jax.tree.leaves(jax.tree.map(lambda a, b: np.sum(a * b), gradient, direction)))
        assert abs((ahead - behind) / (2 * step) - slope) < 1e-5 * abs(slope) + 1e-5


def test_silence_has_finite_gradients(small):
    _, encode, decode, sound, _ = small
    silence = jnp.zeros_like(sound)
    found = encode(silence)
    assert np.isfinite(found).all()
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(decode(encode(x)) ** 2)))(silence)
    assert np.isfinite(gradient).all() and np.any(gradient != 0)


def test_transposed_convolution_against_its_definition():
    draw = np.random.default_rng(0)
    x, weight, bias = draw.normal(size=(5, 6)), draw.normal(size=(6, 3, 4)), draw.normal(size=4)
    slow = np.zeros((7 * 2 + 4, 4))
    for t in range(5):
        for j in range(6):
            for group in range(2):
                outputs = slice(2 * group, 2 * group + 2)
                inputs = slice(3 * group, 3 * group + 3)
                slow[2 * t + j, outputs] += x[t, inputs] @ weight[j][:, outputs]
    found = lyra.spread({"weight": jnp.asarray(weight), "bias": bias}, jnp.asarray(x), 2, 2)
    np.testing.assert_allclose(found, slow[:10] + bias, atol=1e-5)


def test_convolutions_against_their_definitions():
    draw = np.random.default_rng(0)
    x, weight, bias = draw.normal(size=(8, 6)), draw.normal(size=(4, 3, 4)), draw.normal(size=4)
    padded = np.concatenate([np.zeros((2, 6)), x])
    slow = np.zeros((4, 4))
    for t in range(4):
        for group in range(2):
            seen = padded[2 * t : 2 * t + 4, 3 * group : 3 * group + 3]
            slow[t, 2 * group : 2 * group + 2] = np.einsum(
                "ki,kio->o", seen, weight[:, :, 2 * group : 2 * group + 2]
            )
    layer = {"weight": jnp.asarray(weight), "bias": jnp.asarray(bias)}
    found = lyra.convolve(layer, jnp.asarray(x), stride=2, groups=2)
    np.testing.assert_allclose(found, slow + bias, atol=1e-5)

    weight = draw.normal(size=(3, 6))
    padded = np.concatenate([np.zeros((6, 6)), x])
    slow = [sum(padded[t + 3 * k] * weight[k] for k in range(3)) for t in range(8)]
    found = lyra.depthwise({"weight": jnp.asarray(weight)}, jnp.asarray(x), 3)
    np.testing.assert_allclose(found, slow, atol=1e-5)


def test_quantised_codec(small):
    params, encode, _, sound, latent = small
    codec = lyra.quantised_codec(SMALL, params, stages=3, name="three")
    books = params["codebooks"][:3]
    found = jax.jit(codec.encode)(sound)
    wanted = quantiser.dequantise(books, quantiser.quantise(books, latent))
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    through = jax.jit(jax.grad(lambda x: jnp.sum(codec.encode(x) * latent)))(sound)
    around = jax.jit(jax.grad(lambda x: jnp.sum(encode(x) * latent)))(sound)
    np.testing.assert_allclose(through, around, rtol=1e-4, atol=1e-4)


def test_what_is_refused(small):
    params, _, _, sound, latent = small
    with pytest.raises(ValueError, match=r"one mono waveform \[T\], got shape \(2, 5\)"):
        lyra.encode(SMALL, params, jnp.zeros((2, 5)))
    with pytest.raises(ValueError, match=r"latent must be \[F, 6\], got \[12, 5\]"):
        lyra.decode(SMALL, params, latent[:, :5])
    with pytest.raises(ValueError, match="stages is 6, expected 1 to 5"):
        lyra.quantised_codec(SMALL, params, stages=6, name="six")
    with pytest.raises(ValueError, match="kernel 3 is shorter than its stride 4"):
        dataclasses.replace(SMALL, kernels=(3, 10, 4))
    with pytest.raises(ValueError, match="2 groups need 3 channels, strides and kernels"):
        dataclasses.replace(SMALL, strides=(4, 10))


@pytest.fixture(scope="module")
def released(lyra_folder):
    return load_params(lyra_folder)[0]


# Median SI-SDR, dB, of TensorFlow Lite's runtime on these clips, without and with the quantiser,
# see oracles/test_lyra_runtime.py. It rounds to 8 bits, which costs a little.
MEDIANS = {"speech_commands": (5.9, 4.2), "fsdd": (7.4, 6.8), "tess": (7.9, 7.0)}


@pytest.mark.full_size
@pytest.mark.parametrize("dataset", rows(MEDIANS, full_size=("fsdd", "tess")))
def test_round_trips_of_real_speech(released, data_root, dataset):
    clips = list(real_clips(data_root, dataset, 20).values())
    longest = max(map(len, clips))
    sounds = np.stack([np.pad(x, (0, longest - len(x))) for x in clips])
    plain = lyra.codec(LyraConfig(), released, name="lyra")
    coded = lyra.quantised_codec(LyraConfig(), released, stages=46, name="lyra_46")
    latents = [jax.jit(jax.vmap(codec.encode))(sounds) for codec in (plain, coded)]
    decode = jax.jit(jax.vmap(plain.decode))
    for latent, wanted in zip(latents, MEDIANS[dataset], strict=True):
        found = np.asarray(decode(latent))
        pairs = zip(found, clips, strict=True)
        median = np.median([float(si_sdr(y[: len(x)], x)) for y, x in pairs])
        print(f"{dataset}: median SI-SDR {median:.1f} dB, the runtime's {wanted}")
        assert wanted - 0.3 < median < wanted + 1.5
