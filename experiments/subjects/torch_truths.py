"""What must come out where the truth is known, for the subjects whose weights are torch's.

Every function takes the folder of data sets and a number of clips, and returns rows as
`truths.TRUTHS` do: one for each clip and method, with the controls "energy" and "random".
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import soundfile
from jax import Array

from audioxai_jax import Classifier, Method, attribute, integrated_gradients, lrp
from audioxai_jax.data import tasks
from audioxai_jax.data.archives import members
from audioxai_jax.data.audio import resample
from audioxai_jax.dft_lrp.frequency import frequency_relevance
from audioxai_jax.domains import time_frequency
from audioxai_jax.explanation.composition import ThroughSound, hearing
from audioxai_jax.models.subjects import SUBJECTS
from audioxai_jax.models.subjects.crepe import FRAME, bin_cents
from experiments.subjects import runtimes, sounds

KEY, RATE = jax.random.key(0), 16_000
STEPS = {"crepe": 64, "resemblyzer": 32, "distillmos": 8, "emphases": 64}
KEPT = 0.1
"""Fraction of the cells that are kept of a voice."""
PIECE = 1.6
"""Seconds of a clip of a voice."""
ENROLLED = 4
"""Clips by which each voice is known."""
Row = dict[str, float | int | str]


def methods(subject: str) -> dict[str, Method]:
    """Those compared: Integrated Gradients, and LRP by the subject's own composite."""
    steps = STEPS[subject]
    return {"IG": integrated_gradients(steps=steps), "LRP": lrp(SUBJECTS[subject].composite)}


@jax.jit
def _relevance(method: Method, model: Any, x: Array, target: Array) -> Array:
    return attribute(method, model, x, target, key=KEY).relevance


def tones(data: Path, count: int) -> Iterator[Row]:
    """CREPE: tones in noise as loud; share of frequencies' positive relevance on harmonics."""
    rng = np.random.default_rng(2)
    pitches = np.exp(rng.uniform(np.log(90), np.log(400), count))
    clips = [sounds.complex_tone(f0, rng, seconds=0.128, noise_db=0.0) for f0 in pitches]
    yield from _harmonics(clips, pitches)


def vowels(data: Path, count: int) -> Iterator[Row]:
    """CREPE: the steadiest part of words, whose pitch SwiftF0 tells."""
    speech = _words(data, 4 * count)
    steady = [sounds.steady_vowel(clip, *runtimes.swift_f0(clip)) for clip in speech]
    kept = [vowel for vowel in steady if vowel is not None][:count]
    yield from _harmonics([clip for clip, _ in kept], [f0 for _, f0 in kept])


def _harmonics(clips: Sequence[np.ndarray], pitches: Sequence[float]) -> Iterator[Row]:
    """Within 3 % or a bin of the first ten harmonics, of what lies below 10.5 f0."""
    crepe = SUBJECTS["crepe"].build()
    places = np.fft.rfftfreq(FRAME, 1 / RATE)
    for index, (clip, f0) in enumerate(zip(clips, pitches, strict=True)):
        middle = len(clip) // 2 - FRAME // 2
        z = crepe.reads.analyse(jnp.asarray(clip[middle : middle + FRAME], jnp.float32))
        target = jnp.argmin(jnp.abs(10 * 2 ** (bin_cents() / 1200) - f0))
        rank = np.maximum(np.round(places / f0), 1)
        near = np.abs(places - rank * f0) <= np.maximum(sounds.WITHIN * rank * f0, RATE / FRAME)
        within = places <= 10.5 * f0
        maps = {
            name: np.asarray(frequency_relevance(z, _relevance(method, crepe, z, target)))
            for name, method in methods("crepe").items()
        }
        maps["energy"] = np.abs(np.fft.rfft(z)) ** 2
        maps["random"] = np.random.default_rng(index).standard_normal(len(places))
        for name, values in maps.items():
            positive = np.maximum(values, 0) * within
            share = float(positive[near].sum() / positive.sum())
            yield {
                "method": name,
                "clip": index,
                "value": share,
                "chance": float(near[within].mean()),
            }


def voices(data: Path, count: int) -> Iterator[Row]:
    """Resemblyzer, six men: own score less the best other one, of a tenth of the cells kept.

    "clip" is the margin of the whole clip. Above 0, the kept sound is still that voice's.
    """
    clips = _of_speakers(data, ENROLLED + -(-count // 6))
    known = {name: mine[:ENROLLED] for name, mine in clips.items()}
    scores = SUBJECTS["resemblyzer"].build(known)
    domain, index = time_frequency(RATE), 0
    for target, mine in enumerate(clips.values()):
        for clip in mine[ENROLLED:]:
            audio = jnp.asarray(clip)
            features = domain.analyse(audio)
            model = ThroughSound(hearing(scores, RATE), domain, audio)
            orders = {
                name: _relevance(method, model, features, jnp.asarray(target)).sum(axis=-1)
                for name, method in methods("resemblyzer").items()
            }
            orders["energy"] = jnp.sum(features**2, axis=-1)
            orders["random"] = jax.random.normal(jax.random.key(index), features.shape[:-1])
            told = {name: _kept(scores, domain, audio, order) for name, order in orders.items()}
            for name, values in {"clip": scores(audio), **told}.items():
                margin = values[target] - jnp.max(jnp.delete(values, target))
                yield {"method": name, "clip": index, "value": float(margin), "chance": 0.0}
            index += 1


@jax.jit
def _kept(scores: Classifier, domain: Any, audio: Array, order: Array) -> Array:
    features = domain.analyse(audio)
    most = order >= jnp.quantile(order, 1 - KEPT)
    return scores(domain.synthesise(jnp.where(most[..., None], features, 0), audio))


def noises(data: Path, count: int) -> Iterator[Row]:
    """Distill-MOS: noise over 2 of 7.6 s of words; share of what lowers the score within it."""
    rng = np.random.default_rng(5)
    mos = SUBJECTS["distillmos"].build()
    for index in range(count):
        speech = np.concatenate(_words(data, 8, start=index))[: int(7.6 * RATE)]
        sound, inside = sounds.noisy_part(speech, rng, seconds=2, noise_db=0.0)
        z = mos.reads.analyse(jnp.asarray(sound, jnp.float32))
        for name, method in methods("distillmos").items():
            lowers = np.maximum(-np.asarray(_relevance(method, mos, z, jnp.asarray(0))), 0)
            yield _share(name, index, lowers, inside)
        yield _share("energy", index, sound**2, inside)


def louder(data: Path, count: int) -> Iterator[Row]:
    """emphases: a word four times, once 12 dB louder; share of the relevance within that.

    "rises most" is 1 if its own score gains most by it, beside the same word four times alike.
    """
    words = [(float(k), float(k + 1)) for k in range(4)]
    prominence = SUBJECTS["emphases"].build(words)
    for index, clip in enumerate(_words(data, count)):
        gains = np.where(np.arange(4) == index % 4, 1.0, 0.25)
        sound = np.concatenate([gain * clip for gain in gains]).astype(np.float32)
        inside = np.repeat(gains == 1, len(clip))
        x, target = jnp.asarray(sound), jnp.asarray(index % 4)
        change = prominence(x) - prominence(jnp.asarray(0.25 * np.tile(clip, 4)))
        yield _told("rises most", index, float(jnp.argmax(change) == target), 0.25)
        for name, method in methods("emphases").items():
            size = np.abs(np.asarray(_relevance(method, prominence, x, target)))
            yield _share(name, index, size, inside)
        yield _share("energy", index, sound**2, inside)


def _share(method: str, index: int, values: np.ndarray, inside: np.ndarray) -> Row:
    return _told(method, index, float(values[inside].sum() / values.sum()), float(inside.mean()))


def _told(method: str, index: int, value: float, chance: float) -> Row:
    return {"method": method, "clip": index, "value": value, "chance": chance}


def _words(data: Path, count: int, start: int = 0) -> list[np.ndarray]:
    """Words of Speech Commands, evenly spaced in those of the test speakers."""
    clips = tasks.load(data, "keywords").part("speaker_disjoint", "test")
    spoken = clips[np.array([not name.startswith("_silence_") for name in clips.file])]
    chosen = (np.linspace(0, len(spoken) - 1, count).round().astype(int) + start) % len(spoken)
    return list(spoken.audio[chosen].astype(np.float32) / 32_768)


def _of_speakers(data: Path, count: int) -> dict[str, list[np.ndarray]]:
    """Clips of 1.6 s of each speaker of the digits, of whole recordings one after the other."""
    with (data / "fsdd" / "metadata.csv").open(newline="") as stream:
        speaker = {row["file"]: row["speaker"] for row in csv.DictReader(stream)}
    rng, length = np.random.default_rng(0), round(PIECE * RATE)
    files: dict[str, list[str]] = {}
    for file in rng.permutation(sorted(speaker)):
        files.setdefault(speaker[file], []).append(str(file))
    wanted = {file for mine in files.values() for file in mine[: 8 * count]}
    heard = {}
    for name, content in members(data / "fsdd" / "fsdd.tar", lambda name: _short(name) in wanted):
        sound, rate = soundfile.read(io.BytesIO(content), dtype="float32")
        heard[_short(name)] = np.asarray(resample(sound, rate, RATE), np.float32)
    joined = {
        name: np.concatenate([heard[file] for file in mine if file in wanted])
        for name, mine in sorted(files.items())
    }
    return {
        name: [sound[k * length : (k + 1) * length] for k in range(count)]
        for name, sound in joined.items()
    }


def _short(name: str) -> str:
    return "/".join(name.split("/")[-2:])


TRUTHS: dict[str, tuple[str, Callable[[Path, int], Iterator[Row]]]] = {
    "tone": ("crepe", tones),
    "vowel": ("crepe", vowels),
    "voice": ("resemblyzer", voices),
    "noise": ("distillmos", noises),
    "louder word": ("emphases", louder),
}
"""Truths by name: the subject that is asked, and the function."""
