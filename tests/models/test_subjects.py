"""The table of other people's models, and how clips become what each of them reads.

Their networks are in packages that are not installed here; `tests/oracles` has those tests.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.core.extras import MissingExtra
from audioxai_jax.core.records import Static
from audioxai_jax.models.subjects import (
    SUBJECTS,
    basic_pitch,
    dnsmos,
    openwakeword,
    protocol,
    silero_vad,
    swift_f0,
)
from audioxai_jax.models.subjects.over_time import over_time
from audioxai_jax.propagation import PRESETS


@pytest.fixture
def clip():
    return np.random.default_rng(0).standard_normal(50_000).astype(np.float32)


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_row_says_what_must_be_known(name):
    subject = SUBJECTS[name]
    assert subject.composite in PRESETS
    assert "==" in subject.package and subject.package in subject.install
    assert all((subject.task, subject.licence, subject.source, subject.caveat))
    assert isinstance(subject.installed, bool)


def test_a_package_that_is_not_installed_is_named_in_one_line(monkeypatch):
    monkeypatch.setattr(protocol, "package_folder", lambda package: None)
    with pytest.raises(MissingExtra, match="^this subject needs silero_vad: pip install"):
        SUBJECTS["silero_vad"].build()
    assert not SUBJECTS["silero_vad"].installed


def test_a_file_that_a_package_lacks_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(protocol, "package_folder", lambda package: tmp_path)
    with pytest.raises(MissingExtra, match="silero_vad in .* has no data/silero_vad_16k_sequence"):
        SUBJECTS["silero_vad"].build()


@pytest.mark.parametrize("length", [512, 1000, 1536])
def test_frames_of_silero_vad_follow_each_other_as_a_stream_does(clip, length):
    """The package's loop: the last 64 samples are given again, zeros before the first frame."""
    audio, context, expected = clip[:length], np.zeros(64, np.float32), []
    for frame in np.pad(audio, (0, -length % 512)).reshape(-1, 512):
        expected.append(np.concatenate([context, frame]))
        context = frame[-64:]
    assert np.array_equal(silero_vad.framed(jnp.asarray(audio)), np.array(expected))


@pytest.mark.parametrize("length", [16_000, 50_000])
def test_windows_of_dnsmos_are_those_of_its_package(clip, length):
    """Doubled until it is long enough; windows a second apart; not those a sample short."""
    audio = clip[:length]
    while len(audio) < 144_160:
        audio = np.append(audio, audio)
    cut = [audio[i * 16_000 : int((i + 9.01) * 16_000)] for i in range(100)]
    hops = int(np.floor(len(audio) / 16_000) - 9.01) + 1
    expected = [part for part in cut[:hops] if len(part) == 144_160]
    assert np.array_equal(dnsmos.windows(jnp.asarray(clip[:length])), np.array(expected))


def test_dnsmos_maps_its_outputs_as_its_package_does():
    raw = np.array([[2.0, 3.0, 2.5], [3.0, 4.0, 3.5]], np.float32)
    network = lambda windows: jnp.asarray(raw)
    polynomials = (
        np.poly1d([-0.08397278, 1.22083953, 0.0052439]),
        np.poly1d([-0.13166888, 1.60915514, -0.39604546]),
        np.poly1d([-0.06766283, 1.11546468, 0.04602535]),
    )
    expected = [p(raw[:, k]).mean() for k, p in enumerate(polynomials)]
    np.testing.assert_allclose(dnsmos._scores(network, jnp.zeros(200_000)), expected, rtol=1e-6)


@pytest.mark.parametrize("length", [10_000, 50_000, 40_004, 40_005])
def test_windows_of_basic_pitch_are_those_of_its_package(clip, length):
    sound = np.concatenate([np.zeros(15 * 256, np.float32), clip[:length]])
    expected = []
    for start in range(0, len(sound), 43_844 - 30 * 256):
        part = sound[start : start + 43_844]
        expected.append(np.pad(part, (0, 43_844 - len(part))))
    windows = basic_pitch.windows(jnp.asarray(clip[:length]))
    assert np.array_equal(windows[..., 0], np.array(expected))


def test_frames_of_basic_pitch_are_those_of_each_window_but_the_shared_ones():
    """A network that tells places in the clip. Its package keeps 142 frames of each window, while
    the next begins 141.3 frames later, so that frames of later windows are a little early."""
    network = lambda windows: jnp.tile(windows[:, ::256], (1, 1, 88))
    length = 90_000
    frames = basic_pitch.frame_logits(network, jnp.arange(length, dtype=jnp.float32))
    assert frames.shape == (int(length * 86 / 22_050), 88)
    places = np.concatenate([n * 36_164 + 256 * np.arange(142) for n in range(3)])[: len(frames)]
    assert np.array_equal(frames[:, 0], np.where(places < length, places, 0))


def test_openwakeword_hears_windows_of_76_rows_that_end_with_each_step():
    """Networks that count: rows carry their number, so that each embedding tells where it ends."""
    spectrum = lambda sound: sound[:, 512::160] * 10 / 32_768  # a row for each 160 samples
    mel = lambda sound: jnp.tile(spectrum(sound)[..., None], (1, 1, 32))
    embedding = lambda rows: jnp.tile(rows[:, -1, 0, 0][:, None], (1, 96))
    head = lambda given: given[:, :, 0]
    audio = jnp.arange(16_000, dtype=jnp.float32)
    steps = openwakeword.step_logits((mel, embedding, head), Static((3, 0)), audio)
    assert steps.shape == (12 - 5, 3)
    # the last row of step i begins 160 samples before its end, less what the window needs
    assert np.all(np.diff(steps, axis=0) == 1280) and np.all(np.diff(steps, axis=1) == 1280)


def test_cents_of_swift_f0_are_the_mean_of_three_pitches():
    scores = np.full((3, 95), -9.0, np.float32)
    scores[0, [20, 21, 22]] = [-1.0, -0.5, -2.0]
    scores[1, 0], scores[2, 94] = 0.0, 0.0
    weights = np.exp([-1.0, -0.5, -2.0])
    steps = 1200 * np.log2(swift_f0.PITCHES / 10)
    expected = [weights @ steps[20:23] / weights.sum()]
    edge = np.exp([0.0, -9.0])
    expected += [edge @ steps[:2] / edge.sum(), edge[::-1] @ steps[-2:] / edge.sum()]
    np.testing.assert_allclose(swift_f0._cents(jnp.asarray(scores)), expected, rtol=1e-6)
    slope = jax.grad(lambda s: swift_f0._cents(s).sum())(jnp.asarray(scores))
    assert bool(jnp.all(jnp.isfinite(slope)))


def test_frames_are_counted_in_seconds():
    model = over_time(lambda x: x, (0.2, 0.4), 0.1)
    assert model(jnp.arange(6.0)[:, None]).tolist() == [2.5]
    assert over_time(lambda x: x, (0.2, 0.21), 0.1)(jnp.arange(6.0)[:, None]).tolist() == [2.0]
    with pytest.raises(ValueError, match="2 to 9 is not within the 6 frames"):
        over_time(lambda x: x, (0.2, 0.9), 0.1)(jnp.arange(6.0)[:, None])


@pytest.mark.parametrize("over", ["median", (0.4, 0.2), (-1, 2), (0, 1, 2), 3, None, (0, np.inf)])
def test_other_spans_are_refused(over):
    with pytest.raises(ValueError, match=r"^over=.*: give \"mean\", \"maximum\" or \(from, to\)"):
        over_time(lambda x: x, over, 0.1)


def test_other_settings_are_refused():
    with pytest.raises(ValueError, match="word 'hello': choose one of alexa, hey_marvin"):
        openwakeword.openwakeword("hello")
    with pytest.raises(ValueError, match="padding must be 0 or more seconds, got -1"):
        openwakeword.openwakeword(padding=-1)
    with pytest.raises(ValueError, match="output 'hertz': choose one of pitch, cents, voiced"):
        swift_f0.swift_f0("hertz")
