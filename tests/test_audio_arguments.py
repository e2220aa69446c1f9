"""Every public function that takes sound refuses samples that are not what it says, in one line.

Data sets are int16. Taken for floating point they are noise of 90 dB beyond full scale, or zeros.
"""

import dataclasses
import importlib
import inspect
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import audioxai_jax
from audioxai_jax import Classifier, Codec, domains, explain, explain_batch, masks, saliency
from audioxai_jax.core.extras import extra_of
from audioxai_jax.data import audio as files
from audioxai_jax.data import augment, blocks
from audioxai_jax.dft_lrp import frequency, released, time_frequency
from audioxai_jax.domains import latent
from audioxai_jax.manipulation import pitch, shift, vocoder
from audioxai_jax.metrics import audio_quality, clicks
from audioxai_jax.models import resampling
from audioxai_jax.nets.classifiers import alexnet, audionet, listener, mel_cnn, spoof_net, wave_cnn
from audioxai_jax.nets.codecs import encodec, gainshape, lyra, seanet
from audioxai_jax.nets.layers import loudness
from audioxai_jax.perturbation.attack import attack_explanation
from audioxai_jax.streaming import api
from audioxai_jax.streaming.stages import Local
from audioxai_jax.synthesis import filters, floor, heat_maps, levels
from audioxai_jax.transforms import cepstrum, filter_bank, istft, mdct, mel, stft, wavelet
from audioxai_jax.transforms.masking_threshold import masking_threshold
from audioxai_jax.types import Context
from experiments.audiomnist import clips
from experiments.audiomnist import recipes as training

SAMPLES, RATE = 64, 16_000
SOUND = 0.3 * np.sin(np.arange(SAMPLES, dtype=np.float32))
CODEC = Codec(lambda x: x.reshape(-1, 8), lambda z: z.ravel(), RATE, 8)
FRAMES = {"window": ("hann", 16), "hop": 4}
ENCODEC = encodec.EncodecConfig()
ONES = jnp.ones(SAMPLES)
KEY = jax.random.key(0)
READER = Classifier(lambda latent: latent.sum(0), reads=latent(CODEC))

SPOOF = spoof_net.SpoofNetConfig()
MEL, WAVE = mel_cnn.MelCnnConfig(), wave_cnn.WaveCnnConfig()

TAKES_SOUND = {
    "models.resampling.resample": lambda x: resampling.resample(x, RATE, 8_000),
    "nets.classifiers.mel_cnn.apply": lambda x: mel_cnn.apply(MEL, {}, x),
    "nets.classifiers.mel_cnn.features": lambda x: mel_cnn.features(MEL, x),
    "nets.classifiers.spoof_net.apply": lambda x: spoof_net.apply(SPOOF, {}, x),
    "nets.classifiers.spoof_net.features": lambda x: spoof_net.features(SPOOF, x),
    "perturbation.attack.attack_explanation": lambda x: attack_explanation(
        READER, lambda y: y, x, 0, key=KEY, sample_rate=RATE
    ),
    "transforms.masking_threshold.masking_threshold": lambda x: masking_threshold(
        x, sample_rate=RATE
    ),
    "nets.classifiers.wave_cnn.apply": lambda x: wave_cnn.apply(WAVE, {}, x),
    "nets.classifiers.wave_cnn.apply_training": lambda x: wave_cnn.apply_training(WAVE, {}, x, KEY),
    "transforms.filter_bank.analyse": lambda x: filter_bank.analyse(
        x, sample_rate=RATE, centres=np.array([500.0, 2000.0])
    ),
    "transforms.wavelet.analyse": lambda x: wavelet.analyse(x, wavelet="haar", levels=2),
    "explanation.explain.explain": lambda x: explain(READER, x, key=KEY),
    "explanation.explain.explain_batch": lambda x: explain_batch(READER, x[None], key=KEY),
    "data.audio.write_wav": lambda x: files.write_wav("never_written.wav", x, RATE),
    "data.audio.wav_bytes": lambda x: files.wav_bytes(x, RATE),
    "data.audio.pcm": files.pcm,
    "data.audio.resample": lambda x: files.resample(x, RATE, 8_000),
    "data.augment.other_recording": lambda x: augment.other_recording(jax.random.key(0), x),
    "data.blocks.write_blocks": lambda x: blocks.write_blocks("never_written.wav", [x], RATE),
    "manipulation.pitch.shift_fundamental": lambda x: pitch.shift_fundamental(x, 1, RATE),
    "manipulation.shift.shift_time": lambda x: shift.shift_time(x, 1),
    "manipulation.vocoder.analyse": lambda x: vocoder.analyse(x, 16),
    "metrics.audio_quality.si_sdr": lambda x: audio_quality.si_sdr(x, x),
    "metrics.audio_quality.log_mel_distance": lambda x: audio_quality.log_mel_distance(
        x, x, sample_rate=RATE
    ),
    "metrics.audio_quality.log_spectral_distance": lambda x: audio_quality.log_spectral_distance(
        x, x
    ),
    "metrics.audio_quality.mel_cepstral_distortion": lambda x: (
        audio_quality.mel_cepstral_distortion(x, x, sample_rate=RATE)
    ),
    "metrics.audio_quality.level_db": lambda x: audio_quality.level_db(x, x),
    "metrics.clicks.click_level": lambda x: clicks.click_level(x, x, span=8),
    "nets.classifiers.alexnet.features": lambda x: alexnet.features(alexnet.AlexNetConfig(), x),
    "nets.classifiers.audionet.features": lambda x: audionet.features(audionet.AudioNetConfig(), x),
    "nets.classifiers.audionet.apply": lambda x: audionet.apply(audionet.AudioNetConfig(), {}, x),
    "nets.codecs.encodec.encode": lambda x: encodec.encode(ENCODEC, {}, x),
    "nets.codecs.encodec.encode_mono": lambda x: encodec.encode_mono(ENCODEC, {}, x),
    "nets.codecs.encodec.encode_quantised": lambda x: encodec.encode_quantised((ENCODEC, 1), {}, x),
    "nets.codecs.gainshape.filtered": lambda x: gainshape.filtered(
        gainshape.GainShapeConfig(), x, jnp.ones((1, 16))
    ),
    "nets.codecs.gainshape.encode": lambda x: gainshape.encode(gainshape.GainShapeConfig(), {}, x),
    "nets.classifiers.listener.features": lambda x: listener.features(listener.ListenerConfig(), x),
    "nets.classifiers.listener.apply": lambda x: listener.apply(listener.ListenerConfig(), {}, x),
    "nets.layers.loudness.loudness": loudness.loudness,
    "nets.codecs.lyra.encode": lambda x: lyra.encode(lyra.LyraConfig(), {"encoder": {}}, x),
    "nets.codecs.lyra.encode_quantised": lambda x: lyra.encode_quantised(
        (lyra.LyraConfig(), 1), {"encoder": {}, "codebooks": ONES}, x
    ),
    "nets.codecs.seanet.encode": lambda x: seanet.encode(seanet.SeanetConfig(), {"encoder": {}}, x),
    "dft_lrp.frequency.frequency_relevance": lambda x: frequency.frequency_relevance(x, ONES),
    "dft_lrp.frequency.time_relevance": lambda x: frequency.time_relevance(x, jnp.ones(33)),
    "dft_lrp.released.released_frequency_relevance": lambda x: (
        released.released_frequency_relevance(x, ONES)
    ),
    "dft_lrp.released.released_short_time_relevance": lambda x: (
        released.released_short_time_relevance(x, ONES, window=np.ones(16), hop=4)
    ),
    "transforms.istft.analyse": lambda x: istft.analyse(x, **FRAMES),
    "transforms.mdct.analyse": lambda x: mdct.analyse(x, 8),
    "transforms.mel.log_mel": lambda x: mel.log_mel(x, sample_rate=RATE),
    "dft_lrp.time_frequency.short_time_relevance": lambda x: time_frequency.short_time_relevance(
        x, ONES, **FRAMES
    ),
    "dft_lrp.time_frequency.full_length_relevance": lambda x: time_frequency.full_length_relevance(
        x, ONES, **FRAMES
    ),
    "dft_lrp.time_frequency.time_relevance_of_frames": lambda x: (
        time_frequency.time_relevance_of_frames(x, jnp.ones((19, 9)), **FRAMES)
    ),
    "transforms.stft.magnitude_spectrogram": lambda x: stft.magnitude_spectrogram(
        x, window=16, hop=4
    ),
    "transforms.stft.padded_spectrogram": lambda x: stft.padded_spectrogram(x, window=16, hop=4),
    "streaming.api.encode": lambda x: list(
        api.encode(CODEC, [x], stages=[Local(CODEC.encode, takes=8)])
    ),
    "synthesis.heat_maps.heat_map_sound": lambda x: heat_maps.heat_map_sound(x, ONES, smooth=0),
    "synthesis.heat_maps.rectified_signal_sound": lambda x: heat_maps.rectified_signal_sound(
        x, ONES
    ),
    "synthesis.heat_maps.fade_ends": lambda x: heat_maps.fade_ends(x, 4),
    "synthesis.filters.filter_by_frequency": lambda x: filters.filter_by_frequency(
        x, jnp.ones(33), 0.5
    ),
    "synthesis.filters.weigh_frequencies": lambda x: filters.weigh_frequencies(x, jnp.ones(33)),
    "synthesis.filters.filter_frequencies": lambda x: filters.filter_frequencies(x, jnp.ones(33)),
    "synthesis.filters.filter_by_cell": lambda x: filters.filter_by_cell(
        x, jnp.ones((16, 9)), 0.5, hop=4
    ),
    "synthesis.filters.weigh_cells": lambda x: filters.weigh_cells(x, jnp.ones((16, 9)), hop=4),
    "synthesis.filters.filter_cells": lambda x: filters.filter_cells(x, jnp.ones((16, 9)), hop=4),
    "synthesis.floor.floor": lambda x: floor.floor(x, -30, RATE, KEY),
    "synthesis.levels.rms": levels.rms,
    "synthesis.levels.matching_gain": lambda x: levels.matching_gain(x, x),
    "synthesis.levels.match_level": lambda x: levels.match_level(x, x),
}
"""Each public function with a parameter that is sound, called with it."""

OTHERS = {
    "explanation.composition": "stands on the domains, which are listed",
    "explanation.views": "stands on the domains, which are listed",
    "core.checks": "are the checks",
    "models.bridges": "front ends behind the domains, which are listed",
    "models.subjects": "front ends behind the domains, which are listed",
    "core.contracts.check_sound": "is a check",
    "data.augment.speed_copies": "takes int16",
    "data.pipelines": "takes int16, or float32 once augmented",
    "training": "takes what pipelines make",
    "runs": "stand on the functions above",
    "nets.codecs.encodec.encode_chunks": "a part of encode",
    "nets.codecs.encodec.in_each_channel": "a part of encode",
    "nets.codecs.encodec.mean_channel": "a part of decode",
    "nets.layers.chunks.cut": "a part of encode",
    "nets.codecs.seanet.analyse": "a part of encode",
    "dft_lrp.redistribute.check": "is a check",
    "truth": "takes the sounds that it makes, whole batches of them",
    "statistics": "its samples are numbers of draws",
}
NAMES = {"audio", "sound", "estimate", "mono", "waveform"}


def test_every_public_function_of_sound_is_listed():
    found = set()
    for part in pkgutil.walk_packages(audioxai_jax.__path__, "audioxai_jax."):
        if part.name.endswith("__main__"):
            continue
        try:
            module = importlib.import_module(part.name)
        except ImportError as error:  # of a framework that is not installed
            assert extra_of((error.name or "").partition(".")[0]), part.name
            continue
        for name, value in vars(module).items():
            own = inspect.isfunction(value) and value.__module__ == part.name
            if own and name[0] != "_" and NAMES & set(inspect.signature(value).parameters):
                found.add(f"{part.name.removeprefix('audioxai_jax.')}.{name}")
    listed = {name for name in found if any(name.startswith(other) for other in OTHERS)}
    assert found - listed <= set(TAKES_SOUND), sorted(found - listed - set(TAKES_SOUND))


WRONG = {
    "int16": (SOUND * 32768).astype(np.int16),
    "uint8": (128 + SOUND * 127).astype(np.uint8),
    "bool": SOUND > 0,
    "complex64": SOUND.astype(np.complex64),
    "object": SOUND.astype(object),
}


@pytest.mark.parametrize("name", TAKES_SOUND)
def test_samples_that_are_not_floating_point_are_refused(name):
    for dtype, sound in WRONG.items():
        with pytest.raises(TypeError, match=rf"(got|is) {dtype}\b") as refusal:
            TAKES_SOUND[name](sound)
        assert isinstance(refusal.value, ValueError) and "\n" not in str(refusal.value)
        if dtype == "int16" and not name.startswith(("streaming", "domains")):
            assert "divide 16-bit samples by 32768" in str(refusal.value)


@pytest.mark.parametrize("name", domains.DOMAINS)
def test_domains_refuse_samples_that_are_not_floating_point(name):
    domain = domains.latent(CODEC) if name == "latent" else domains.DOMAINS[name](RATE)
    for dtype, sound in WRONG.items():
        with pytest.raises(TypeError, match=rf"(got|is) {dtype}\b"):
            domain.analyse(sound)


@pytest.mark.parametrize("call", [stft.magnitude_spectrogram, stft.padded_spectrogram])
def test_the_check_works_under_jit_and_vmap(call):
    one = lambda x: call(x, window=16, hop=4)
    assert jax.jit(jax.vmap(one))(jnp.stack([ONES, ONES])).shape[0] == 2
    with pytest.raises(TypeError, match="floating point, got int16"):
        jax.jit(jax.vmap(one))(jnp.ones((2, SAMPLES), jnp.int16))


@pytest.mark.parametrize(
    "sound, said",
    [
        (SOUND[None], r"shape \(1, 64\): write audio\[0\]"),
        (SOUND[:, None], r"shape \(64, 1\): write audio\[:, 0\]"),
        (np.stack([SOUND, SOUND], 1), r"shape \(64, 2\): mix channels down"),
        (SOUND[:0], "audio has no samples"),
        ("clip.wav", "audio must be an array, got the text 'clip.wav'"),
        (None, "audio must be an array, got None"),
        ([0.1, "a"], "a list that makes no array"),
        ([[0.1], [0.1, 0.2]], "a list that makes no array"),
        ((9830.0 * SOUND).tolist(), "as large as 2949, full scale is 1: divide 16-bit samples"),
    ],
)
def test_what_is_no_waveform_is_refused(sound, said):
    with pytest.raises(ValueError, match=said) as refusal:
        explain(READER, sound, key=KEY)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("dtype", [np.float16, jnp.bfloat16, np.float32, np.float64, list])
def test_floating_point_of_any_kind_is_written_as_it_is(dtype):
    sound = SOUND.tolist() if dtype is list else SOUND.astype(dtype)
    wanted = np.asarray(sound, np.float64) * 32768
    np.testing.assert_allclose(files.pcm(sound), wanted, atol=0.5)


def test_sound_far_beyond_full_scale_is_not_written():
    with pytest.raises(ValueError, match="as large as 98[23].*full scale is 1"):
        files.pcm(np.round(SOUND * 32768))
    loud = np.float16([2.0, -3.0])  # 2 * 32768 is infinite in half precision
    assert files.pcm(loud).tolist() == [32767, -32768]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: augment.speed_copies(x[None]),
        lambda x: augment.augment(jax.random.key(0), x[None], x[None]),
        lambda x: clips.embed(x, 0),
        lambda x: clips.to_8khz(x, 48_000),
        lambda x: training.spoken_copies(x[None], (1.0,)),
    ],
)
def test_what_takes_samples_of_data_sets_refuses_floating_point(call):
    """In [-1, 1] they would all round to 0."""
    with pytest.raises(TypeError, match=r"16-bit samples \(int16\).*got float32"):
        call(SOUND)


@pytest.mark.parametrize(
    "call",
    [
        lambda z: gainshape.decode(gainshape.GainShapeConfig(), {}, z),
        lambda z: seanet.decode(seanet.SeanetConfig(), {"decoder": {}}, z),
        lambda z: lyra.decode(lyra.LyraConfig(), {"decoder": {}}, z),
        lambda z: encodec.decode(ENCODEC, {}, z),
        lambda z: list(api.decode(CODEC, [z], stages=[Local(CODEC.decode, gives=8)])),
        lambda z: cepstrum.true_envelope(z, bin_hz=100.0),
        lambda z: heat_maps.positive_gain(z),
        lambda z: masks.top_fraction(0.5)(z, Context()),
        lambda z: shift.scale_frequency(z, 1.0),
    ],
)
def test_latents_and_relevance_of_whole_numbers_are_refused(call):
    with pytest.raises(TypeError, match="floating point"):
        call(jnp.ones((4, 64), jnp.int8))


def test_a_codec_that_returns_whole_numbers_is_refused():
    sound = jnp.asarray(SOUND)
    coded = latent(Codec(CODEC.encode, lambda z: (z.ravel() * 32767).astype(jnp.int16), RATE, 8))
    with pytest.raises(TypeError, match="what decode returns must be floating point, got int16"):
        explain(dataclasses.replace(READER, reads=coded), sound, method=saliency(), key=KEY)
    with pytest.raises(TypeError, match="what decode returns must be floating point, got int16"):
        coded.synthesise(CODEC.encode(sound), sound)
    codes = latent(Codec(lambda x: x.reshape(-1, 8).astype(jnp.int32), CODEC.decode, RATE, 8))
    with pytest.raises(TypeError, match=r"a latent \[frames, channels\], got int32.*codewords"):
        explain(dataclasses.replace(READER, reads=codes), sound, method=saliency(), key=KEY)
