"""One truth and seed: its model is built and proven, all methods explain it, and all is kept.

The file of a trial holds what it was asked for so far, so that a method that is added later is
the only one that explains. Seconds, which differ from run to run, are kept beside it.
"""

import dataclasses
import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from audioxai_jax.cli.console import first_line, plain_json, write_rows
from audioxai_jax.domains import DOMAINS, Domain
from audioxai_jax.truth import Check, Trial, Truth
from audioxai_jax.truth.recipe import RATE
from audioxai_jax.truth.score import energy, explained, scores
from audioxai_jax.truth.views import in_domain
from audioxai_jax.types import Classifier, Method
from audioxai_jax.weights.load import load_codec
from experiments.truth.methods import REFUSALS, SHORT, left_out, standard_methods

CODEC = "gainshape32_16khz"
"""Of the domain `latent`."""
DIGITS = 9
"""Digits of scores that are kept: of an error of 1e-13 as of a share."""
Record = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Outsider:
    """Somebody's own method or classifier, and the digest of its file."""

    made: Any
    digest: str


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a run asks of each trial.

    Attributes:
      clips: number of examples.
      data: folder of data sets, or None.
      methods: rows of the library, keys of `methods.ROWS`.
      own: methods of outsiders, by the name of their row.
      classifiers: classifiers of outsiders, by truth.
      domains: further domains, keys of DOMAINS.
    """

    clips: int
    data: Path | None
    methods: tuple[str, ...]
    own: Mapping[str, Outsider] = dataclasses.field(default_factory=dict)
    classifiers: Mapping[str, Outsider] = dataclasses.field(default_factory=dict)
    domains: tuple[str, ...] = ()

    def classifier(self, name: str) -> Classifier | None:
        return self.classifiers[name].made if name in self.classifiers else None


def ask(name: str, truth: Truth, seed: int, asked: Asked, folder: Path) -> tuple[Record, Record]:
    """The record of a trial and the seconds that it took now; from its file what is there.

    Raises:
      ValueError: as the truth's `make`.
    """
    file = folder / f"{name}-{seed}-{_key(name, truth, asked)}.json"
    record = _kept(file)
    lacking = [label for label in labels(asked) if not _has(record, label, asked)]
    strange = [domain for domain in asked.domains if domain not in record.get("domains", {})]
    if record and not record["proven"] or record and not lacking and not strange:
        return record, {}
    with jax.enable_x64(truth.exact):
        began = time.monotonic()
        made = truth.make(
            seed, clips=asked.clips, data=asked.data, classifier=asked.classifier(name)
        )
        seconds: Record = {"build": _since(began)}
        record = record or _first(name, seed, made)
        if record["proven"]:
            methods = standard_methods(made, [label for label in lacking if label in asked.methods])
            methods |= {label: asked.own[label].made for label in lacking if label in asked.own}
            rows = _explain(made, methods, asked, seed, seconds)
            record["methods"] |= rows
            for domain in strange:
                record["domains"][domain] = _elsewhere(made, domain, asked, seed, seconds)
    record = plain_json(record)
    write_rows(file, record)
    return record, seconds


def labels(asked: Asked) -> tuple[str, ...]:
    """Names of the rows: the library's, then those of outsiders."""
    return (*asked.methods, *asked.own)


def _key(name: str, truth: Truth, asked: Asked) -> str:
    """Digest of what decides a trial, methods aside."""
    outsider = asked.classifiers.get(name)
    options = {key: repr(value) for key, value in sorted(truth.options.items())}
    settings = [name, options, asked.clips, outsider.digest if outsider else "", DIGITS]
    return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:12]


def _kept(file: Path) -> Record:
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        return {}


def _has(record: Record, label: str, asked: Asked) -> bool:
    row = record.get("methods", {}).get(label)
    digest = asked.own[label].digest if label in asked.own else ""
    return row is not None and row["digest"] == digest


def _first(name: str, seed: int, trial: Trial) -> Record:
    """What is known before any method is asked."""
    control = scores(trial, energy(trial)) if trial.proven else {}
    return {
        "truth": name,
        "seed": seed,
        "clips": len(trial.targets),
        "proven": trial.proven,
        "checks": [check_row(check) for check in trial.checks],
        "energy": _rounded(control),
        "methods": {},
        "domains": {},
    }


def check_row(check: Check) -> Record:
    """An intervention as JSON: bounds that it lacks are left out."""
    ends = {"low": check.low, "high": check.high}
    bounds = {end: value for end, value in ends.items() if np.isfinite(value)}
    value = float(f"{check.value:.{DIGITS}g}")
    return {"name": check.name, "value": value, "holds": bool(check.holds)} | bounds


def _explain(
    trial: Trial, methods: Mapping[str, Method], asked: Asked, seed: int, seconds: Record
) -> Record:
    """Rows of methods: scores of each clip and evaluations, or why it refuses."""
    rows: Record = {}
    for label, method in methods.items():
        began, own = time.monotonic(), label in asked.own
        row: Record = {"digest": asked.own[label].digest if own else ""}
        reason = "" if own else left_out(trial, label)
        if reason:
            rows[label] = row | {"refused": reason}
            continue
        try:
            relevance, evaluations = explained(trial, method, key=jax.random.key(seed))
            row |= {"evaluations": evaluations, "scores": _rounded(scores(trial, relevance))}
        except Exception if own else REFUSALS as error:
            row["refused"] = f"{type(error).__name__}: {first_line(error)}"
        rows[label] = row
        seconds[label] = _since(began)
    return rows


def _elsewhere(trial: Trial, name: str, asked: Asked, seed: int, seconds: Record) -> Record:
    """Rows of a few methods in another domain; "refused" if the answer is not known there."""
    began = time.monotonic()
    try:
        moved = in_domain(trial, make_domain(name))
        control = scores(moved, energy(moved))
    except ValueError as error:
        return {"refused": first_line(error)}
    chosen = [label for label in SHORT if label in asked.methods] or list(SHORT)
    rows = _explain(moved, standard_methods(moved, chosen), asked, seed, {})
    seconds[f"domain {name}"] = _since(began)
    return {"energy": _rounded(control), "methods": rows}


def make_domain(name: str) -> Domain:
    """The domain of a name, at the rate of the trials; a latent is that of the shipped codec."""
    return DOMAINS[name](load_codec(CODEC)) if name == "latent" else DOMAINS[name](sample_rate=RATE)


def _rounded(columns: Mapping[str, np.ndarray]) -> Record:
    return {
        name: [float(f"{value:.{DIGITS}g}") for value in column.astype(float).tolist()]
        for name, column in columns.items()
    }


def _since(began: float) -> float:
    return round(time.monotonic() - began, 2)
