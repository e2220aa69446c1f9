"""EnCodec against `transformers`: every part of each member, its gradients and its chunks."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch and transformers: the extra 'oracles'")
transformers = pytest.importorskip("transformers", reason="needs the extra 'oracles'")

from audioxai_jax.nets.codecs import encodec, seanet  # noqa: E402
from audioxai_jax.nets.codecs.encodec import codebooks_for  # noqa: E402
from audioxai_jax.nets.codecs.encodec_members import MEMBERS  # noqa: E402
from audioxai_jax.nets.layers import loudness  # noqa: E402
from audioxai_jax.nets.layers.quantiser import dequantise  # noqa: E402
from audioxai_jax.weights.published.encodec_config import config_from_json  # noqa: E402
from audioxai_jax.weights.published.encodec_tensors import params_from_tensors  # noqa: E402
from tests.helpers.encodec_models import FIELDS, agreeing, make, relative, sound, torch_sound  # noqa: E402

CASES = [
    ("float64", 1e-10, (1, 7, 319, 320, 321, 24_001)),
    ("float32", 1e-5, (1, 321, 24_001)),
]
PARTS = [name for name in FIELDS if name != "short chunks"]
CHUNKED_LENGTHS = (4_760, 12_000)
"""Two chunks that are both shorter than the 4,800 samples of one; two whole ones and a rest."""


@functools.cache
def loaded(name: str, dtype: str):
    model, config, params = make(name, tiny=True)
    params = jax.tree.map(lambda leaf: leaf.astype(dtype), params)
    return model.to(getattr(torch, dtype)), config, params


def waveform(decoded) -> np.ndarray:
    """Their `[1, channels, T]` as ours."""
    decoded = decoded[0].T.detach().numpy()
    return decoded[:, 0] if decoded.shape[1] == 1 else decoded


@pytest.mark.parametrize("dtype, limit, lengths", CASES, ids=lambda value: str(value)[:7])
@pytest.mark.parametrize("name", PARTS)
def test_values(name, dtype, limit, lengths):
    """Encoder, codes, sum of codewords and decoder, each of the same input as theirs."""
    model, config, params = loaded(name, dtype)
    with jax.enable_x64(dtype == "float64"), torch.no_grad():
        encode = jax.jit(functools.partial(seanet.encode, config.seanet))
        decode = jax.jit(functools.partial(seanet.decode, config.seanet))
        for samples in lengths:
            audio = sound(config, samples).astype(dtype)
            theirs = model.encoder(torch_sound(audio, getattr(torch, dtype)))
            mine = encode(params, audio)
            latent = theirs[0].T.numpy()
            assert mine.dtype == dtype and relative(mine, latent) <= limit

            codes = model.quantizer.encode(theirs)[:, 0].T.numpy()
            found = encodec.codes(config, params, jnp.asarray(latent), config.codebooks)
            assert agreeing(np.asarray(found), codes, params["codebooks"], latent)
            words = model.quantizer.decode(torch.tensor(np.asarray(found).T[:, None]))[0].T
            again = encodec.quantised(config, params, jnp.asarray(latent), config.codebooks)
            assert relative(again, words) <= limit

            assert relative(decode(params, latent), waveform(model.decoder(theirs))) <= limit


@pytest.mark.parametrize("name", PARTS)
def test_gradients(name):
    """Of a random sum of the latent by the audio, and of the sound by the latent."""
    model, config, params = loaded(name, "float64")
    audio = sound(config, 3 * config.hop + 17)
    with jax.enable_x64(True):
        latent, pull = jax.vjp(jax.jit(lambda x: seanet.encode(config.seanet, params, x)), audio)
        weight = np.random.default_rng(1).normal(size=latent.shape)
        given = torch_sound(audio, torch.float64).requires_grad_()
        theirs = model.encoder(given)
        (slope,) = torch.autograd.grad((theirs[0].T * torch.tensor(weight)).sum(), given)
        assert relative(pull(weight)[0], waveform(slope)) <= 1e-10

        decoded, pull = jax.vjp(
            jax.jit(lambda z: seanet.decode(config.seanet, params, z)), np.array(latent)
        )
        weight = np.random.default_rng(2).normal(size=decoded.shape)
        given = theirs.detach().requires_grad_()
        wanted = model.decoder(given)
        wanted = (wanted * torch_sound(weight, torch.float64)).sum()
        (slope,) = torch.autograd.grad(wanted, given)
        assert relative(pull(weight)[0], slope[0].T) <= 1e-10


@pytest.mark.parametrize("dtype, limit", [("float64", 1e-10), ("float32", 1e-5)])
def test_chunks_and_loudness(dtype, limit):
    """Stereo in and out, with and without the quantiser; theirs makes codes of it, so ours
    are compared on the way and decoded from the same."""
    model, config, params = loaded("short chunks", dtype)
    width = config.seanet.latent
    with jax.enable_x64(dtype == "float64"), torch.no_grad():
        encode = jax.jit(functools.partial(encodec.encode, config))
        decode = jax.jit(functools.partial(encodec.decode, config))
        for samples in CHUNKED_LENGTHS:
            audio = sound(config, samples).astype(dtype)
            given = torch_sound(audio, getattr(torch, dtype))
            theirs = model.encode(given, bandwidth=model.config.target_bandwidths[-1])
            latent = encode(params, audio)
            counts = config.chunks.frames(samples)
            parts = np.split(np.asarray(latent), np.cumsum(counts)[:-1])
            found = encodec.codes(config, params, latent, config.codebooks)
            wanted = [c[0, :, :n].T.numpy() for c, n in zip(theirs.audio_codes, counts)]
            assert agreeing(
                np.asarray(found), np.concatenate(wanted), params["codebooks"], latent[:, :width]
            )
            for part, scale in zip(parts, theirs.audio_scales, strict=True):
                level = loudness.FLOOR * np.expm1(np.asarray(part[:, -1], np.float64))
                assert relative(level, np.full(len(part), scale.item())) <= limit
            same = jnp.asarray(np.concatenate(wanted))
            words = dequantise(params["codebooks"], same)
            sent = jnp.concatenate([words, latent[:, width:]], axis=1)
            decoded = model.decode(
                theirs.audio_codes,
                theirs.audio_scales,
                last_frame_pad_length=theirs.last_frame_pad_length,
            ).audio_values
            assert relative(decode(params, sent), waveform(decoded)) <= limit


def test_bandwidths_buy_as_many_codebooks():
    for name in MEMBERS:
        theirs = transformers.EncodecConfig(**FIELDS[name])
        quantiser = transformers.models.encodec.modeling_encodec.EncodecResidualVectorQuantizer
        made = quantiser(theirs)
        config = MEMBERS[name]
        assert config.codebooks == theirs.num_quantizers
        assert config.bandwidths == tuple(theirs.target_bandwidths)
        for bandwidth in config.bandwidths:
            assert codebooks_for(bandwidth, config) == made.get_num_quantizers_for_bandwidth(
                bandwidth
            )


def test_members_are_what_their_files_say():
    for name, config in MEMBERS.items():
        fields = transformers.EncodecConfig(**FIELDS[name]).to_dict()
        assert config_from_json(fields) == config


@pytest.mark.parametrize("name", ["encodec_24khz", "encodec_48khz"])
def test_old_and_new_names_of_tensors_are_read(name, tmp_path):
    """What `save_pretrained` writes today has the old names, its state has the new ones."""
    from safetensors.numpy import load_file

    model, config, params = loaded(name, "float32")
    model.save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    again = params_from_tensors(config, tensors)
    jax.tree.map(np.testing.assert_array_equal, again, params)
    old = {
        key.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): value
        for key, value in tensors.items()
    }
    jax.tree.map(np.testing.assert_array_equal, params_from_tensors(config, old), params)
