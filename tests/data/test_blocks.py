"""Sound files in blocks: as whole ones, and from file to file through a codec."""

import numpy as np
import pytest
import soundfile

from audioxai_jax import Codec
from audioxai_jax.data.audio import read_clip, wav_bytes
from audioxai_jax.data.blocks import read_blocks, write_blocks
from audioxai_jax.data.formats.decoder import BLOCK
from audioxai_jax.data.sound_files import AudioError
from audioxai_jax.streaming import api
from audioxai_jax.streaming.stages import Local

RATE = 8_000


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Two and a half blocks of stereo."""
    path = tmp_path_factory.mktemp("sound") / "long.wav"
    samples = 0.3 * np.random.default_rng(0).normal(size=(5 * BLOCK // 2, 2))
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return path


def test_blocks_are_the_clip(recording):
    blocks = list(read_blocks(recording, RATE))
    assert [len(block) for block in blocks] == [BLOCK, BLOCK, BLOCK // 2]
    np.testing.assert_array_equal(np.concatenate(blocks), read_clip(recording, RATE).samples)


def test_blocks_of_one_channel(recording, tmp_path):
    left, right = soundfile.read(recording, dtype="float32")[0].T
    for channel, wanted in (("left", left), (2, right)):
        found = np.concatenate(list(read_blocks(recording, RATE, channel=channel)))
        np.testing.assert_array_equal(found, wanted)
    soundfile.write(tmp_path / "x.wav", np.stack([left, -left], 1), RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match="channels cancel"):
        list(read_blocks(tmp_path / "x.wav", RATE))


def test_pieces_are_written_as_the_whole(tmp_path):
    samples = np.random.default_rng(1).normal(size=1_001)
    write_blocks(tmp_path / "new.wav", np.array_split(samples, 7), RATE)
    assert (tmp_path / "new.wav").read_bytes() == wav_bytes(samples, RATE)


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "old.wav"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="NaN or infinite cannot be written"):
        write_blocks(path, [np.zeros(9), np.full(9, np.nan)], RATE)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_places_that_cannot_be_written_are_named(tmp_path):
    missing = tmp_path / "none" / "x.wav"
    (tmp_path / "folder.wav").mkdir()
    for path, said in (
        (missing, f"{missing}: there is no such folder"),
        (tmp_path / "folder.wav", f"{tmp_path / 'folder.wav'}: is a folder, expected the path"),
    ):
        with pytest.raises(AudioError) as refused:
            write_blocks(path, iter(()), RATE)
        assert str(refused.value).startswith(said)


def test_samples_beyond_full_scale_are_clipped(tmp_path):
    write_blocks(tmp_path / "loud.wav", [np.array([2.0, -3.0, 0.5])], RATE)
    found = soundfile.read(tmp_path / "loud.wav", dtype="int16")[0]
    assert found.tolist() == [32_767, -32_768, 16_384]


def test_from_file_to_file_through_a_codec(recording, tmp_path):
    codec = Codec(
        encode=lambda x: x.reshape(-1, 8), decode=lambda z: z.ravel() / 2, sample_rate=RATE, hop=8
    )
    blocks = read_blocks(recording, codec.sample_rate)
    stages = [Local(codec.encode, takes=8, units=1_000)]
    latents = api.encode(codec, blocks, stages=stages)
    sounds = api.decode(codec, latents, stages=[Local(codec.decode, gives=8, units=1_000)])
    write_blocks(tmp_path / "half.wav", sounds, codec.sample_rate)
    wanted = read_clip(recording, RATE).samples / 2
    found = read_clip(tmp_path / "half.wav", RATE).samples
    np.testing.assert_allclose(found, wanted, atol=1 / 65_536)


def test_what_cannot_be_read_is_refused(recording, tmp_path):
    bad = np.zeros(BLOCK + 800, np.float32)
    bad[BLOCK + 400] = np.nan
    soundfile.write(tmp_path / "nan.wav", bad, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "none.wav", bad[:0], RATE)
    cut = tmp_path / "cut.wav"
    cut.write_bytes(recording.read_bytes()[:-1_000])
    for path, rate, said in (
        (recording, 16_000, "has 8000 samples a second, blocks are wanted at 16000"),
        (tmp_path / "nan.wav", RATE, f"NaN or infinite, the first at {(BLOCK + 400) / RATE:.3f} s"),
        (tmp_path / "none.wav", RATE, "holds no samples"),
        (tmp_path / "missing.wav", RATE, "no such file"),
        (cut, RATE, "is cut short"),
    ):
        with pytest.raises(AudioError, match=said):
            list(read_blocks(path, rate))
