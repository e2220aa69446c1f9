"""A made-up explanation of a clip, and a reader of the pages that show one."""

import math
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from audioxai_jax import saliency
from audioxai_jax.data.audio import Clip
from audioxai_jax.report.folder import describe
from audioxai_jax.runs.explain_clips import SOUNDS, ExplainedClip, Settings
from audioxai_jax.synthesis.bases import zero

LABELS = ("_silence_", "go", "stop", 'a<b>&"c"')
SCORES = {
    "original": (0, 0, 4, 0),
    "reconstruction": (0, 0, 4, 0),
    "explanation": (0, 0, 3, 0),
    "removed": (0, 2, 0, 0),
    "random": (1, 0, 0, 0),
}


def explained(
    *,
    seconds=0.5,
    silent=False,
    name="x.wav",
    target=2,
    scores=SCORES,
    labels=LABELS,
    outputs="softmax",
    notes=(),
):  # as a classifier has them
    random = np.random.default_rng(0)
    length = round(16_000 * seconds)
    gains = dict(zip(SOUNDS, (0.2, 0.1, 0.02, 0.2, 0.0), strict=True))
    sound = 0 if silent else random.normal(size=length).clip(-3, 3)
    sounds = {n: (g * sound * np.ones(length)).astype(np.float32) for n, g in gains.items()}
    clip = Clip(sounds["original"], 16_000, 44_100, 2, seconds, Path(name))
    relevance = 0 * random.normal(size=(50, 8)) if silent else random.normal(size=(50, 8))
    found = ExplainedClip(
        clip=clip,
        sounds=sounds,
        logits={n: np.asarray(v, np.float32) for n, v in scores.items()},
        latent_logits={},
        latent=relevance,
        relevance=relevance,
        mask=np.ones((50, 8)),
        labels=labels,
        outputs=outputs,
        target=target,
        info={"completeness_gap": math.nan, "evaluations": 0.0},
        frame_seconds=0.02,
        padded_seconds=1.0,
        notes=notes,
    )

    facts = describe(
        found,
        Settings(saliency(), zero()),
        method={"name": "mine", "options": {"steps": 3}},
        base="zero",
        codec={"name": "c", "sha256": "ab" * 32},
        classifier={"name": "k", "sha256": None},
        level_match=False,
    )
    return found, facts


class Elements(HTMLParser):
    """Every element's attributes, and whether every element is closed."""

    VOID = {"meta", "input", "br", "path", "use", "image", "rect"}

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open and self.open.pop() == tag

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]
