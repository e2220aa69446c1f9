"""The page of an explanation: it needs nothing else, says what happened, and can be heard."""

import base64
import io
import math
import re

import numpy as np
import pytest
import soundfile

from audioxai_jax import domains
from audioxai_jax.report import figures, phrases
from audioxai_jax.report.evidence import draw_figures
from audioxai_jax.report.folder import as_json
from audioxai_jax.report.page import page
from audioxai_jax.results import SOUNDS, RelevanceMap, Scale, Spectrogram
from tests.helpers.pages import RATE, SCORES, Elements, explained


def report(**options) -> str:
    return page(explained(**options)[1])


def test_the_page_loads_nothing_from_elsewhere():
    elements = Elements(report())
    for tag, attributes in elements.found:
        assert tag not in ("link", "iframe", "object", "base")
        for key in ("src", "href", "xlink:href"):
            value = attributes.get(key) or "#"
            assert value.startswith(("data:", "#")), (tag, value[:80])
    styles = report().split("<style>")[1]
    assert "@import" not in styles and not re.search(r"url\((?!#|\"#)", styles)


def test_notes_come_before_everything_else():
    _, result = explained(notes=("its channels <cancel>\x1b[31m",))
    text = page(result)
    assert as_json(result)["notes"] == ["its channels <cancel>\x1b[31m"]
    assert "channels &lt;cancel&gt;\N{REPLACEMENT CHARACTER}[31m" in text
    assert text.index('<ul class="notes"') < text.index('id="listen"')
    assert '<ul class="notes"' not in report()


def test_the_five_sounds_can_be_heard_and_are_those_of_the_explanation():
    explanation, result = explained()
    players = Elements(page(result)).all("audio")
    assert len(players) == 5
    for name, player in zip(SOUNDS, players, strict=True):
        assert "controls" in player and player["aria-label"]
        content = base64.b64decode(player["src"].removeprefix("data:audio/wav;base64,"))
        samples, rate = soundfile.read(io.BytesIO(content))
        assert rate == 16_000
        np.testing.assert_allclose(samples, explanation.sounds[name], atol=1 / 32768)


def test_equal_loudness_multiplies_up_to_the_level_of_the_original():
    rows = [item for item in Elements(report()).all("li") if "data-gain" in item]
    gains = dict(zip(SOUNDS, (float(row["data-gain"]) for row in rows), strict=True))
    assert gains["original"] == 1 and gains["random"] == 1
    assert gains["reconstruction"] == pytest.approx(2, rel=1e-3)
    assert gains["explanation"] == pytest.approx(10, rel=1e-3)


def test_ids_are_unique_and_references_resolve():
    elements = Elements(report())
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in elements.found:
        for key in ("xlink:href", "aria-labelledby", "clip-path"):
            value = attributes.get(key, "")
            if "#" in value or key == "aria-labelledby":
                target = re.sub(r"url\(|\)|#", "", value)
                assert not target or target in ids


def test_figures_and_buttons_have_names_for_those_who_cannot_see_them():
    _, result = explained()
    elements = Elements(page(result))
    named = [svg for svg in elements.all("svg") if svg.get("role") == "img"]
    assert len(named) == len(draw_figures(result)) and all(svg["aria-label"] for svg in named)
    assert all(svg.get("aria-hidden") for svg in elements.all("svg") if svg not in named)
    assert all(
        button["aria-label"] and button["type"] == "button" for button in elements.all("button")
    )


def test_names_of_files_and_classes_cannot_inject_anything():
    scores = {name: (0, 0, 0, 5) for name in SCORES}
    text = report(name="<script>alert(1)</script>\n\udcff.wav", target=3, scores=scores)
    text.encode("utf-8")
    assert len(Elements(text).all("script")) == 1
    assert "<b>&" not in text and "a&lt;b&gt;&amp;&quot;c&quot;" in text


def test_only_what_cannot_be_printed_is_replaced():
    assert "\N{REPLACEMENT CHARACTER}" not in report()
    title = report(name="a\tb\u2028c.wav").split("<title>")[1].split("</title>")[0]
    assert title.startswith("a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c.wav: ")
    assert title.count("\N{REPLACEMENT CHARACTER}") == 2


@pytest.mark.parametrize("seconds", [1 / 16_000, 0.011, 0.5, 1.0])
@pytest.mark.parametrize("silent", [False, True])
def test_any_length_and_silence_have_a_page(seconds, silent):
    text = report(seconds=seconds, silent=silent)
    Elements(text)
    assert not re.search(r"\bnan\b|\binf\b", re.sub(r"base64,[^\"]*", "", text))


def test_the_page_is_the_same_each_time():
    assert report() == report()


def test_the_headline_says_what_was_heard():
    _, result = explained()
    said = phrases.plain(phrases.headline(result)).replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert said == (
        "The model heard “stop” (95 %). From the 10 % most relevant features alone it hears "
        "“stop” (87 %); without them “go” (71 %)."
    )
    assert [holds for _, holds, _ in phrases.checks(result)] == [True, True, True, True]


def test_the_headline_admits_when_nothing_changed_and_when_another_class_was_asked_for():
    scores = SCORES | {"removed": (0, 0, 2, 0), "random": (0, 0, 1, 0), "explanation": (2, 0, 0, 0)}
    _, result = explained(scores=scores, target=1)
    said = phrases.plain(phrases.headline(result)).replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "Asked about “go” (2 %): " in said
    assert "alone it hears “silence” (71 %); without them still “stop”" in said
    assert [holds for _, holds, _ in phrases.checks(result)] == [False, False, False, True]


@pytest.mark.parametrize(
    "value, said",
    [(0, "0 %"), (0.001, "<1 %"), (0.5, "50 %"), (0.994, "99 %"), (0.999, ">99 %"), (1, "100 %")],
)
def test_percentages_are_never_rounded_to_certainty(value, said):
    assert phrases.percent(value).replace("\N{NARROW NO-BREAK SPACE}", " ") == said


@pytest.mark.parametrize(
    "value, said",
    [
        (-4.84, "−4.8 dB"),
        (0.04, "0.0 dB"),
        (-0.04, "0.0 dB"),
        (3.0, "+3.0 dB"),
        (-math.inf, "silent"),
        (math.nan, "no level"),
        (None, "no level"),
    ],
)
def test_levels_in_words(value, said):
    assert phrases.level(value) == said


def test_levels_are_relative_to_the_original():
    _, result = explained()
    written = as_json(result)
    assert result.sounds["explanation"].level_db == pytest.approx(-20, abs=0.01)
    assert written["levels_db"]["random"] is None and written["levels_db"]["original"] == 0
    assert written["info"]["completeness_gap"] is None


def test_one_moment_is_at_one_place_in_every_figure():
    time = Scale("time", "s", 0, 0.5)
    over_time = RelevanceMap(np.ones(25), (time,))
    image = RelevanceMap(np.ones((25, 4)), (time, Scale("channel", "", 0, 4)))
    samples, levels = np.sin(np.arange(8000.0)), Spectrogram(np.ones((9, 2)), np.array([1e3, 2e3]))
    drawn = []
    for draw in (
        lambda axes: figures.waveform(axes, samples, RATE, over_time=over_time),
        lambda axes: figures.spectrogram(axes, levels, 0.5, over_time=over_time),
        lambda axes: figures.relevance_image(axes, image),
        lambda axes: figures.relevance_curve(axes, over_time),
    ):
        figure, axes = figures.panel(2.0)
        draw(axes)
        figure.canvas.draw()
        place = figure.transFigure.inverted().transform(
            axes.transData.transform([(0, 0), (0.25, 0), (0.5, 0)])
        )[:, 0]
        drawn.append(place)
    wanted = [figures.LEFT, (figures.LEFT + figures.RIGHT) / 2, figures.RIGHT]
    np.testing.assert_allclose(drawn, [wanted] * 4, atol=1e-9)


def test_the_colours_of_relevance_are_clear_at_zero_and_opposite_at_the_ends():
    low, middle, high = figures.RELEVANCE([0.0, 0.5, 1.0])
    assert middle[3] < 0.01 and low[3] == high[3] == 1
    assert high[0] > high[2] and low[2] > low[0]


def test_an_image_of_relevance_is_centred_on_zero():
    figure, axes = figures.panel(2.0)
    scales = Scale("time", "s", 0, 1), Scale("channel", "", 0, 2)
    figures.relevance_image(axes, RelevanceMap(np.array([[3.0, 0.0], [-1.0, 0.0]]), scales))
    assert axes.images[0].norm.vmin == -axes.images[0].norm.vmax < 0


DOMAINS = {
    "samples": ("sound.", "Relevance of the samples"),
    "frequencies": ("kHz", "frequencies of the whole clip"),
    "time_frequency": ("kHz", "The cells of time and frequency"),
    "bands": ("kHz", "The bands"),
    "cells": ("kHz", "The cells of the spectrogram"),
    "wavelets": ("coefficient", "Relevance of the wavelet coefficients"),
}


@pytest.mark.full_size
@pytest.mark.parametrize("name", DOMAINS)
def test_every_domain_has_a_page_with_its_axes_and_units(name):
    domain = domains.DOMAINS[name](RATE)
    _, result = explained(domain=domain)
    text = page(result)
    Elements(text)
    unit = phrases.units(next(iter(domain.units(result.setup.domain.shape))))
    said = phrases.plain(phrases.headline(result)).replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert f"10 % most relevant {unit} alone" in said
    assert all(part in text for part in DOMAINS[name])
    assert "Codec" not in text and "codec" not in text.split("<body>")[1].split("<script>")[0]
    assert ("Round trip" in text) == (not domain.exact) and text.count("<audio") == 5 - domain.exact


def test_a_listener_answers_beside_the_model():
    heard = SCORES | {"explanation": (0, 3, 0, 0)}
    _, result = explained(listener=heard)
    text = page(result)
    assert text.count("listener: “stop” ") == 2 and "listener: “go” " in text
    assert '<th scope="row">Listener</th>' in text and "Listener agrees: no" in text
    assert as_json(result)["listener_answers"]["explanation"]["label"] == "go"
    assert "listener_answers" in as_json(explained()[1])
    assert as_json(explained()[1])["listener_answers"] is None


def test_what_a_codec_loses_is_said_to_be_kept():
    text = report(residual="keep")
    assert "what the codec loses is added back" in text
    assert "Codec only" not in text and text.count("<audio") == 4
