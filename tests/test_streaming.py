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
from small_models import random_params

from audioxai_jax import Codec, streaming
from audioxai_jax.nets import encodec, gainshape, lyra, seanet
from audioxai_jax.nets.encodec import EncodecConfig
from audioxai_jax.nets.gainshape import GainShapeConfig
from audioxai_jax.nets.lyra import LyraConfig
from audioxai_jax.nets.seanet import SeanetConfig
from audioxai_jax.stages import Carried, Local, run

CAUSAL = SeanetConfig(sample_rate=400, latent=3, filters=2, strides=(4, 2), lstm=2)
AHEAD = dataclasses.replace(CAUSAL, strides=(5, 3), causal=False, shortcut="identity")
ZEROS = dataclasses.replace(
    CAUSAL, strides=(3, 2), lstm=0, residual_layers=2, kernel=5, pad="constant", norm="none"
)
CHUNKS = EncodecConfig(
    SeanetConfig(sample_rate=400, latent=3, filters=2, strides=(8,), lstm=1, causal=False,
                 norm="group", audio_channels=2),
    codebooks=2, codebook_size=8, bandwidths=(0.3,), normalise=True, chunk_seconds=0.1, overlap=0.05,
)  # fmt: skip
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
        LyraConfig(latent=4, channels=(4, 8), strides=(4, 2), kernels=(9, 5), groups=(2,),
                   dilations=(1, 3), stages=2, codewords=5),
    ),
    "gainshape": (
        gainshape,
        GainShapeConfig(sample_rate=400, hop=8, gains=3, shape=4, width=5, encoder_blocks=1,
                        decoder_blocks=2),
    ),
}  # fmt: skip
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


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("more", ["1", "7", "hop - 1", "hop", "hop + 1", "40 hop", "163 hop + 5"])
def test_pieces_are_the_whole(family, more, x64):
    codec = small(family, np.float64)
    samples = eval(
        more.replace(" hop", f" * {codec.hop}") if more[0].isdigit() else more, {"hop": codec.hop}
    )
    x = sound(samples, np.float64)
    latent = ENCODE(codec, x)
    decoded = DECODE(codec, latent)
    for frames, sizes in ((1, (1, 2 * codec.hop + 1)), (4, (13, 0, 150)), (64, (7000,))):
        found = streaming.encode(codec, pieces(x, *sizes), frames=frames)
        assert apart(found, latent) < 1e-12
        found = streaming.decode(codec, pieces(np.asarray(latent), *sizes), frames=frames)
        assert apart(found, decoded) < 1e-12
