"""EnCodec's members, small: lengths, loudness, chunks, the quantiser and half precision."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import Classifier, explain
from audioxai_jax.attribution import saliency
from audioxai_jax.domains import latent
from audioxai_jax.models.precision import cast
from audioxai_jax.nets.codecs import encodec
from audioxai_jax.nets.codecs.encodec import EncodecConfig, codebooks_for
from audioxai_jax.nets.codecs.encodec_members import MEMBERS
from audioxai_jax.nets.codecs.seanet import SeanetConfig
from audioxai_jax.nets.layers import chunks, loudness
from audioxai_jax.synthesis.bases import noise
from tests.helpers.rows import rows
from tests.helpers.small_models import random_params

SMALL = EncodecConfig(
    SeanetConfig(
        sample_rate=400,
        latent=6,
        filters=4,
        strides=(8,),
        lstm=1,
        causal=False,
        norm="group",
        audio_channels=2,
    ),
    codebooks=3,
    codebook_size=16,
    bandwidths=(0.2, 0.6),
    normalise=True,
    chunk_seconds=0.1,
    overlap=0.2,
)
PLAIN = dataclasses.replace(
    SMALL,
    seanet=dataclasses.replace(SMALL.seanet, norm="weight", audio_channels=1, shortcut="identity"),
    normalise=False,
    chunk_seconds=0.0,
)
ENCODE = jax.jit(lambda codec, x: codec.encode(x))
DECODE = jax.jit(lambda codec, z: codec.decode(z))
SOUND = 0.3 * np.random.default_rng(0).normal(size=75).astype(np.float32)


@functools.cache
def params_of(config):
    found = random_params(lambda: encodec.init(config, jax.random.key(0)))
    return jax.tree.map(lambda leaf: 3 * leaf, found)


@functools.cache
def small(config=SMALL):
    return encodec.codec(config, params_of(config), name="small")


LENGTHS = list(itertools.product((321, 100_000), MEMBERS))


@pytest.mark.full_size
@pytest.mark.parametrize("samples, name", rows(LENGTHS, full_size=[(100_000, "encodec_48khz")]))
def test_lengths(name, samples):
    config = MEMBERS[name]
    shapes = jax.eval_shape(lambda: encodec.init(config, jax.random.key(0)))
    run = lambda params, x: (
        (z := encodec.codec(config, params, name=name).encode(x)),
        encodec.codec(config, params, name=name).decode(z),
    )
    latent, sound = jax.eval_shape(run, shapes, jax.ShapeDtypeStruct((samples,), jnp.float32))
    frames = -(-samples // config.hop) if config.chunks is None else None
    frames = frames or sum(config.chunks.frames(samples))  # type: ignore[union-attr]
    assert latent.shape == (frames, config.channels)
    assert samples <= sound.shape[0] < samples + config.hop + 480


def test_each_chunk_is_coded_alone():
    """Chunks of 40 samples every 32: 40, 40 and a rest of 11."""
    latent = ENCODE(small(), SOUND)
    assert [n for _, n in SMALL.chunks.samples(75)] == [40, 40, 11]
    one = dataclasses.replace(SMALL, chunk_seconds=0.0)
    parts = [ENCODE(small(one), part) for part in (SOUND[:40], SOUND[32:72], SOUND[64:])]
    np.testing.assert_allclose(latent, np.concatenate(parts), atol=1e-4)


@pytest.mark.full_size
def test_many_chunks_run_in_groups():
    sound = jnp.tile(SOUND, 5)
    assert len(SMALL.chunks.samples(sound.shape[0])) > chunks.AT_ONCE
    latent = ENCODE(small(), sound)
    np.testing.assert_allclose(latent[:5], ENCODE(small(), sound[:40])[:5], atol=1e-4)
    assert DECODE(small(), latent).shape[0] >= sound.shape[0]


def test_the_gain_is_the_loudness():
    """Latents of a louder sound differ in their gains alone, and decode louder."""
    soft, loud = ENCODE(small(), SOUND), ENCODE(small(), 4 * SOUND)
    np.testing.assert_allclose(soft[:, :-1], loud[:, :-1], atol=1e-4)
    rms = np.sqrt(np.mean(SOUND[:40] ** 2))
    np.testing.assert_allclose(soft[:5, -1], np.log1p(rms / loudness.FLOOR), rtol=1e-5)
    decoded = DECODE(small(), soft)
    np.testing.assert_allclose(DECODE(small(), loud), 4 * decoded, rtol=1e-3, atol=1e-5)
    silent = soft.at[:, -1].set(0.0)
    assert not np.any(DECODE(small(), silent))


SLOPE = jax.jit(jax.value_and_grad(lambda x, codec: jnp.sum(codec.encode(x))))


@pytest.mark.full_size
@pytest.mark.parametrize("level", [0.0, 1e-20])
def test_silence_has_a_gradient(level):
    sound = np.full(75, level, np.float32)
    value, slope = SLOPE(sound, small())
    assert np.isfinite(value) and np.all(np.isfinite(slope))
    assert np.abs(DECODE(small(), ENCODE(small(), sound))).max() < 1e-6


@pytest.mark.full_size
def test_opposite_channels_have_no_mono_mix():
    sound = np.stack([SOUND, -SOUND], axis=1)

    def run(params, x):
        return jnp.sum(encodec.decode(SMALL, params, encodec.encode(SMALL, params, x)))

    value, slope = jax.jit(jax.value_and_grad(run, 1))(params_of(SMALL), sound)
    assert np.isfinite(value) and np.all(np.isfinite(slope))


def test_a_mono_sound_in_both_channels():
    latent = ENCODE(small(), SOUND)
    both = np.stack([SOUND, SOUND], axis=1)
    stereo_encode = jax.jit(lambda params, x: encodec.encode(SMALL, params, x))
    np.testing.assert_allclose(latent, stereo_encode(params_of(SMALL), both), atol=1e-5)
    stereo = jax.jit(lambda params, z: encodec.decode(SMALL, params, z))(params_of(SMALL), latent)
    assert np.abs(stereo[:, 0] - stereo[:, 1]).max() > 1e-3
    np.testing.assert_allclose(DECODE(small(), latent), stereo.mean(1), atol=1e-6)


@pytest.mark.full_size
@pytest.mark.parametrize("config", [SMALL, PLAIN])
def test_quantised_codec(config):
    params, books = params_of(config), 3
    quantised = encodec.quantised_codec(config, params, 0.6, name="small")
    assert codebooks_for(0.6, config) == books
    latent, words = ENCODE(small(config), SOUND), ENCODE(quantised, SOUND)
    codes = encodec.codes(config, params, latent, books)
    width = config.seanet.latent
    wanted = sum(params["codebooks"][k][codes[:, k]] for k in range(books))
    np.testing.assert_allclose(words[:, :width], wanted, atol=1e-5)
    np.testing.assert_array_equal(words[:, width:], latent[:, width:])
    again = encodec.quantised(config, params, latent, books)
    np.testing.assert_array_equal(words, again)
    slope = lambda codec: jax.grad(lambda x: jnp.sum(ENCODE(codec, x) * wanted[:, :1]))(SOUND)
    np.testing.assert_allclose(slope(quantised), slope(small(config)), rtol=1e-3, atol=1e-4)


def test_bandwidths():
    bought = {n: [codebooks_for(b, c) for b in c.bandwidths] for n, c in MEMBERS.items()}
    assert bought["encodec_24khz"] == [2, 4, 8, 16, 32]
    assert bought["encodec_48khz"] == [2, 4, 8, 16]
    assert bought["encodec_32khz"] == bought["encodec_16khz"] == [4]
    with pytest.raises(ValueError, match="5 kbit/s: choose one of 1.5, 3, 6, 12, 24"):
        codebooks_for(5, EncodecConfig())


@pytest.mark.full_size
@pytest.mark.parametrize("config", [SMALL, PLAIN])
def test_half_precision_is_near(config):
    """bfloat16 has 8 bits: values within a few per cent, and not the same as float32's."""
    narrow = cast(small(config), jnp.bfloat16)
    leaves = jax.tree.leaves(narrow.encode)
    assert leaves and all(leaf.dtype == jnp.bfloat16 for leaf in leaves)
    latent, near = ENCODE(small(config), SOUND), ENCODE(narrow, SOUND)
    decoded, heard = DECODE(small(config), latent), DECODE(narrow, latent)
    for exact, found in ((latent, near), (decoded, heard)):
        assert found.dtype == jnp.float32
        apart = np.linalg.norm(found - exact) / np.linalg.norm(exact)
        assert 1e-5 < apart < 0.05
    slope = jax.grad(lambda x: jnp.sum(ENCODE(narrow, x)))(SOUND)
    assert slope.dtype == jnp.float32 and np.all(np.isfinite(slope))


def test_a_codec_has_no_weight_norm():
    """What `codec` binds is the weights themselves, with the same values and gradients."""
    params = params_of(PLAIN)
    config, plain = encodec.fold(PLAIN, params)
    assert config.seanet.norm == "none" and encodec.fold(config, plain) == (config, plain)
    assert encodec.fold(SMALL, params)[1] is params
    wanted = jax.eval_shape(lambda: encodec.init(config, jax.random.key(0)))
    assert jax.tree.map(jnp.shape, plain) == jax.tree.map(jnp.shape, wanted)
    assert jax.tree.structure(small(PLAIN).encode.args[1]) == jax.tree.structure(plain)

    run = lambda x, params, fold: encodec.encode(*fold(PLAIN, params), x)
    both = [(lambda *given: given), encodec.fold]
    slope = lambda f: jax.jit(jax.value_and_grad(lambda *x: jnp.sum(run(*x, f)), (0, 1)))
    with jax.enable_x64(True):
        given = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), (SOUND, params))
        found = [slope(fold)(*given) for fold in both]
    same = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)
    jax.tree.map(same, *found)


def test_casting_to_integers_is_refused():
    with pytest.raises(ValueError, match="int8 is not floating point"):
        cast(small(), jnp.int8)


@pytest.mark.full_size
def test_a_codec_of_chunks_can_be_explained():
    """Its frames are more than T / hop, and every sound is as long as the clip."""
    model = Partial(lambda weight, z: jnp.tanh(z).mean(0) @ weight, jnp.eye(7)[:, :3])
    classifier = Classifier(model, reads=latent(small()))
    options = {"method": saliency(), "base": noise(), "keep": 0.5, "key": jax.random.key(0)}
    found = jax.jit(lambda *given: explain(*given, **options))(classifier, jnp.asarray(SOUND))
    assert found.features.shape[0] == 12 > -(-75 // 8)
    assert found.relevance.shape == found.mask.shape == found.features.shape
    assert found.finite and all(s.shape == (75,) for s in found.sounds.values())
    np.testing.assert_allclose(
        found.sounds["reconstruction"], DECODE(small(), found.features)[:75], atol=1e-5
    )


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: small().encode(np.stack([SOUND, SOUND], 1)), r"one mono waveform \[T\]"),
        (lambda: small().encode(SOUND[:0]), "audio has no samples"),
        (lambda: small().decode(jnp.zeros((4, 6))), r"latent must be \[F, 7\], got \[4, 6\]"),
        (lambda: encodec.codes(SMALL, params_of(SMALL), jnp.zeros((4, 7)), 4), "choose 1 to 3"),
        (lambda: encodec.encode(SMALL, params_of(SMALL), SOUND), r"audio must be \[T, 2\]"),
    ],
)
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
