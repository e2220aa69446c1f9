"""EnCodec's members in full size against `transformers`: how far apart they are.

    python tests/oracles/encodec_full_size.py [member ..] [--seconds 1 10]

Random weights, as in `encodec_models`; float32. A row is one length of one member: the encoder
and the decoder of the same input as theirs, and, for what works in chunks, all of it with codes
at the highest bandwidth. "codes" are those that differ, of how many: each frame's first differing
code has two codewords as near within 1e-5 of the residual's square, else the row says so.
"""

import argparse
import functools
import sys

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.nets.codecs import encodec, seanet
from audioxai_jax.nets.codecs.encodec_members import MEMBERS
from audioxai_jax.nets.layers.quantiser import dequantise
from tests.helpers.encodec_models import agreeing, make, relative, sound, torch, torch_sound

LIMITS = {"encoder": 1e-5, "decoder": 1e-5, "gradient": 1e-4, "whole": 1e-5}


def full_size(members=tuple(MEMBERS), seconds=(1.0, 10.0)) -> list[dict]:
    """One row of errors, relative to the largest value, for each member and length."""
    return [row for name in members for row in _rows(name, seconds)]


def _rows(name: str, seconds) -> list[dict]:
    model, config, params = make(name, tiny=False)
    rows = []
    for length in seconds:
        samples = round(length * config.sample_rate) + 1
        audio = sound(config, samples).astype(np.float32)
        part = audio if config.chunks is None else audio[: config.chunks.length]
        row = {"member": name, "seconds": length, **_parts(model, config, params, part)}
        if config.chunks is not None:
            row["whole"] = _whole(model, config, params, audio)
        rows.append(row)
    return rows


def _parts(model, config, params, audio) -> dict:
    """Encoder, quantiser and decoder, and the gradient of a random sum of the latent."""
    given = torch_sound(audio, torch.float32).requires_grad_()
    theirs = model.encoder(given)
    latent = theirs.detach()[0].T.numpy()
    weight = np.random.default_rng(1).normal(size=latent.shape).astype(np.float32)
    (slope,) = torch.autograd.grad((theirs[0].T * torch.tensor(weight)).sum(), given)
    encode = jax.jit(functools.partial(seanet.encode, config.seanet))
    mine, pull = jax.vjp(lambda x: encode(params, x), jnp.asarray(audio))
    with torch.no_grad():
        codes = model.quantizer.encode(theirs)[:, 0].T.numpy()
        decoded = model.decoder(theirs)[0].T.numpy()
    found = np.asarray(encodec.codes(config, params, jnp.asarray(latent), config.codebooks))
    decode = jax.jit(functools.partial(seanet.decode, config.seanet))
    return {
        "encoder": relative(mine, latent),
        "decoder": relative(jnp.reshape(decode(params, latent), decoded.shape), decoded),
        "gradient": relative(jnp.reshape(pull(weight)[0], slope[0].T.shape), slope[0].T),
        "codes": (int((found != codes).sum()), codes.size),
        "agree": agreeing(found, codes, params["codebooks"], latent),
    }


def _whole(model, config, params, audio) -> float:
    """Chunks, loudness and decoder, of their codes."""
    with torch.no_grad():
        theirs = model.encode(
            torch_sound(audio, torch.float32), bandwidth=config.bandwidths[-1], return_dict=True
        )
        rest = theirs.last_frame_pad_length
        decoded = model.decode(
            theirs.audio_codes, theirs.audio_scales, last_frame_pad_length=rest
        ).audio_values
    latent = jax.jit(functools.partial(encodec.encode, config))(params, audio)
    counts = config.chunks.frames(len(audio))
    chunks = zip(theirs.audio_codes, counts, strict=True)
    codes = np.concatenate([chunk[0, :, :count].T.numpy() for chunk, count in chunks])
    words = dequantise(params["codebooks"], jnp.asarray(codes))
    sent = jnp.concatenate([words, latent[:, config.seanet.latent :]], axis=1)
    mine = jax.jit(functools.partial(encodec.decode, config))(params, sent)
    return relative(mine, decoded[0].T)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("members", nargs="*", default=list(MEMBERS), help=", ".join(MEMBERS))
    parser.add_argument("--seconds", type=float, nargs="+", default=[1.0, 10.0])
    options = parser.parse_args()
    torch.manual_seed(0)
    print(f"{'member':16}{'seconds':>8}" + "".join(f"{n:>11}" for n in LIMITS) + f"{'codes':>14}")
    bad = 0
    for name in options.members:
        for row in full_size((name,), options.seconds):
            errors = [row.get(column) for column in LIMITS]
            near = [e is None or e <= limit for e, limit in zip(errors, LIMITS.values())]
            wrong = not row["agree"] or not all(near)
            bad += wrong
            shown = "".join(f"{'':>11}" if e is None else f"{e:11.1e}" for e in errors)
            codes = "{} of {}".format(*row["codes"])
            print(
                f"{name:16}{row['seconds']:8g}{shown}{codes:>14}{'  TOO FAR' * wrong}", flush=True
            )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
