"""Sounds in pieces through every family of codecs, against the whole."""

import dataclasses
import functools
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.tree_util import Partial

from audioxai_jax import Codec
from audioxai_jax.models.precision import cast
from audioxai_jax.nets.codecs import encodec, gainshape, lyra, seanet
from audioxai_jax.nets.codecs.encodec import EncodecConfig
from audioxai_jax.nets.codecs.gainshape import GainShapeConfig
from audioxai_jax.nets.codecs.lyra import LyraConfig
from audioxai_jax.nets.codecs.seanet import SeanetConfig
from audioxai_jax.streaming import api
from audioxai_jax.streaming.stages import Carried, Local, run
from tests.helpers.rows import rows
from tests.helpers.small_models import random_params

CAUSAL = SeanetConfig(sample_rate=400, latent=3, filters=2, strides=(4, 2), lstm=2)
AHEAD = dataclasses.replace(CAUSAL, strides=(5, 3), lstm=1, causal=False, shortcut="identity")
ZEROS = dataclasses.replace(
    CAUSAL, strides=(3, 2), lstm=0, residual_layers=2, kernel=5, pad="constant", norm="none"
)
CHUNKS = EncodecConfig(
    dataclasses.replace(
        CAUSAL,
        strides=(8,),
        residual_layers=0,
        lstm=0,
        causal=False,
        norm="group",
        audio_channels=2,
    ),
    codebooks=2,
    codebook_size=8,
    bandwidths=(0.3,),
    normalise=True,
    chunk_seconds=0.1,
    overlap=0.35,
)
PLAIN = dataclasses.replace(
    CHUNKS,
    seanet=dataclasses.replace(CAUSAL, audio_channels=2),
    normalise=False,
    chunk_seconds=0.0,
)
FAMILIES = {
    "causal": (seanet, CAUSAL),
    "looks ahead": (seanet, AHEAD),
    "zeros around": (seanet, ZEROS),
    "two channels": (encodec, PLAIN),
    "chunks": (encodec, CHUNKS),
    "chunks side by side": (encodec, dataclasses.replace(CHUNKS, overlap=0.0)),
    "chunks of three": (encodec, dataclasses.replace(CHUNKS, overlap=0.6)),
    "lyra": (
        lyra,
        LyraConfig(
            latent=4,
            channels=(4, 8),
            strides=(4, 2),
            kernels=(9, 5),
            groups=(2,),
            dilations=(1, 3),
            stages=2,
            codewords=5,
        ),
    ),
    "gainshape": (
        gainshape,
        GainShapeConfig(
            sample_rate=400, hop=8, gains=3, shape=4, width=5, encoder_blocks=1, decoder_blocks=2
        ),
    ),
}
ENCODE = jax.jit(lambda codec, x: codec.encode(x))
DECODE = jax.jit(lambda codec, z: codec.decode(z))


@functools.cache
def params_of(family, dtype):
    net, config = FAMILIES[family]
    drawn = random_params(lambda: net.init(config, jax.random.key(0)))
    return jax.tree.map(lambda leaf: (5 * leaf).astype(dtype), drawn)


def small(family, dtype=np.float32):
    net, config = FAMILIES[family]
    return net.codec(config, params_of(family, dtype), name="small")


def sound(samples, dtype=np.float32):
    return 0.3 * np.random.default_rng(samples).normal(size=samples).astype(dtype)


def pieces(array, *sizes):
    """The array in pieces of these sizes, again and again."""
    begin, index = 0, 0
    while begin < len(array):
        yield array[begin : (begin := begin + sizes[index % len(sizes)])]
        index += 1


def apart(found, wanted):
    found = np.concatenate(list(found))
    assert found.shape == wanted.shape and found.dtype == wanted.dtype
    return np.abs(found - wanted).max() / np.abs(wanted).max()


LONG = {"causal": 4_001, "chunks": 5 * 26 + 3, "chunks side by side": 125, "chunks of three": 67}
"""Samples; of the second, a chunk and the last one have the frames of one that is full."""


@pytest.mark.full_size
@pytest.mark.parametrize(
    "family", rows(FAMILIES, full_size=("two channels", "chunks side by side"))
)
def test_pieces_are_the_whole(family, x64):
    codec = small(family, np.float64)
    x = sound(LONG.get(family, 40 * codec.hop + 5), np.float64)
    latent = ENCODE(codec, x)
    found = api.encode(codec, pieces(x, 13, 0, 150), frames=4)
    assert apart(found, latent) < 1e-12
    found = api.decode(codec, pieces(np.asarray(latent), 13, 0, 2), frames=4)
    assert apart(found, DECODE(codec, latent)) < 1e-12


@pytest.mark.full_size
@pytest.mark.parametrize("family", ["causal", "looks ahead", "chunks", "lyra", "gainshape"])
@pytest.mark.parametrize("samples", rows(["1", "7", "hop + 1"], full_size=("7",)))
def test_short_sounds(family, samples, x64):
    codec = small(family, np.float64)
    x = sound({"1": 1, "7": 7}.get(samples, codec.hop + 1), np.float64)
    latent = ENCODE(codec, x)
    assert apart(api.encode(codec, [x[:1], x[1:]], frames=1), latent) < 1e-12
    if samples != "7":  # of the frames that 1 makes
        found = api.decode(codec, [np.asarray(latent)], frames=1)
        assert apart(found, DECODE(codec, latent)) < 1e-12


@pytest.mark.parametrize("samples", [24, 40, 41])
def test_around_a_hop_and_a_window(samples, x64):
    """A frame is 8 samples, a window of the first stage 4 frames, one of the last 7."""
    codec = small("causal", np.float64)
    x = sound(samples, np.float64)
    found = api.encode(codec, pieces(x, 5), frames=1)
    assert apart(found, ENCODE(codec, x)) < 1e-12


@pytest.mark.parametrize("family", rows(["causal", "looks ahead"], full_size=("looks ahead",)))
def test_windows_of_one_frame(family, x64):
    codec = small(family, np.float64)
    x = sound(40 * codec.hop + 5, np.float64)
    latent = ENCODE(codec, x)
    found = api.encode(codec, pieces(x, 1, 2 * codec.hop + 1), frames=1)
    assert apart(found, latent) < 1e-12
    found = api.decode(codec, pieces(np.asarray(latent), 1, 3), frames=1)
    assert apart(found, DECODE(codec, latent)) < 1e-12


def test_single_precision():
    """And windows of 8 s, 214 frames."""
    codec = small("looks ahead")
    x = sound(4_001)
    latent = ENCODE(codec, x)
    assert apart(api.encode(codec, pieces(x, 777)), latent) < 1e-5
    found = api.decode(codec, pieces(np.asarray(latent), 31))
    assert apart(found, DECODE(codec, latent)) < 1e-5


@given(st.lists(st.integers(0, 90), min_size=1, max_size=40).filter(sum))
@settings(max_examples=25)
def test_any_partition_gives_the_same(sizes):
    codec = small("looks ahead")
    x = sound(403)
    wanted = np.concatenate(list(api.encode(codec, [x], frames=3)))
    found = list(api.encode(codec, pieces(x, *sizes), frames=3))
    assert all(len(part) for part in found)
    np.testing.assert_array_equal(np.concatenate(found), wanted)
    joined = np.concatenate(list(api.decode(codec, [wanted], frames=3)))
    found = np.concatenate(list(api.decode(codec, pieces(wanted, *sizes), frames=3)))
    np.testing.assert_array_equal(found, joined)


@pytest.mark.parametrize("net, family", [(encodec, "two channels"), (lyra, "lyra")])
def test_quantised_latents(net, family, x64):
    _, config = FAMILIES[family]
    extra = {"stages": 2} if net is lyra else {"bandwidth_kbps": 0.3}
    codec = net.quantised_codec(config, params_of(family, np.float64), **extra, name="words")
    x = sound(40 * codec.hop + 5, np.float64)
    wanted = ENCODE(codec, x)
    assert np.abs(wanted - ENCODE(small(family, np.float64), x)).max() > 0.01
    assert apart(api.encode(codec, pieces(x, 99), frames=4), wanted) < 1e-12


@pytest.mark.parametrize("family", rows(["looks ahead", "chunks"], full_size=("chunks",)))
def test_a_codec_that_was_cast(family, x64):
    """To single precision, from double: nearer to its own whole than to the other's."""
    double = small(family, np.float64)
    codec = cast(double, jnp.float32)
    x = sound(LONG.get(family, 40 * codec.hop + 5), np.float64)
    latent = ENCODE(codec, x)
    assert apart(api.encode(codec, pieces(x, 99), frames=4), latent) < 1e-6
    found = list(api.decode(codec, pieces(np.asarray(latent), 7), frames=4))
    assert apart(found, DECODE(codec, latent)) < 1e-6
    assert apart(found, DECODE(double, latent)) > 1e-9


SEEN = Counter()


def counted(x):
    """The mean of a row and its neighbours, zeros at the ends; traces are counted by shape."""
    SEEN[x.shape] += 1
    padded = jnp.pad(x, ((1, 1), (0, 0)))
    return (padded[:-2] + padded[1:-1] + padded[2:]) / 3


def carried(state, x):
    SEEN["carried"] += 1
    total = state + jnp.cumsum(x, axis=0)
    return total[-1], total


def test_windows_have_one_shape_however_long():
    """And what waits is no more: nothing is asked for before what it gives is taken."""
    stages = [
        Local(Partial(counted), left=1, right=1, units=5),
        Carried(Partial(carried), Partial(lambda x: jnp.zeros(x.shape[1:])), rows=4),
    ]
    for length in (1_003, 3_010):
        SEEN.clear()
        taken = given = 0
        x = np.random.default_rng(0).normal(size=(length, 2)).astype(np.float32)

        def blocks(x=x):
            nonlocal taken
            for block in pieces(x, 3):
                taken += len(block)
                yield block

        found = []
        for part in run(stages, blocks()):
            given += len(part)
            assert taken - given <= 5 + 2 + 4 + 3 or taken == length
            found.append(part)
        smooth = np.pad(x, ((0, 2), (0, 0))) + np.pad(x, 1)[:, 1:3] + np.pad(x, ((2, 0), (0, 0)))
        wanted = np.cumsum(smooth[1:-1] / 3, axis=0)
        np.testing.assert_allclose(np.concatenate(found), wanted, atol=1e-3)
        assert not SEEN if length > 2_000 else SEEN == {(7, 2): 1, "carried": 1}


def test_a_codec_of_ones_own():
    """Stages are given; a second codec of the same structure is not compiled again."""
    codec = Codec(Partial(lambda x: x.reshape(-1, 4)), Partial(jnp.ravel), sample_rate=8, hop=4)
    x = sound(400)
    with pytest.raises(ValueError, match="nothing is known of how far this codec sees"):
        api.encode(codec, [x])
    found = api.encode(codec, pieces(x, 7), stages=[Local(codec.encode, takes=4)])
    np.testing.assert_array_equal(np.concatenate(list(found)), x.reshape(-1, 4))


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: Local(abs, left=-1, units=0), r"left=-1 \(from 0 up\), units=0 \(from 1 up\)"),
        (lambda: Local(abs, takes=1.5), r"takes=1.5 \(from 1 up\)"),
        (lambda: Local(abs, gives=True, right="2"), r"gives=True .*, right='2' \(from 0 up\)"),
        (lambda: Carried(abs, abs, rows=0), r"Carried is .* rows=0 \(from 1 up\)"),
    ],
)
def test_stages_of_impossible_numbers_are_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()
    assert Local(abs, left=np.int64(2)).left == 2


def test_stages_that_do_not_fit_are_refused():
    codec = Codec(Partial(lambda x: x.reshape(-1, 4)), Partial(jnp.ravel), sample_rate=8, hop=4)
    x, fitting = sound(400), [Local(codec.encode, takes=4)]
    for stages, said in (
        ([], "must be a list of Local and Carried stages, got none"),
        (fitting[0], "must be a list of .*, got Local"),
        ([codec.encode], "stage 0 is a Partial, expected Local or Carried"),
    ):
        with pytest.raises(ValueError, match=said):
            api.encode(codec, [x], stages=stages)
    with pytest.raises(ValueError, match="own `units` .*: give frames or stages"):
        api.encode(codec, [x], stages=fitting, frames=3)
    latent, wide = x.reshape(-1, 4), dict(left=8, right=8)
    with pytest.raises(ValueError, match=r"\[68\] for 17 rows, expected 17 .* gives=codec.hop"):
        list(api.decode(codec, [latent], stages=[Local(codec.decode, takes=1, **wide)]))
    with pytest.raises(ValueError, match=r"gives \[5, 4\] for 20 rows, expected 20"):
        list(api.encode(codec, [x], stages=[Local(codec.encode, units=20)]))
    found = api.decode(codec, [latent], stages=[Local(codec.decode, gives=4, **wide)])
    np.testing.assert_array_equal(np.concatenate(list(found)), x)


GROUP = dataclasses.replace(CAUSAL, norm="group")
LOUD = EncodecConfig(CAUSAL, normalise=True)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda c: api.encode(c, sound(9)), r"block 0 is \[\], .* one array as \[sound\]"),
        (lambda c: api.encode(c, [np.zeros((9, 2))]), r"block 0 is \[9, 2\], .* mono"),
        (lambda c: api.encode(c, [np.zeros(9, int)]), "piece 0 is int64, expected floating"),
        (lambda c: api.encode(c, [sound(9), np.zeros(9)]), "is .n. float64, .* float32"),
        (
            lambda c: api.encode(c, [sound(9)], frames=0),
            "frames of a window must be a whole number from 1 up, got 0",
        ),
        (lambda c: api.encode(c, []), "no samples and no frames"),
        (lambda c: api.encode(c, [sound(0)]), "no samples and no frames"),
        (lambda c: api.decode(c, [sound(9)]), r"latent 0 is \[9\], expected .* \[f, C\]"),
        (lambda c: api.decode(c, [np.ones((9, 4))]), r"must be \[F, 3\], got \[9, 4\]"),
        (lambda c: api.decode(small("gainshape"), [np.ones((9, 4))]), r"must be \[F, 7\]"),
        (lambda c: api.decode(small("lyra"), [np.ones((9, 3))]), r"must be \[F, 4\]"),
        (lambda c: api.decode(small("chunks"), [np.ones((6, 5))]), r"must be \[F, 4\]"),
        (lambda c: api.decode(small("chunks side by side"), [np.ones((0, 4))]), "no frames"),
        (lambda c: api.encode(seanet.codec(GROUP, {"encoder": {}}, name="g"), []), "norm is"),
        (
            lambda c: api.encode(encodec.codec(LOUD, {"codebooks": None}, name="g"), []),
            "loudness of all",
        ),
    ],
)
def test_what_cannot_be_streamed_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        list(call(small("causal")))
