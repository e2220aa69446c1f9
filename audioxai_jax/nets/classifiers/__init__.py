"""Networks that classify, one a file, and their table: a new one is one file and one row."""

from audioxai_jax.nets.classifiers import (
    alexnet,
    audionet,
    cnn,
    gru,
    listener,
    mel_cnn,
    transformer,
    wave_cnn,
)
from audioxai_jax.nets.network import Network

CLASSIFIERS: dict[str, Network] = {
    "transformer": Network(
        "classifier", transformer.TransformerConfig, transformer.init, transformer.model
    ),
    "cnn": Network("classifier", cnn.CnnConfig, cnn.init, cnn.model),
    "gru": Network("classifier", gru.GruConfig, gru.init, gru.model),
    "listener": Network(
        "listener", listener.ListenerConfig, listener.init, listener.model, reads=listener.reads
    ),
    "wave_cnn": Network(
        "network",
        wave_cnn.WaveCnnConfig,
        wave_cnn.init,
        wave_cnn.model,
        reads=wave_cnn.reads,
        frames="samples",
        added=("pooled",),
    ),
    "mel_cnn": Network(
        "network",
        mel_cnn.MelCnnConfig,
        mel_cnn.init,
        mel_cnn.model,
        mel_cnn.features,
        reads=mel_cnn.reads,
        hears=mel_cnn.cells_model,
        frames="frames",
    ),
    "audionet": Network(
        "network",
        audionet.AudioNetConfig,
        audionet.init,
        audionet.model,
        audionet.features,
        reads=audionet.reads,
        hears=audionet.hearing_model,
        frames="samples",
    ),
    "alexnet": Network(
        "network",
        alexnet.AlexNetConfig,
        alexnet.init,
        alexnet.model,
        alexnet.features,
        reads=alexnet.reads,
    ),
}
"""Kinds of networks, by the name that manifests give."""

__all__ = [
    "CLASSIFIERS",
    "alexnet",
    "audionet",
    "cnn",
    "gru",
    "listener",
    "mel_cnn",
    "transformer",
    "wave_cnn",
]
