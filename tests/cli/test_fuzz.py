"""Headers with random damage: a clip, or one clear line; no hang, no flood of memory."""

import hashlib
import io
import json
import resource
import signal

import numpy as np
import pytest
import safetensors.numpy
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audioxai_jax import Classifier
from audioxai_jax.data.audio import Clip, read_clip
from audioxai_jax.data.sound_files import AudioError
from audioxai_jax.weights import file_format
from audioxai_jax.weights.load import load_classifier
from tests.helpers import small_models

LONGEST_S, MOST_BYTES = 10, 4 << 30
FORMS = [
    ("WAV", "PCM_16"),
    ("WAV", "FLOAT"),
    ("WAVEX", "PCM_24"),
    ("RF64", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("AIFF", "PCM_16"),
]


def sound(form, subtype):
    stream = io.BytesIO()
    samples = 0.1 * np.random.default_rng(0).normal(size=(3_000, 2))
    soundfile.write(stream, samples, 16_000, format=form, subtype=subtype)
    return stream.getvalue()


SOUNDS = [sound(*form) for form in FORMS]
WANTED = {"a": {"kernel": np.ones((8, 4), np.float32), "bias": np.zeros(4, np.float32)}}
TENSORS = safetensors.numpy.save({f"a/{name}": leaf for name, leaf in WANTED["a"].items()})
NUMBERS = [0, 1, 2, 7, 0x7F, 0x80, 0xFE, 0xFF]
EDIT = st.tuples(
    st.sampled_from(["set", "word", "cut", "insert", "repeat"]),
    st.integers(0, 119),
    st.one_of(st.sampled_from(NUMBERS), st.integers(0, 255)),
)


def damaged(content: bytes, edits) -> bytes:
    data = bytearray(content)
    for kind, place, value in edits:
        place = min(place, len(data) - 1)
        if kind == "set":
            data[place] = value
        elif kind == "word":
            data[place : place + 4] = bytes([value]) * 4
        elif kind == "insert":
            data[place:place] = bytes([value]) * (1 + value % 5)
        elif kind == "repeat":
            data[place:place] = data[place : place + 16]
        else:
            del data[place + value * len(data) // 256 :]
            data += b"\0" * (not data)
    return bytes(data)


@pytest.fixture(scope="module", autouse=True)
def limits():
    """More memory than that raises MemoryError; a hang of that long raises TimeoutError."""

    def hang(*_):
        raise TimeoutError(f"nothing happened for {LONGEST_S} s")

    with open("/proc/self/statm") as stream:
        used = int(stream.read().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_BYTES, hard))
    handler = signal.signal(signal.SIGALRM, hang)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, handler)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def fuzzed(examples):
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=examples, deadline=None, suppress_health_check=checks)


@given(st.sampled_from(range(len(SOUNDS))), st.lists(EDIT, min_size=1, max_size=4))
@fuzzed(600)
def test_sound_files(tmp_path, number, edits):
    (tmp_path / "clip").write_bytes(damaged(SOUNDS[number], edits))
    signal.alarm(LONGEST_S)
    try:
        clip = read_clip(tmp_path / "clip", 16_000)
    except AudioError as error:
        assert "\n" not in str(error) and str(tmp_path / "clip") in str(error)
    else:
        assert isinstance(clip, Clip) and clip.samples.dtype == np.float32
        assert np.isfinite(clip.samples).all() and len(clip.samples) >= 1
        assert abs(len(clip.samples) - clip.seconds * 16_000) <= 1
    finally:
        signal.alarm(0)


@given(st.lists(EDIT, min_size=1, max_size=4))
@fuzzed(250)
def test_weights(tmp_path, edits):
    """The hash is right each time: someone may have signed a damaged file."""
    content = damaged(TENSORS, edits)
    (tmp_path / "net.safetensors").write_bytes(content)
    signal.alarm(LONGEST_S)
    try:
        found = file_format.read_tensors(tmp_path / "net", hashlib.sha256(content).hexdigest())
        file_format.check(tmp_path / "net", found, WANTED)
    except file_format.WeightsError as error:
        assert "\n" not in str(error) and "net" in str(error)
    finally:
        signal.alarm(0)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    small_models.save(folder)
    return folder, json.dumps(json.loads((folder / "words.json").read_text())).encode()


@given(st.lists(EDIT, min_size=1, max_size=4))
@fuzzed(200)
def test_manifests(checkpoints, edits):
    folder, manifest = checkpoints
    anywhere = [(kind, place * len(manifest) // 120, value) for kind, place, value in edits]
    (folder / "words.json").write_bytes(damaged(manifest, anywhere))
    signal.alarm(LONGEST_S)
    try:
        assert isinstance(load_classifier(folder / "words"), Classifier)
    except file_format.WeightsError as error:
        assert "\n" not in str(error) and "words" in str(error)
    finally:
        signal.alarm(0)


@pytest.mark.parametrize("number", range(len(SOUNDS)))
def test_undamaged_files_are_read(tmp_path, number):
    (tmp_path / "clip").write_bytes(SOUNDS[number])
    assert len(read_clip(tmp_path / "clip", 16_000).samples) == 3_000
