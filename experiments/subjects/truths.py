"""What must come out where the truth is known, for each subject: shares and changes of each clip.

Every function takes 1 s clips of speech `[N, 16000]` and returns rows of numbers, one for each
clip and method. Beside the methods stand two controls: "energy", the squared features, and
"random", for which the share is what chance gives.
"""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax import Classifier, Method, attribute, integrated_gradients, lrp, map_examples
from audioxai_jax.domains import frequencies, samples, time_frequency
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.explanation.composition import ThroughSound, hearing
from audioxai_jax.metrics import attribution_localisation
from audioxai_jax.models.subjects import SUBJECTS
from audioxai_jax.models.subjects.basic_pitch import NOTES
from audioxai_jax.models.subjects.swift_f0 import PITCHES
from experiments.subjects import runtimes, sounds

KEY = jax.random.key(0)
STEPS = {"silero_vad": 64, "swift_f0": 64, "basic_pitch": 32, "openwakeword": 16, "dnsmos": 8}
"""Steps of Integrated Gradients; fewer where an evaluation takes seconds."""
NOISE = {"vad": 0.0, "tone": 0.0, "mos": 0.0, "wake": -6.0}
"""Level of the noise relative to the planted sound, dB; "mos" plants the noise itself."""
DELETED = 0.05
"""Fraction of the cells that are deleted."""
Row = dict[str, float | int | str]


def methods(subject: str) -> dict[str, Method]:
    """Integrated Gradients from silence, and LRP with the subject's composite."""
    integrated = integrated_gradients(steps=STEPS[subject], chunk=4)
    return {"IG": integrated, "LRP": lrp(SUBJECTS[subject].composite)}


def relevances(
    classifier: Classifier, domain: Domain, method: Method, clips: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    """Relevance of each clip's features in a domain, `[N, ..]`; parts of pairs are added."""
    hears = hearing(classifier, domain.sample_rate)
    examples = (jnp.asarray(clips), jnp.asarray(targets, jnp.int32))
    shared = (method, hears, domain)
    return np.asarray(map_examples(_relevance, shared, examples, key=KEY, chunk=1))


def _relevance(shared, example, key: Array) -> Array:
    (method, hears, domain), (audio, target) = shared, example
    model = ThroughSound(hears, domain, audio)
    relevance = attribute(method, model, domain.analyse(audio), target, key=key).relevance
    return relevance if domain.name == "samples" else relevance.sum(axis=-1)


def energies(domain: Domain, clips: np.ndarray) -> np.ndarray:
    """Squared features of each clip, those of pairs added."""
    squares = np.stack([np.asarray(domain.analyse(jnp.asarray(clip))) ** 2 for clip in clips])
    return squares if domain.name == "samples" else squares.sum(axis=-1)


def shares(
    subject: str,
    classifier: Classifier,
    domain: Domain,
    clips: list[np.ndarray],
    targets: list[int],
    truths: list[np.ndarray],
) -> Iterator[Row]:
    """Share of the positive relevance in the truth, by method, and of features: chance."""
    stacked, wanted = np.stack(clips), np.array(targets)
    maps = {
        name: relevances(classifier, domain, method, stacked, wanted)
        for name, method in methods(subject).items()
    }
    maps["energy"] = energies(domain, stacked)
    maps["random"] = np.random.default_rng(0).standard_normal(maps["energy"].shape)
    for name, values in maps.items():
        for index, (relevance, truth) in enumerate(zip(values, truths, strict=True)):
            share = attribution_localisation(jnp.asarray(relevance), jnp.asarray(truth))
            yield {
                "method": name,
                "clip": index,
                "value": float(share),
                "chance": float(np.mean(truth)),
            }


def utterances(speech: np.ndarray) -> Iterator[Row]:
    """Silero VAD: a word in 4 s of noise as loud as itself; relevance of samples lies in it."""
    rng = np.random.default_rng(1)
    pairs = [sounds.planted(clip, rng, seconds=4, noise_db=NOISE["vad"]) for clip in speech]
    clips, insides = map(list, zip(*pairs, strict=True))
    classifier = SUBJECTS["silero_vad"].build(over="maximum")
    yield from shares("silero_vad", classifier, samples(16_000), clips, [0] * len(clips), insides)


def tones(speech: np.ndarray) -> Iterator[Row]:
    """SwiftF0: a tone in noise as loud as itself; relevance of frequencies lies on harmonics."""
    rng = np.random.default_rng(2)
    pitches = np.exp(rng.uniform(np.log(90), np.log(400), len(speech)))
    noise = NOISE["tone"]
    clips = [sounds.complex_tone(f0, rng, seconds=0.512, noise_db=noise) for f0 in pitches]
    yield from _harmonics(clips, pitches)


def vowels(speech: np.ndarray) -> Iterator[Row]:
    """SwiftF0: the steadiest 0.128 s of a word; relevance of frequencies lies on harmonics."""
    steady = [sounds.steady_vowel(clip, *runtimes.swift_f0(clip)) for clip in speech]
    kept = [vowel for vowel in steady if vowel is not None]
    if not kept:
        raise ValueError(f"none of {len(speech)} clips holds a steady vowel: take more clips")
    clips, pitches = map(list, zip(*kept, strict=True))
    yield from _harmonics(clips, np.array(pitches))


def _harmonics(clips: list[np.ndarray], pitches: np.ndarray) -> Iterator[Row]:
    places = np.fft.rfftfreq(len(clips[0]), 1 / sounds.RATE)
    truths = [sounds.near_harmonics(places, f0) for f0 in pitches]
    nearest = np.argmin(np.abs(np.log(PITCHES[:, None] / pitches)), axis=0).tolist()
    classifier = SUBJECTS["swift_f0"].build()
    yield from shares("swift_f0", classifier, frequencies(16_000), clips, nearest, truths)


def notes(speech: np.ndarray) -> Iterator[Row]:
    """basic-pitch: two notes one after the other; relevance of samples for one lies in its time."""
    rng = np.random.default_rng(3)
    clips, targets, insides = [], [], []
    for index in range(len(speech)):
        keys = rng.choice(np.arange(48, 84), 2, replace=False)
        sound, where = sounds.two_notes((int(keys[0]), int(keys[1])), rng, rate=22_050)
        clips.append(sound)
        targets.append(int(keys[index % 2]) - 21)
        insides.append(where[index % 2])
    classifier = SUBJECTS["basic_pitch"].build()
    assert len(NOTES) == 88
    yield from shares("basic_pitch", classifier, samples(22_050), clips, targets, insides)


def wake_words(speech: np.ndarray) -> Iterator[Row]:
    """openWakeWord: "hey marvin", said by espeak-ng, in 3 s of noise; relevance lies in it."""
    rng, clips, insides = np.random.default_rng(4), [], []
    for _ in range(len(speech)):
        rate, pitch = int(rng.integers(120, 175)), int(rng.integers(20, 80))
        word = sounds.spoken("hey marvin", rate=rate, pitch=pitch)
        sound, inside = sounds.planted(word, rng, seconds=3, noise_db=NOISE["wake"])
        clips.append(sound)
        insides.append(inside)
    classifier = SUBJECTS["openwakeword"].build("hey_marvin")
    yield from shares("openwakeword", classifier, samples(16_000), clips, [0] * len(clips), insides)


def noises(speech: np.ndarray) -> Iterator[Row]:
    """DNSMOS: BAK where 5 % of the cells are deleted, less BAK before; noise over 3 of 9.01 s.

    "most negative" and "most positive" are by relevance for BAK; "loudest" and "random" are
    controls. Deleting what speaks most against the score must raise it.
    """
    rng, domain = np.random.default_rng(5), time_frequency(16_000)
    classifier = SUBJECTS["dnsmos"].build()
    for index in range(len(speech)):
        chosen = rng.choice(len(speech), 10, replace=len(speech) < 10)
        whole = np.concatenate(speech[chosen])[:144_160]
        sound, _ = sounds.noisy_part(whole, rng, seconds=3, noise_db=NOISE["mos"])
        orders = {}
        for name, method in methods("dnsmos").items():
            relevance = relevances(classifier, domain, method, sound[None], np.array([1]))[0]
            orders |= {f"{name}, most negative": relevance, f"{name}, most positive": -relevance}
        orders["loudest"] = -energies(domain, sound[None])[0]
        orders["random"] = rng.standard_normal(orders["loudest"].shape)
        before = float(classifier(jnp.asarray(sound))[1])
        for name, order in orders.items():
            after = float(_without(classifier, domain, jnp.asarray(sound), jnp.asarray(order))[1])
            yield {"method": name, "clip": index, "value": after - before, "chance": 0.0}


@jax.jit
def _without(classifier: Classifier, domain: Domain, sound: Array, order: Array) -> Array:
    """Scores where the cells that come first are deleted."""
    features = domain.analyse(sound)
    cut = jnp.quantile(order, DELETED)
    kept = jnp.where((order > cut)[..., None], features, 0)
    return classifier(domain.synthesise(kept, sound))


TRUTHS: dict[str, tuple[str, Callable[[np.ndarray], Iterator[Row]]]] = {
    "utterance": ("silero_vad", utterances),
    "tone": ("swift_f0", tones),
    "vowel": ("swift_f0", vowels),
    "note": ("basic_pitch", notes),
    "wake word": ("openwakeword", wake_words),
    "noise": ("dnsmos", noises),
}
"""Truths by name: the subject that is asked, and the function."""
