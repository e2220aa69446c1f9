"""EnCodec's published models, as configurations.

A. Defossez et al., TMLR 2023 (arXiv 2210.13438), at 24 and 48 kHz. MusicGen's codec is the one
at 32 kHz (J. Copet et al., arXiv 2306.05284), AudioGen's the one at 16 kHz.
"""

import dataclasses

from audioxai_jax.nets.codecs.encodec import EncodecConfig
from audioxai_jax.nets.codecs.seanet import SeanetConfig

_LARGE = SeanetConfig(filters=64, causal=False, shortcut="identity")
MEMBERS = {
    "encodec_24khz": EncodecConfig(),
    "encodec_48khz": EncodecConfig(
        SeanetConfig(sample_rate=48_000, audio_channels=2, causal=False, norm="group"),
        codebooks=16,
        bandwidths=(3.0, 6.0, 12.0, 24.0),
        normalise=True,
        chunk_seconds=1.0,
        overlap=0.01,
    ),
    "encodec_32khz": EncodecConfig(
        dataclasses.replace(_LARGE, sample_rate=32_000, strides=(8, 5, 4, 4)),
        codebooks=4,
        codebook_size=2048,
        bandwidths=(2.2,),
    ),
    "encodec_16khz": EncodecConfig(
        dataclasses.replace(_LARGE, sample_rate=16_000),
        codebooks=4,
        codebook_size=2048,
        bandwidths=(2.2,),
    ),
}
"""Configurations by name. How AudioGen's, at 16 kHz, pads is said by its own file
alone: here it is as the others do, `seanet.pad="constant"` is the other possibility."""
