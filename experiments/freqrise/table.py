"""The table of FreqRISE's experiment: areas and complexity, by domain and ranking."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jax import Array

from audioxai_jax.metrics.curve_scores import area
from audioxai_jax.statistics.intervals import mean_with_intervals
from experiments.freqrise.protocol import CONTROLS, FRACTIONS


def make_rows(results: Mapping[str, Any], speakers: np.ndarray, key: Array) -> list[dict[str, Any]]:
    """A row per domain and ranking.

    Args:
      results: of `protocol.measure_clips`, all clips together.
      speakers: number of each clip's speaker, `[N]`.
      key: consumed, by the bootstrap.

    Returns:
      Rows with "domain", "ranking", "clips", "curve" (mean softmax of the true class at each of
      FRACTIONS), "area" under it, between 0 and 1, and, of methods, "before_magnitude" and
      "before_random" (area of the control less that of the method: above 0 if the method finds
      what matters sooner) and "complexity". All but the curve have a mean and intervals.
    """
    rows = []
    for domain, parts in results.items():
        areas = {
            name: np.asarray(area(curve, FRACTIONS))
            for name, curve in parts["curves"].items()
            if name != "original"
        }

        def summary(values: np.ndarray) -> dict[str, float]:
            row = mean_with_intervals(values, key, speakers=speakers)
            return {name: float(value) for name, value in row.items()}

        for name, values in areas.items():
            row: dict[str, Any] = {"domain": domain, "ranking": name, "clips": len(values)}
            row["curve"] = np.mean(parts["curves"][name], axis=0).tolist()
            row["area"] = summary(values)
            if name not in CONTROLS:
                for control in CONTROLS:
                    row[f"before_{control}"] = summary(areas[control] - values)
                row["complexity"] = summary(np.asarray(parts["complexity"][name]))
            rows.append(row)
    return rows


def render(rows: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: areas and advantages in points, complexity in nats, with 95 % intervals."""
    lines = [
        "| domain | ranking | area | before magnitude | before random | complexity |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [row["domain"].replace("_", "-"), row["ranking"].replace("_", " ")]
        cells += [_cell(row.get(name), 100, 1) for name in ("area", *_advantages())]
        cells.append(_cell(row.get("complexity"), 1, 2))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _advantages() -> list[str]:
    return [f"before_{control}" for control in CONTROLS]


def _cell(entry: Mapping[str, float] | None, scale: float, digits: int) -> str:
    if entry is None:
        return ""
    ends = [
        f"{scale * entry[f'{who}low']:.{digits}f} to {scale * entry[f'{who}high']:.{digits}f}"
        for who in ("", "speakers_")
        if f"{who}low" in entry
    ]
    return f"{scale * entry['mean']:.{digits}f} ({'; speakers '.join(ends)})"
