"""Fidelity curves as a picture."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from audioxai_jax.report.figures import save_figure

TITLES = {"latent": "in the latent", "sound": "in the sound", "listener": "for the listener"}
CONTROLS = ("magnitude_control", "random_control")


def plot_curves(rows: list[dict[str, Any]], file: str | Path, *, unit: str) -> None:
    """Writes a figure: a panel per place and edit, a line per method with its interval.

    Args:
      rows: rows of `experiments/fidelity/evaluate.py`: method, unit, place, edit, fraction, score,
        low, high.
      file: PNG or SVG.
          unit: unit of the rows that are drawn.
    """
    rows_of_unit = [row for row in rows if row["unit"] == unit]
    methods = list(dict.fromkeys(row["method"] for row in rows_of_unit))
    figure = Figure(figsize=(11, 6), layout="constrained")
    panels = figure.subplots(2, len(TITLES), sharex="row", sharey=True)
    for column, (place, title) in enumerate(TITLES.items()):
        for axes, edit in zip(panels[:, column], ("keep", "delete"), strict=True):
            for number, method in enumerate(methods):
                wanted = (method, place, edit)
                line = [r for r in rows_of_unit if (r["method"], r["place"], r["edit"]) == wanted]
                line.sort(key=lambda row: row["fraction"])
                x = [100 * row["fraction"] for row in line]
                style = {"color": "0.55" if method in CONTROLS else f"C{number}"}
                style["linestyle"] = ":" if method == "random_control" else "-"
                axes.plot(x, [100 * r["score"] for r in line], label=words(method), **style)
                low, high = ([100 * row[end] for row in line] for end in ("low", "high"))
                axes.fill_between(x, low, high, color=style["color"], alpha=0.15, linewidth=0)
            if edit == "keep":
                axes.set_title(title)
                only = [r for r in rows if (r["method"], r["place"]) == ("codec_only", place)]
                if place != "latent" and only:
                    axes.axhline(100 * only[0]["score"], color="black", linewidth=0.6)
            axes.set(ylim=(0, 100), xlim=(0, None))
            axes.grid(alpha=0.3)
        panels[0, column].set_xlabel("% kept")
        panels[1, column].set_xlabel("% deleted")
    panels[0, 0].set_ylabel("prediction stays, % of clips")
    panels[1, 0].set_ylabel("prediction flips, % of clips")
    lines, names = panels[0, 0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=len(names), fontsize=9)
    save_figure(figure, file)


def words(method: str) -> str:
    """A method's name in words."""
    known = {
        "deep_lift": "DeepLIFT",
        "lrp": "LRP",
        "magnitude_control": "largest magnitude (control)",
        "random_control": "random (control)",
    }
    own = ".py:" in method
    return known.get(method, method if own else method.replace("_", " ").capitalize())
