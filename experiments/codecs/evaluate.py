"""How well do codecs keep speech, and the words in it? On unseen speakers.

    python -m experiments.codecs.evaluate --data DIR --json runs/codecs.json

Clips go through the codecs at a peak of 0.7; the listener hears the result at the clip's own
level. Prints for each codec the median SI-SDR and log-mel distance over the spoken clips of
Speech Commands `test`, and how many clips the independent listener still recognises after
the trip through the codec. The linear codec keeps 64 principal components of MDCT
coefficients: the bar for anything of the same latent rate. With `--codecs gainshape_16khz
lyra_v2=DIR` (the tflite files of google/lyra) the pretrained Lyra V2 is measured beside ours,
without its quantiser; it was trained for perception, so its SI-SDR says little.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from audioxai_jax import Codec, map_examples
from audioxai_jax.cli.console import (
    Parser,
    add_data_option,
    add_json_option,
    run_main,
    say,
    say_each,
    write_rows,
)
from audioxai_jax.data import tasks
from audioxai_jax.metrics.audio_quality import log_mel_distance, si_sdr
from audioxai_jax.statistics.intervals import intervals
from audioxai_jax.transforms.mdct import analyse, synthesise
from audioxai_jax.weights.load import load_codec, load_listener
from audioxai_jax.weights.published.table import PUBLISHED

RATE = tasks.SAMPLE_RATE
SILENCE = tasks.TASKS["keywords"].labels.index("_silence_")


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    add_data_option(parser)
    parser.add_argument(
        "--codecs",
        nargs="+",
        default=["gainshape_16khz"],
        help="names, paths, or NAME=DIR_OR_REPOSITORY (published)",
    )
    parser.add_argument("--listener", default="keywords_listener", help="name or path")
    add_json_option(parser)
    options = parser.parse_args()

    listener = load_listener(options.listener).model
    clips = tasks.load(options.data, "keywords")
    say_each("keywords", clips.outcome.lines())
    train, test = (clips.part("speaker_disjoint", part) for part in ("train", "test"))
    peak = np.abs(test.audio).max(1, keepdims=True).clip(1) / 32768
    audio = (0.7 / peak * test.audio / 32768).astype(np.float32)
    trips = {"linear MDCT-PCA": trip(linear_codec(train.audio, 64), audio)}
    for name in options.codecs:
        known, _, weights = name.partition("=")
        published = (known, weights) if weights and known in PUBLISHED else (name,)
        codec = load_codec(*published)
        tasks.check_rate(f"the codec {codec.name!r}", codec.sample_rate)
        trips[codec.name] = trip(codec, audio)

    trips = {"original": audio, **trips}
    rows = [row(n, listener, test, audio, decoded, peak / 0.7) for n, decoded in trips.items()]
    say("", "| | SI-SDR, dB | log-mel L1 | listener right |", "|---" * 4 + "|")
    for entry in rows:
        heard = "{listener:.1%} ({low:.1%}-{high:.1%})".format(**entry)
        quality = "{si_sdr_db:.1f} | {log_mel_l1:.2f}".format(**entry)
        quality = " | " if entry["codec"] == "original" else quality
        say(f"| {entry['codec']} | {quality} | {heard} |")
    write_rows(options.json, rows)


def trip(codec: Codec, audio: np.ndarray) -> jax.Array:
    """Every clip encoded and decoded."""
    return map_examples(through, codec, audio, key=jax.random.key(0), chunk=16)


def through(codec: Codec, sound, key):
    return codec.decode(codec.encode(sound))[: len(sound)]


def row(name: str, listener, clips, audio, decoded, level) -> dict:
    """Quality over the spoken clips, recognition over all of them."""
    similarity, distance, heard = map_examples(
        compare,
        listener,
        (jnp.asarray(audio), jnp.asarray(decoded), jnp.asarray(level)),
        key=jax.random.key(0),
    )
    right = (heard == clips.target).astype(jnp.float32)
    ends = intervals(right, jax.random.key(0))
    spoken = clips.target != SILENCE
    return {
        "codec": name,
        "si_sdr_db": float(np.median(similarity[spoken])),
        "log_mel_l1": float(np.median(distance[spoken])),
        "listener": float(right.mean()),
        **{name: float(end) for name, end in ends.items()},
    }


def compare(listener, example, key):
    sound, decoded, level = example
    distance = log_mel_distance(decoded, sound, sample_rate=RATE)
    return si_sdr(decoded, sound), distance, jnp.argmax(listener(level * decoded))


def linear_codec(audio: np.ndarray, channels: int, hop: int = 320) -> Codec:
    """Principal components of MDCT frames of spoken clips at equal peak."""
    sound = audio / np.maximum(np.abs(audio).max(1, keepdims=True), 1) * 0.7
    frames = np.concatenate(jax.jit(jax.vmap(lambda x: analyse(x, hop)[0]))(sound))
    _, vectors = np.linalg.eigh(frames.T.astype(np.float64) @ frames)
    basis = jnp.asarray(vectors[:, ::-1][:, :channels], jnp.float32)
    return Codec(Partial(project, basis), Partial(expand, basis), RATE, hop)


def project(basis, sound):
    return analyse(sound, basis.shape[0])[0] @ basis


def expand(basis, latent):
    return synthesise(latent @ basis.T)


if __name__ == "__main__":
    sys.exit(run_main(main))
