"""Codecs, one a file, and their table.

A codec is one file and one row, under the file's name: checkpoints, streaming and
`tests/nets/codecs/test_conformance.py` know it then. A row is a kind of network, without weights.
What `load_codec` and `--codec` take is the name or the path of a checkpoint that
`weights.save.save` wrote, a row of `weights.published.table.PUBLISHED` with its weights, or, on the
command line, FILE.py:FUNCTION.
"""

from audioxai_jax.nets.codecs import (
    encodec,
    gainshape,
    gainshape_stages,
    lyra,
    lyra_stages,
    seanet,
    seanet_stages,
)
from audioxai_jax.nets.network import Network

_SEANET = seanet.SeanetConfig(sample_rate=400, latent=5, filters=2, strides=(4, 2), lstm=1)
_CHUNKS = seanet.SeanetConfig(
    sample_rate=400, latent=6, filters=4, strides=(8,), lstm=1, causal=False, norm="group"
)

CODECS: dict[str, Network] = {
    "gainshape": Network(
        "codec",
        gainshape.GainShapeConfig,
        gainshape.init,
        gainshape.codec,
        added=("unit",),
        stages={
            gainshape.encode: gainshape_stages.gainshape_encoder,
            gainshape.decode: gainshape_stages.gainshape_decoder,
        },
        small=(
            gainshape.GainShapeConfig(
                sample_rate=400,
                hop=8,
                gains=3,
                shape=4,
                width=5,
                encoder_blocks=1,
                decoder_blocks=2,
            ),
            gainshape.GainShapeConfig(
                sample_rate=400,
                hop=8,
                gains=4,
                shape=5,
                width=3,
                encoder_blocks=0,
                decoder_blocks=1,
                unit="cell",
            ),
        ),
    ),
    "seanet": Network(
        "codec",
        seanet.SeanetConfig,
        seanet.init,
        seanet.codec,
        added=("audio_channels", "norm", "pad", "shortcut"),
        stages={
            seanet.encode: seanet_stages.seanet_encoder,
            seanet.decode: seanet_stages.seanet_decoder,
        },
        small=(_SEANET,),
    ),
    "encodec": Network(
        "codec",
        encodec.EncodecConfig,
        encodec.init,
        encodec.codec,
        stages={
            encodec.encode_mono: seanet_stages.encodec_encoder,
            encodec.decode_mono: seanet_stages.encodec_decoder,
            encodec.encode_quantised: seanet_stages.encodec_quantised,
        },
        small=(
            encodec.EncodecConfig(_SEANET, codebooks=3, codebook_size=16, bandwidths=(0.2, 0.6)),
            encodec.EncodecConfig(
                _CHUNKS,
                codebooks=3,
                codebook_size=16,
                bandwidths=(0.2, 0.6),
                normalise=True,
                chunk_seconds=0.1,
                overlap=0.2,
            ),
        ),
    ),
    "lyra": Network(
        "codec",
        lyra.LyraConfig,
        lyra.init,
        lyra.codec,
        stages={
            lyra.encode: lyra_stages.lyra_encoder,
            lyra.decode: lyra_stages.lyra_decoder,
            lyra.encode_quantised: lyra_stages.lyra_quantised,
        },
        small=(
            lyra.LyraConfig(
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
    ),
}
"""Kinds of codecs, by the name that manifests give."""

__all__ = ["CODECS", *CODECS]  # pyright: ignore[reportUnsupportedDunderAll]
