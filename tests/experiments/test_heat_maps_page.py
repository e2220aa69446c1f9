"""Heat maps of a clip from end to end, and the page on which they are heard."""

import base64
import io
import re
import runpy
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import soundfile

from audioxai_jax import saliency
from audioxai_jax.data.audio import write_wav
from audioxai_jax.nets.classifiers import audionet
from audioxai_jax.propagation import lrp
from audioxai_jax.synthesis.heat_maps import heat_map_sound
from audioxai_jax.synthesis.levels import rms
from audioxai_jax.weights.save import save
from experiments.heat_maps.make import HeatMapClip, HeatMapSound, make_heat_maps
from experiments.heat_maps.page import heat_map_page
from tests.helpers import made_up_data, small_models
from tests.helpers.pages import Elements

SCRIPT = Path(__file__).parents[2] / "experiments" / "heat_maps" / "run.py"
HOSTILE = '<script>alert("1")</script>\udcff'
RATE = 8000


def clip(name="3_12_7.wav", length=RATE, loud=0.2):
    """Sounds by hand: one too loud, one too soft, one silent, one with a spectrum."""
    draw = np.random.default_rng(0).normal
    sound = (loud * draw(size=length).clip(-3, 3)).astype(np.float32)
    gate = np.zeros(length, np.float32)
    gate[length // 2] = 1e-4
    return HeatMapClip(
        name=name,
        facts={"Spoken": "3", f"By {name}": name},
        sounds={
            "Original": HeatMapSound(sound, "the clip itself"),
            "LRP": HeatMapSound(9 * sound, "too loud", draw(size=length)),
            "Soft": HeatMapSound(1e-3 * sound, f"soft {name}", draw(size=7)),
            "Silent": HeatMapSound(0 * sound, "nothing", np.zeros(50)),
            "A pulse": HeatMapSound(gate, "one sample"),
            "DFT": HeatMapSound(sound, "filter", frequency_relevance=draw(size=length // 2 + 1)),
        },
        sample_rate=RATE,
        bandwidth=RATE / 2,
    )


@pytest.fixture(scope="module")
def text():
    return heat_map_page([clip(), clip(HOSTILE, length=1500, loud=1.0)], title=f"Ten {HOSTILE}")


def decoded(elements):
    for player in elements.all("audio"):
        content = base64.b64decode(player["src"].removeprefix("data:audio/wav;base64,"))
        samples, rate = soundfile.read(io.BytesIO(content), dtype="int16")
        assert rate == RATE
        yield samples


def test_the_page_is_whole_and_loads_nothing_from_elsewhere(text):
    elements = Elements(text)
    for tag, attributes in elements.found:
        assert tag not in ("link", "iframe", "object", "base")
        for key in ("src", "href", "xlink:href"):
            assert (attributes.get(key) or "#").startswith(("data:", "#"))
    (policy,) = [m["content"] for m in elements.all("meta") if "http-equiv" in m]
    assert policy.startswith("default-src 'none';")
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in elements.found:
        if "aria-labelledby" in attributes:
            assert attributes["aria-labelledby"] in ids


def test_names_cannot_inject_anything(text):
    text.encode("utf-8")
    assert len(Elements(text).all("script")) == 1
    assert "alert(&quot;1&quot;)" in text and 'alert("1")' not in text


def test_every_sound_has_a_player_a_button_and_a_figure(text):
    elements = Elements(text)
    assert len(elements.all("audio")) == len(elements.all("button")) == 2 * 6
    assert all("controls" in player and player["aria-label"] for player in elements.all("audio"))
    assert all(b["type"] == "button" and b["aria-label"] for b in elements.all("button"))
    named = [svg for svg in elements.all("svg") if svg.get("role") == "img"]
    assert len(named) == 2 * 7 and all(svg["aria-label"] for svg in named)
    assert "relevance, which is largest at" in text


def test_what_is_played_is_at_the_level_of_the_original_and_not_clipped(text):
    sounds = list(decoded(Elements(text)))
    for found, played in ((clip(), sounds[:6]), (clip(length=1500, loud=1.0), sounds[6:])):
        for name, samples in zip(found.sounds, played, strict=True):
            np.testing.assert_allclose(samples / 32768, found.played(name), atol=1 / 32768)
        original, loud, soft, silent, pulse, _ = (x.astype(np.float64) / 32768 for x in played)
        level = rms(found.sounds["Original"].samples)
        assert rms(loud) == pytest.approx(rms(original), rel=1e-3)
        assert rms(soft) == pytest.approx(0.1 * level, rel=1e-2)  # 40 dB of 60
        assert not silent.any() and np.abs(pulse).max() == pytest.approx(0.01, rel=1e-2)


def test_no_sample_is_beyond_full_scale():
    loud = clip(loud=1.0)
    assert np.abs(loud.sounds["Original"].samples).max() > 1
    for name in loud.sounds:
        assert np.abs(loud.played(name)).max() <= 1


def test_levels_peaks_and_clicks_are_printed(text):
    found = clip()
    assert found.measures("LRP")["level_db"] == pytest.approx(20 * np.log10(9), abs=1e-4)
    assert found.measures("Original")["clicks_db"] == pytest.approx(0, abs=1e-5)
    assert found.measures("Silent") == {"level_db": -np.inf, "peak": 0.0, "clicks_db": -np.inf}
    peak = f"{np.abs(found.sounds['Original'].samples).max():.2f}"
    for said in ("+19.1 dB", "−60.0 dB", "silent", f"peak <b>{peak}</b>"):
        assert said in text, said


def test_figures_are_described_by_where_relevance_is_largest():
    """At 0.25 s of half a second, and at 1 kHz of 4."""
    at = lambda size, place: np.where(np.arange(size) == place, 1.0, -0.1)
    sounds = {
        "Original": HeatMapSound(np.ones(4000)),
        "LRP": HeatMapSound(np.ones(4000), relevance=at(4000, 2000)),
        "DFT": HeatMapSound(np.ones(4000), frequency_relevance=at(2001, 502)),
    }
    said = heat_map_page([HeatMapClip("x", {}, sounds, 8000, 4000.0)], title="Places")
    assert "largest at 0.25 s" in said
    assert re.search(r"largest at (99\d|10[01]\d) Hz", said)


def test_silence_has_a_page_and_it_is_the_same_each_time():
    silent = clip(length=1500, loud=0.0)
    once, again = (heat_map_page([silent], title="Silence") for _ in range(2))
    assert once == again and "no level" in once
    Elements(once)


def test_what_makes_no_page_is_refused():
    found = clip(length=100)
    with pytest.raises(ValueError, match="no clips"):
        heat_map_page([], title="")
    for sound, said in (
        (HeatMapSound(np.ones(7)), "sounds of shapes"),
        (HeatMapSound(np.full(100, np.nan)), "LRP: NaN or infinite"),
        (HeatMapSound(np.ones(100), "", np.full(3, np.inf)), "LRP: NaN or infinite"),
    ):
        bad = HeatMapClip("x", {}, {**found.sounds, "LRP": sound}, RATE, RATE / 2)
        with pytest.raises(ValueError, match=said):
            heat_map_page([bad], title="")


def test_ten_clips_stay_small():
    """A second each at 16 kHz, seven cards: by what one clip takes."""
    second = clip(length=16_000)
    sounds = {**second.sounds, "Another": second.sounds["LRP"]}
    one = HeatMapClip("x", {}, sounds, 16_000, 4000.0)
    assert 10 * len(heat_map_page([one], title="Size")) < 8e6


@pytest.fixture(scope="module")
def network():
    """A small AudioNet with random weights, and labels of its own."""
    config = audionet.AudioNetConfig(classes=3, widths=(4, 4), hidden=(8,))
    params = small_models.random_params(lambda: audionet.init(config, jax.random.key(0)))
    return audionet.model(config, params)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    small_models.save(folder)
    return folder


def dft_relevance(x, relevance):
    """arXiv 2303.06365 in closed form: c_k Re(X_k conj Q_k), Q the DFT of relevance / x."""
    X, Q = (jnp.fft.rfft(v, norm="ortho") for v in (x, jnp.where(x == 0, 0, relevance / x)))
    twice = jnp.full(X.shape, 2.0).at[jnp.asarray([0, -1])].set(1.0)
    return twice * jnp.real(X * jnp.conj(Q))


def recording(length=5000, number=0):
    draw = np.random.default_rng(number).normal
    return (0.1 * draw(size=length)).astype(np.float32)


@pytest.mark.full_size
def test_heat_maps_of_a_network_alone(network):
    waveform = np.pad(recording(), (1000, 2000))
    x = 20 * waveform
    found = make_heat_maps(
        network,
        waveform,
        x,
        {"LRP": lrp(), "Saliency": saliency()},
        name="a",
        labels=("no", "yes", "go"),
        target="yes",
        facts={"Spoken": "yes"},
        keep=0.2,
        frequency_relevance=dft_relevance,
    )
    assert list(found.sounds) == ["Original", "LRP", "Saliency", "DFT-filtered", "ReLU(x) · R"]
    assert list(found.facts) == ["The network hears", "Spoken"]
    assert (found.sample_rate, found.bandwidth) == (8000, 4000)
    np.testing.assert_array_equal(found.sounds["Original"].samples, waveform)
    slope = jax.jit(jax.grad(lambda x: network(x)[1]))(jnp.asarray(x))
    np.testing.assert_allclose(found.sounds["Saliency"].relevance, np.abs(slope), atol=1e-5)
    R = found.sounds["LRP"].relevance
    inner = slice(1000 + 40, 6000 - 40)  # 5 ms fades at the recording's ends, not the clip's
    expected = np.asarray(heat_map_sound(jnp.asarray(waveform), jnp.asarray(R)))
    np.testing.assert_allclose(found.sounds["LRP"].samples[inner], expected[inner], atol=1e-5)
    assert not found.sounds["LRP"].samples[:1000].any()
    assert "“yes”" in found.sounds["Saliency"].about
    total = found.sounds["DFT-filtered"].frequency_relevance.sum()
    np.testing.assert_allclose(total, R.sum(), rtol=1e-3)
    for name, sound in found.sounds.items():
        assert np.isfinite(sound.samples).all() and np.abs(found.played(name)).max() <= 1


def test_what_does_not_fit_is_refused(network, models):
    waveform, methods = np.ones(8000, np.float32), {"S": saliency()}
    make = lambda **changed: make_heat_maps(
        **{
            "model": network,
            "waveform": waveform,
            "net_input": waveform,
            "methods": methods,
            "name": "a",
            "labels": ("no", "yes", "go"),
        }
        | changed
    )
    for changed, said in (
        ({"net_input": waveform[1:]}, "the same samples"),
        ({"methods": {}}, "no methods"),
        ({"methods": {"Latent": saliency()}}, "cannot be named 'Latent'"),
        ({"keep": 1.5}, "keep must be a fraction"),
        ({"labels": ("no",)}, "3 logits|for 1 labels"),
        ({"target": "maybe"}, "unknown label 'maybe'"),
        ({"net_input": np.nan * waveform}, "NaN or infinity"),
    ):
        with pytest.raises(ValueError, match=said):
            make(**changed)


def save_network(folder):
    config = audionet.AudioNetConfig(
        samples=RATE, classes=3, widths=(4, 4, 4, 4, 4, 4), hidden=(6,)
    )
    params = small_models.random_params(lambda: audionet.init(config, jax.random.key(0)))
    fields = {
        "kind": "network",
        "network": "audionet",
        "config": config,
        "task": "digit",
        "split": "without_theo",
        "labels": ["0", "go", "2"],
    }
    save(folder, "net", fields, params)


@pytest.mark.full_size
def test_the_script_writes_the_page(monkeypatch, capsys, tmp_path, models):
    """Clips of two rates and lengths, a network of 8 kHz and a codec of 16 kHz."""
    write_wav(tmp_path / "2_12_7.wav", recording(), 8000)
    write_wav(tmp_path / "noise.wav", recording(12_000, 1), 16_000)
    write_wav(tmp_path / "long.wav", recording(9000), 8000)
    write_wav(tmp_path / "silence.wav", 0 * recording(), 8000)
    save_network(tmp_path)
    script = runpy.run_path(str(SCRIPT), run_name="script")
    page, small, words = tmp_path / "page.html", models / "small", models / "words"
    common = [
        "--network",
        str(tmp_path / "net"),
        "--codec",
        str(small),
        "--steps",
        "2",
        "--classifier",
        str(words),
        "--out",
        str(page),
    ]
    clips = [str(tmp_path / name) for name in ("2_12_7.wav", "noise.wav", "silence.wav")]
    monkeypatch.setattr(sys, "argv", ["x", *common, *clips])
    script["main"]()
    said = (tmp_path / "page.html").read_text(encoding="utf-8")
    elements = Elements(said)
    assert len(elements.all("audio")) == 3 * 6
    for fact in ("The network hears", "The latent classifier hears", "Speaker", ">12<"):
        assert fact in said
    lengths = {float(p["data-seconds"]) for _, p in elements.found if "data-seconds" in p}
    assert lengths == {1.0}
    table = capsys.readouterr().out.splitlines()
    assert table[2].startswith("| Original | 0.0 |"), "of the clips that are not silent"
    assert len(table) == 2 + 6 + 2 and table[-1] == f"Listen: open {page}"
    assert "nan" not in "".join(table)
    monkeypatch.setattr(sys, "argv", ["x", *common, str(tmp_path / "long.wav")])
    with pytest.raises(ValueError, match="lasts 1.12 s, the network hears 1 s"):
        script["main"]()

    data = made_up_data.fsdd(tmp_path, range(1))
    monkeypatch.setattr(sys, "argv", ["x", *common, "--data", str(data), "--clips", "2"])
    script["main"]()
    said = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "0_theo_0.flac" in said and "9_theo_0.flac" in said
    assert len(capsys.readouterr().out.splitlines()) == 2 + 6 + 2
