"""A made-up explanation of a clip, and a reader of the pages that show one."""

import math
from html.parser import HTMLParser
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax import domains, saliency
from audioxai_jax.data.audio import Clip
from audioxai_jax.results import SOUNDS, ClipResult, MethodFacts, Weights
from audioxai_jax.runs.describe import Names, describe
from audioxai_jax.runs.explained import ExplainedClip, Settings
from audioxai_jax.synthesis.bases import own
from audioxai_jax.types import Codec

RATE = 16_000
LABELS = ("_silence_", "go", "stop", 'a<b>&"c"')
SCORES = {
    "original": (0, 0, 4, 0),
    "reconstruction": (0, 0, 4, 0),
    "explanation": (0, 0, 3, 0),
    "removed": (0, 2, 0, 0),
    "random": (1, 0, 0, 0),
}
CODEC = Codec(
    lambda audio: jnp.pad(audio, (0, -len(audio) % 320)).reshape(-1, 320)[:, :8],
    lambda latent: jnp.repeat(latent.mean(1), 320),
    RATE,
    320,
    name="c",
)
"""50 frames of 8 channels per second."""


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
    domain=None,
    listener=None,
    residual=None,
) -> tuple[ExplainedClip, ClipResult]:
    """An explanation with made-up sounds, scores and relevance, and its record.

    Args:
      scores: logits of each sound, as the classifier has them.
      domain: domain; that of a small codec's latent if None.
      listener: logits of each sound, or None.
    """
    random = np.random.default_rng(0)
    length = round(RATE * seconds)
    gains = dict(zip(SOUNDS, (0.2, 0.1, 0.02, 0.2, 0.0), strict=True))
    sound = 0 if silent else random.normal(size=length).clip(-3, 3)
    sounds = {n: (g * sound * np.ones(length)).astype(np.float32) for n, g in gains.items()}
    clip = Clip(sounds["original"], RATE, 44_100, 2, seconds, Path(name))
    codec = CODEC if domain is None else None
    domain = domains.latent(CODEC) if domain is None else domain
    padded = jax.ShapeDtypeStruct((RATE * max(1, math.ceil(seconds)),), jnp.float32)
    shape = jax.eval_shape(domain.analyse, padded).shape
    relevance = 0 * random.normal(size=shape) if silent else random.normal(size=shape)
    as_logits = lambda given: {n: np.asarray(v, np.float32) for n, v in (given or {}).items()}
    units = domain.units(shape)
    explanation = ExplainedClip(
        clip=clip,
        domain=domain,
        own_domain=codec is not None,
        sounds=sounds,
        logits=as_logits(scores),
        feature_logits={},
        listener_logits=as_logits(listener),
        features=relevance,
        relevance=relevance,
        mask=np.ones(shape),
        axes=domain.axes(shape),
        unit=next(iter(units)),
        unit_counts=(60, 600),
        labels=labels,
        outputs=outputs,
        listener_labels=labels,
        listener_outputs="softmax",
        target=target,
        info={"completeness_gap": math.nan, "evaluations": 0.0},
        padded_seconds=1.0,
        notes=notes,
    )
    names = Names(
        method=MethodFacts("mine", {"steps": 3}),
        base="own",
        classifier=Weights("k"),
        listener=None if listener is None else Weights("l"),
        codec=None if codec is None else Weights("c", "ab" * 32),
    )
    settings = Settings(saliency(), own(), residual=residual)
    return explanation, describe(explanation, settings, names)


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
