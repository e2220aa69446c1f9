"""Audible heat maps: closed forms of gains and filters, and what is promised of every sound."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.metrics.clicks import click_level
from audioxai_jax.synthesis import filters, heat_maps
from audioxai_jax.synthesis.heat_maps import heat_map_sound, positive_gain, smoothed
from audioxai_jax.synthesis.levels import match_level, rms

T = 2000
SECONDS = np.arange(T) / 8000


def noise(number=0, length=T):
    return np.random.default_rng(number).normal(size=length)


def hann_means(values, width):
    """The definition of `smoothed`, one place after the other."""
    half = max(0, width // 2 - 1)
    found = np.zeros(len(values))
    for place in range(len(values)):
        total = weight = 0.0
        for k in range(-half, half + 1):
            if 0 <= place - k < len(values):
                w = np.cos(np.pi * k / (2 * half + 2)) ** 2
                total, weight = total + w * values[place - k], weight + w
        found[place] = total / weight
    return found


@pytest.mark.parametrize("width", [0, 3, 4, 13, 90])
def test_smoothing_is_a_mean_of_the_neighbours_that_there_are(x64, width):
    values = noise(length=40)
    found = jax.jit(smoothed, static_argnums=1)(jnp.asarray(values), width)
    np.testing.assert_allclose(found, hann_means(values, width))


def test_smoothing_within_zeros_is_that_of_the_recording_alone(x64):
    values, inside = np.zeros(60), np.zeros(60)
    values[7:47], inside[7:47] = noise(length=40), 1
    values[50] = 9.0  # outside of the recording, and of no effect
    found = smoothed(jnp.asarray(values), 12, jnp.asarray(inside))
    np.testing.assert_allclose(found[7:47], hann_means(values[7:47], 12))
    assert not found[:7].any() and not found[47:].any()


def test_smoothing_has_zero_phase(x64):
    values = jnp.asarray(noise(length=40))
    np.testing.assert_allclose(smoothed(values[::-1], 12), smoothed(values, 12)[::-1])


@pytest.mark.parametrize("smooth", [0, 160])
@pytest.mark.parametrize("padded", [0, 300])
def test_relevance_of_one_is_the_clip_itself(smooth, padded):
    """Up to its ends, and to the zeros that it lies in."""
    audio = np.pad(noise(length=T - 2 * padded), padded).astype(np.float32)
    found = heat_map_sound(jnp.asarray(audio), jnp.full(T, 0.3), smooth=smooth)
    np.testing.assert_allclose(found, audio, rtol=1e-5)


def test_without_relevance_for_the_class_there_is_silence():
    audio, cells = jnp.asarray(noise()), (T // 50, 101)
    makers = (
        lambda R: heat_map_sound(audio, R),
        lambda R: heat_map_sound(audio, R, smooth=0),
        lambda R: filters.filter_by_frequency(audio, R[: T // 2 + 1], 0.5),
        lambda R: filters.weigh_frequencies(audio, R[: T // 2 + 1]),
        lambda R: filters.filter_by_cell(audio, jnp.broadcast_to(R[:101], cells), 0.5, hop=50),
        lambda R: filters.weigh_cells(audio, jnp.broadcast_to(R[:101], cells), hop=50),
    )
    every = jax.jit(lambda R: [make(R) for make in makers])
    for relevance in (np.zeros(T), -np.abs(noise())):
        np.testing.assert_array_equal(every(jnp.asarray(relevance)), np.zeros((6, T)))


def test_what_spoke_against_the_class_is_what_speaks_for_its_negative(x64):
    """Without smoothing the two share no sample; each is the waveform, scaled."""
    audio, relevance = jnp.asarray(noise(1)), jnp.asarray(noise(2))
    for_it = heat_map_sound(audio, relevance, smooth=0)
    against = heat_map_sound(audio, -relevance, smooth=0)
    most, least = relevance.max(), -relevance.min()
    np.testing.assert_allclose(most * for_it - least * against, audio * relevance)
    assert not np.any(for_it * against)


@pytest.mark.parametrize("smooth", [0, 5, 160])
def test_gains_lie_between_zero_and_one_and_reach_one(smooth):
    relevance = jnp.stack([noise(number) for number in range(5)])
    gains = jax.vmap(lambda R: positive_gain(R, smooth=smooth))(relevance)
    assert gains.min() >= 0 and gains.max() <= 1
    np.testing.assert_allclose(gains.max(axis=1), 1, rtol=1e-6)
    kept = jax.vmap(lambda R: heat_maps.kept_gain(R, 0.3, smooth=smooth))(relevance)
    assert kept.min() >= 0 and kept.max() <= 1


def test_evidence_that_cancels_is_not_heard(x64):
    """Relevance that alternates in the first half, and is a tenth as large but steady in the
    second: the literal product hears the first, the smoothed one the second."""
    alternating = np.where(np.arange(T) % 2, -1.0, 1.0)
    relevance = jnp.asarray(np.where(np.arange(T) < T // 2, alternating, 0.1))
    literal, evidence = (positive_gain(relevance, smooth=s) for s in (0, 160))
    assert literal[: T // 2].max() == 1 and float(literal[T // 2 :].max()) == pytest.approx(0.1)
    np.testing.assert_allclose(evidence[T // 2 + 160 :], 1, rtol=1e-6)
    assert evidence[160 : T // 2 - 160].max() < 1e-3  # at the very end one sample is left over


def test_the_literal_formula_rectifies_the_signal(x64):
    audio, relevance = noise(1), noise(2)
    found = heat_maps.rectified_signal_sound(jnp.asarray(audio), jnp.asarray(relevance))
    expected = np.maximum(audio, 0) * relevance / np.abs(relevance).max()
    np.testing.assert_allclose(found, expected)
    assert not heat_maps.rectified_signal_sound(jnp.ones(4), jnp.zeros(4)).any()


def test_fades_begin_where_the_recording_does(x64):
    sound = np.zeros(30)
    sound[5:25] = 1.0
    sound[10] = 0  # a zero within is part of it
    found = np.asarray(heat_maps.fade_ends(jnp.asarray(sound), 4))
    rise = np.sin(np.pi / 2 * np.arange(1, 5) / 5) ** 2
    expected = sound.copy()
    expected[5:9], expected[21:25] = rise, rise[::-1]
    np.testing.assert_allclose(found, expected, atol=1e-15)
    np.testing.assert_array_equal(heat_maps.fade_ends(jnp.zeros(5), 2), np.zeros(5))


def tone(frequency, phase=0.3):
    return np.sin(2 * np.pi * frequency * SECONDS + phase)


def test_the_relevant_one_of_two_tones_is_kept(x64):
    """At 1 kHz; the other falls by 100 dB. Both ends fade as the filter's response does."""
    audio = tone(1000) + tone(3000)
    frequency = np.arange(T // 2 + 1) * 8000 / T
    relevance = np.where(np.abs(frequency - 1000) < 200, 1.0, -0.1)
    for sound in (
        filters.filter_by_frequency(jnp.asarray(audio), jnp.asarray(relevance), 0.1),
        filters.weigh_frequencies(jnp.asarray(audio), jnp.asarray(relevance)),
    ):
        middle = slice(T // 4, -T // 4)
        np.testing.assert_allclose(sound[middle], tone(1000)[middle], atol=1e-3)
        spectrum = np.abs(np.fft.rfft(np.asarray(sound)[middle] * np.hanning(T // 2)))
        assert spectrum[375] < 1e-5 * spectrum[125]


@pytest.mark.parametrize("length", [1, 2, 65])
def test_a_filter_of_ones_is_nothing_and_gains_add_up(x64, length):
    audio = jnp.asarray(noise(length=length))
    gain = jnp.asarray(np.random.default_rng(1).uniform(size=length // 2 + 1))
    through = jax.jit(filters.filter_frequencies)
    np.testing.assert_allclose(through(audio, jnp.ones_like(gain)), audio, atol=1e-14)
    parts = [through(audio, g) for g in (gain, 1 - gain)]
    np.testing.assert_allclose(parts[0] + parts[1], audio, atol=1e-14)


@pytest.mark.parametrize("length", [64, 65])
def test_filters_have_zero_phase_and_do_not_wrap(x64, length):
    """Backwards in, backwards out; and it is a linear convolution with zeros outside."""
    audio = noise(length=length)
    gain = np.random.default_rng(1).uniform(size=length // 2 + 1)
    through = jax.jit(filters.filter_frequencies)
    found, back = (through(jnp.asarray(x), jnp.asarray(gain)) for x in (audio, audio[::-1]))
    np.testing.assert_allclose(back[::-1], found, atol=1e-14)
    response = np.fft.irfft(gain, n=length)
    expected = np.zeros(length)
    for n in range(length):
        for m in range(length):
            if 2 * abs(n - m) <= length:
                edge = 0.5 if 2 * abs(n - m) == length else 1
                expected[n] += edge * response[(n - m) % length] * audio[m]
    np.testing.assert_allclose(found, expected, atol=1e-14)


def test_a_smooth_mask_does_not_ring():
    """Of a pulse nothing is left 50 ms away, where a hard mask still rings."""
    pulse = jnp.zeros(8000).at[4000].set(1.0)
    relevance = jnp.asarray(np.where(np.abs(np.arange(4001) - 1000) < 150, 1.0, 0.0))
    far = np.abs(np.arange(8000) - 4000) > 400
    soft, hard = (
        np.asarray(filters.filter_by_frequency(pulse, relevance, 0.075, smooth=s)) for s in (40, 0)
    )
    energy = lambda sound: 10 * np.log10(np.sum(sound[far] ** 2) / np.sum(sound**2))
    assert energy(soft) < -60 < -30 < energy(hard)


def test_the_fraction_that_is_kept_is_exact_unless_it_is_not_positive():
    relevance = jnp.asarray(noise(length=101))
    for keep, count in ((0.0, 0), (0.1, 10), (0.3, 30), (1.0, int(np.sum(relevance > 0)))):
        assert heat_maps.kept_gain(relevance, keep).sum() == count
        assert jax.jit(heat_maps.kept_gain)(relevance, jnp.asarray(keep)).sum() == count


def test_cells_at_a_gain_of_one_are_the_waveform(x64):
    audio = jnp.asarray(noise(length=1001))
    found = jax.jit(lambda x: filters.filter_cells(x, jnp.ones((32, 65)), hop=32))(audio)
    np.testing.assert_allclose(found, audio, atol=1e-12)


def test_frames_lie_where_the_spectrograms_do(x64):
    """Of an impulse, the frame that is centred on it is heard alone as loud as any."""
    frames = np.asarray([0, 3, 9])
    pulses = np.eye(640)[frames * 64 + 32]
    gain = jnp.eye(10)[:, :, None] * jnp.ones(129)
    alone = jax.vmap(lambda x: jax.vmap(lambda g: filters.filter_cells(x, g, hop=64))(gain))
    energy = np.square(alone(jnp.asarray(pulses))).sum(2)
    np.testing.assert_array_equal(energy.argmax(1), frames)


def test_a_relevant_cell_is_heard_where_it_is():
    """Two tones, the second half of one of them relevant."""
    audio = jnp.asarray(tone(1000) + tone(3000), jnp.float32)
    relevance = np.zeros((T // 50, 101))
    relevance[20:, 15:36] = 1  # bins of 40 Hz around 1 kHz, from 125 ms on
    for sound in (
        filters.filter_by_cell(audio, jnp.asarray(relevance), 0.3, hop=50),
        filters.weigh_cells(audio, jnp.asarray(relevance), hop=50),
    ):
        np.testing.assert_allclose(sound[1100:-100], tone(1000)[1100:-100], atol=6e-3)
        assert np.abs(sound[:800]).max() < 1e-3


@pytest.mark.parametrize("kind", ["jax", "numpy"])
def test_matching_is_bounded_never_clips_and_is_done_once(kind):
    of = jnp.asarray if kind == "jax" else np.asarray
    reference = of(0.1 * noise(1, 500).astype(np.float32))
    for scale in (1e-30, 1e-5, 0.03, 0.3, 1.0, 20.0, 1e30):
        sound = of(np.float32(scale) * noise(2).astype(np.float32))
        found = match_level(sound, reference)
        assert np.abs(found).max() <= 1
        if scale < 1e-3:  # 40 dB are not enough
            assert float(rms(found)) == pytest.approx(100 * float(rms(sound)), rel=1e-5)
        else:
            assert float(rms(found)) == pytest.approx(float(rms(reference)), rel=1e-5)
            np.testing.assert_allclose(match_level(found, reference), found, rtol=1e-6)
    peaky = of(np.eye(1, 1000, 7, dtype=np.float32)[0] * 1e-2)
    found = match_level(peaky, reference)
    assert np.abs(found).max() == 1 and rms(found) < rms(reference)
    np.testing.assert_array_equal(match_level(found, reference), found)


def test_matching_leaves_silence_alone():
    silent, sound = np.zeros(10, np.float32), noise(length=10).astype(np.float32)
    np.testing.assert_array_equal(match_level(silent, sound), silent)
    np.testing.assert_array_equal(match_level(0.1 * sound, silent), 0.1 * sound)
    assert np.abs(match_level(9 * sound, silent)).max() == 1
    assert rms(silent) == 0


def test_long_and_faint_sounds_keep_their_level():
    faint = np.full(5_000_000, 1e-30, np.float32)
    assert rms(faint) == pytest.approx(1e-30, rel=1e-6)
    assert float(rms(jnp.asarray(faint))) == pytest.approx(1e-30, rel=1e-6)
    assert rms(np.asarray([[3.0, -4.0]])) == pytest.approx(np.sqrt(12.5))


def fade(length):
    """From 1 to 0 at sample 1001, within that many samples."""
    return np.clip((1001 - np.arange(T)) / length, 0, 1)


@pytest.mark.parametrize("frequency", [150.0, 400.0])
def test_a_hard_cut_clicks_and_a_fade_does_not(frequency):
    """A cut by a has d = a once or twice, beside (2 pi f / rate)^2 / sqrt(2) in the tone."""
    clip = tone(frequency)
    cut, soft = (np.arange(T) < 1001) * clip, np.asarray(smoothed(jnp.asarray(fade(1)), 160)) * clip
    assert click_level(cut, clip, span=80) > 14
    assert click_level(soft, clip, span=80) < 3
    hard = click_level(np.asarray(clip * (fade(8))), clip, span=80)
    assert click_level(soft, clip, span=80) < hard < click_level(cut, clip, span=80)


def test_a_click_has_the_level_that_its_definition_says(x64):
    """An impulse in the middle of a silent clip, beside a reference that is never sudden: energy
    1, 4, 1 in three spans of 80, whose mean is 6 / 240, and a floor of 0.001 * 6 / 800."""
    pulse = np.zeros(800)
    pulse[440] = 0.5
    found = click_level(pulse, np.zeros(800), span=80)
    assert found == pytest.approx(10 * np.log10(4 / (6 / 240 + 1e-3 * 6 / 800)))
    np.testing.assert_allclose(click_level(jnp.asarray(pulse), jnp.zeros(800), span=80), found)


def test_clicks_do_not_depend_on_levels_and_the_clips_own_are_none():
    clip = noise().astype(np.float32)
    clip[700] += 30  # a click of its own
    for gain in (1e-3, 1.0, -40.0):
        assert click_level(np.float32(gain) * clip, clip, span=80) == pytest.approx(0, abs=1e-4)
    moved = noise().astype(np.float32)
    moved[1500] += 30
    assert click_level(moved, clip, span=80) > 10
    assert click_level(np.zeros_like(clip), clip, span=80) == -np.inf


def test_the_default_is_click_free_where_the_cut_relevance_is_not():
    """A low voice, and relevance that is positive in its second quarter, with noise."""
    clip = tone(120.0) + 0.5 * tone(240.0)
    relevance = np.where((SECONDS > 0.06) & (SECONDS < 0.12), 0.3, -0.3) + noise()
    sound = heat_map_sound(jnp.asarray(clip), jnp.asarray(relevance))
    hard = clip * (np.asarray(smoothed(jnp.asarray(relevance), 160)) > 0)
    assert click_level(np.asarray(sound), clip, span=80) < 4 < 14
    assert click_level(hard, clip, span=80) > 14


@pytest.mark.full_size
def test_jit_and_vmap_change_nothing(x64):
    audio, relevance = (jnp.asarray(np.stack([noise(n), noise(n + 1)])) for n in (0, 2))
    cells = jnp.outer(relevance[0, :40], relevance[1, :101])

    def every(x, r):
        return (
            heat_map_sound(x, r),
            filters.filter_by_frequency(x, r[: T // 2 + 1], 0.2),
            filters.filter_by_cell(x, cells, 0.2, hop=50),
            match_level(heat_maps.fade_ends(x, 40), r),
            click_level(x, r, span=80),
        )

    found = jax.jit(jax.vmap(every))(audio, relevance)
    slow = [every(x, r) for x, r in zip(audio, relevance, strict=True)]
    for fast, *one_by_one in zip(found, *slow, strict=True):
        np.testing.assert_allclose(fast, one_by_one, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda x: heat_map_sound(x, x[:-1]), "one value per sample"),
        (lambda x: heat_map_sound(x[None], x[None]), "use jax.vmap"),
        (lambda x: heat_map_sound(x, x, smooth=-1), "width of a kernel must be .* got -1"),
        (lambda x: heat_maps.rectified_signal_sound(x, x[:-1]), "one value per sample"),
        (lambda x: filters.filter_by_frequency(x, x, 0.1), "it has 51 bins"),
        (lambda x: filters.filter_by_frequency(x, x[:51], 1.1), "between 0 and 1"),
        (lambda x: filters.filter_frequencies(x[None], x), "use jax.vmap"),
        (lambda x: filters.filter_cells(x, jnp.ones((3, 33)), hop=25), "there are 4 frames"),
        (lambda x: filters.filter_cells(x, jnp.ones(33), hop=25), r"expected values \[F, K\]"),
        (
            lambda x: filters.filter_cells(x, jnp.ones((2, 33)), hop=50),
            "do not fade into each other",
        ),
        (lambda x: click_level(x, x[1:], span=8), "of one length"),
    ],
)
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call(jnp.ones(100))
