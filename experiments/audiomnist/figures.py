"""Figures of the AudioMNIST experiments: trainings, deletion curves, maps of relevance."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from audioxai_jax.data.tasks import Clips
from audioxai_jax.report.curve_figures import words
from audioxai_jax.report.figures import RELEVANCE, save_figure
from audioxai_jax.types import Model
from experiments.audiomnist.protocol import explained, methods

RANKINGS = {"lrp": "LRP, EpsilonPlus", "lrp_alpha2_beta1": "LRP, Alpha2Beta1"}
"""Names of those that their key does not give."""


def plot_training(logs: Mapping[str, Path], file: str | Path) -> None:
    """Loss and accuracy over the steps, a line per fold.

    Args:
      logs: `log.jsonl` of `training.loop.train`, by fold.
      file: PNG or SVG.
    """
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    for number, (fold, log) in enumerate(logs.items()):
        lines = [json.loads(line) for line in Path(log).read_text().splitlines()]
        steps = [line["step"] for line in lines]
        loss.plot(steps, [line["loss"] for line in lines], color=f"C{number}", label=fold)
        heard = [100 * line["accuracy"] for line in lines]
        accuracy.plot(steps, heard, color=f"C{number}", alpha=0.5, linewidth=0.8)
        held_out = [(line["step"], 100 * line["val"]) for line in lines if "val" in line]
        accuracy.plot(*zip(*held_out, strict=True), color=f"C{number}", marker="o", markersize=3)
    loss.set(xlabel="step", ylabel="loss")
    loss.legend(fontsize=8)
    accuracy.set(xlabel="step", ylabel="% right", ylim=(0, 100))
    accuracy.set_title("batches (thin, augmented) and val (dots)", fontsize=9)
    save_figure(figure, file)


def plot_deletion(
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    fractions: Sequence[float],
    titles: Mapping[str, str],
    what: str,
    file: str | Path,
) -> None:
    """What is left over the fraction that is deleted: a panel per domain, a line per ranking.

    Args:
      rows: rows of `experiments.audiomnist.tables.deletion_rows`, by domain.
      fractions: fractions of the curves, without 0.
      titles: titles of the domains.
      what: is counted, such as "clips whose answer stays".
      file: PNG or SVG.
    """
    figure = Figure(figsize=(4.2 * len(rows), 3.6), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(rows), sharey=True))
    x = [0.0, *(100 * fraction for fraction in fractions)]
    lines = {}
    for axes, (domain, found) in zip(panels, rows.items(), strict=True):
        for number, row in enumerate(found):
            control = row["ranking"] in ("magnitude", "random")
            color = {"magnitude": "0.35", "random": "0.65"}.get(row["ranking"], f"C{number}")
            percent = {end: [100 * v for v in row[end]] for end in ("left", "low", "high")}
            style = ":" if control else "-"
            (line,) = axes.plot(x, percent["left"], style, color=color, marker=".", clip_on=False)
            lines.setdefault(RANKINGS.get(row["ranking"], words(row["ranking"])), line)
            axes.fill_between(x, percent["low"], percent["high"], color=color, alpha=0.12, lw=0)
        axes.set(title=titles[domain], xlabel="% deleted", ylim=(0, 100))
        axes.set_xscale("symlog", linthresh=0.5, linscale=0.3)
        axes.set_xlim(0, x[-1])
        axes.set_xticks(x, [f"{value:g}" for value in x])
        axes.set_xticks([], minor=True)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel(f"% of {what}")
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=7, fontsize=8)
    save_figure(figure, file)


def plot_maps(net: str, model: Model, features: Model, clips: Clips, file: str | Path) -> None:
    """Relevance by LRP over what a network reads of a few clips.

    Waveforms are drawn in the colour of their samples' relevance, spectrograms in grey beneath
    it; a bar says which colour speaks for what the network hears, and which against it.
    """
    audio = clips.audio.astype(np.float32) / 32768
    inputs = np.asarray(jax.jit(jax.vmap(features))(audio))
    relevance = np.asarray(explained(model, inputs, {"lrp": methods()["lrp"]})["lrp"])
    said = np.argmax(jax.jit(jax.vmap(model))(inputs), axis=1)
    waveform = net.partition(":")[0] == "audionet"
    figure = Figure(
        figsize=(10, 2 * len(clips) if waveform else 3 * len(clips)), layout="constrained"
    )
    panels = np.atleast_1d(figure.subplots(len(clips), 1, sharex=True))
    for number, axes in enumerate(panels):
        most = np.quantile(np.abs(relevance[number]), 0.999) or 1.0
        if waveform:
            seconds = np.arange(len(audio[number])) / 8000
            axes.plot(seconds, audio[number], color="0.8", linewidth=0.5)
            shown = np.abs(relevance[number]) > 0.02 * most
            axes.scatter(
                seconds[shown],
                audio[number][shown],
                c=relevance[number][shown],
                s=3,
                cmap=RELEVANCE,
                vmin=-most,
                vmax=most,
            )
        else:
            extent = (0, 1, 0, 3.99)
            shared = {"origin": "lower", "aspect": "auto", "extent": extent}
            axes.imshow(inputs[number], cmap="Greys", **shared)
            axes.imshow(relevance[number], cmap=RELEVANCE, vmin=-most, vmax=most, **shared)
        title = f"{clips.file[number]}: {clips.target[number]}, heard as {said[number]}"
        axes.set_title(title, fontsize=8)
        axes.set_ylabel("amplitude" if waveform else "kHz")
    panels[-1].set_xlabel("seconds")
    scale = ScalarMappable(Normalize(-1, 1), RELEVANCE)
    bar = figure.colorbar(scale, ax=panels.tolist(), shrink=0.6, aspect=40)
    bar.set_label("relevance by LRP, in units of the clip's largest")
    bar.set_ticks([-1, 0, 1], labels=["-1 (against)", "0", "1 (for it)"])
    save_figure(figure, file)
