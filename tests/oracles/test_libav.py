"""Files that libsndfile does not read, through FFmpeg's libraries, against what was encoded."""

import io

import numpy as np
import pytest

from audioxai_jax.data.sound_files import AudioError, decode_sound

av = pytest.importorskip("av")
RATE = 16_000
TIME = np.arange(2 * RATE) / RATE
SOUND = np.stack([0.4 * np.sin(2 * np.pi * hertz * TIME) for hertz in (300, 900)])
SOUND = SOUND.astype(np.float32)
KINDS = {
    "AAC in M4A": ("ipod", "aac", "fltp", 0.05),
    "ALAC in M4A": ("ipod", "alac", "s16p", 1e-4),
    "AAC alone": ("adts", "aac", "fltp", 0.05),
    "FLAC in Matroska": ("matroska", "flac", "s16", 1e-4),
    "Opus in WebM": ("webm", "libopus", "flt", 0.1),
    "WMA": ("asf", "wmav2", "fltp", 0.1),
    "WavPack": ("wv", "wavpack", "s16p", 1e-4),
    "TTA": ("tta", "tta", "s16", 1e-4),
    "AC-3": ("ac3", "ac3", "fltp", 0.1),
}


def encoded(form: str, codec: str, samples: str) -> bytes:
    """`SOUND` in a container."""
    stream = io.BytesIO()
    rate = 48_000 if codec in ("libopus", "ac3") else RATE
    with av.open(stream, "w", format=form) as container:
        out = container.add_stream(codec, rate=rate, layout="stereo")
        out.format, out.bit_rate = samples, 96_000
        resampler = av.AudioResampler(format=samples, layout="stereo", rate=rate)
        frame = av.AudioFrame.from_ndarray(SOUND, format="fltp", layout="stereo")
        frame.sample_rate = RATE
        fifo = av.AudioFifo()
        for one in [*resampler.resample(frame), *resampler.resample(None)]:
            fifo.write(one)
        while (piece := fifo.read(out.frame_size or 1024, partial=True)) is not None:
            container.mux(out.encode(piece))
        container.mux(out.encode(None))
    return stream.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_foreign_files_are_read(kind):
    form, codec, samples, atol = KINDS[kind]
    content = encoded(form, codec, samples)
    found = decode_sound("file", content)
    step = found.sample_rate // RATE
    assert found.samples.shape[1] == 2
    assert bool(found.notes) == (form in ("adts", "ac3"))  # which do not say how long they are
    lag = len(found.samples) // step - 2 * RATE
    assert -256 <= lag <= 4_096  # of the delay of encoders
    middle = found.samples[: 2 * RATE * step : step]
    tones = np.abs(np.fft.rfft(middle[8_000:24_000], axis=0)) / 8_000
    assert tones[300, 0] == pytest.approx(0.4, abs=atol)
    assert tones[900, 1] == pytest.approx(0.4, abs=atol)
    assert tones[900, 0] < atol > tones[300, 1]


@pytest.mark.parametrize("kind", ["ALAC in M4A", "WavPack", "TTA", "WMA", "FLAC in Matroska"])
def test_foreign_files_that_are_cut_short_are_refused(kind):
    content = encoded(*KINDS[kind][:3])
    with pytest.raises(AudioError, match="^file: ") as caught:
        decode_sound("file", content[: len(content) // 2])
    assert "\n" not in str(caught.value)
