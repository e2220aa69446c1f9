"""Networks that classify, one a file, and their table: a new one is one file and one row."""

from audioxai_jax.nets.classifiers import alexnet, audionet, cnn, gru, listener, transformer
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

__all__ = ["CLASSIFIERS", "alexnet", "audionet", "cnn", "gru", "listener", "transformer"]
