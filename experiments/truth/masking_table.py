"""The rows of the masking check as Markdown."""

from typing import Any

from experiments.truth.deleting import SCORES

Rows = list[dict[str, Any]]
TITLES = {
    "morf": "most relevant first",
    "lerf": "least relevant first",
    "difference": "difference of both",
}


def markdown(rows: Rows) -> str:
    """Tables of each truth and unit: agreement of operators, and the scores of methods."""
    lines: list[str] = []
    for truth, unit in dict.fromkeys((row["truth"], row["unit"]) for row in rows):
        mine = [row for row in rows if (row["truth"], row["unit"]) == (truth, unit)]
        lines += [f"### {truth}, deleted by {unit}", "", *_counterpart(mine)]
        lines += [*_agreement(mine), "", *_random(mine), *_methods(mine), ""]
    return "\n".join(lines)


def _counterpart(rows: Rows) -> list[str]:
    told = [row for row in rows if row["kind"] == "counterpart"]
    return [
        f"Adversarial counterparts: {row['flipped']:.0%} of {row['clips']} clips have one within "
        f"{row['bound_db']:.0f} dB; median {row['median_snr_db']:.0f} dB.\n"
        for row in told
    ]


def _agreement(rows: Rows) -> list[str]:
    """Kendall's tau with the truth and with each operator, one table a score."""
    rows = [row for row in rows if row["kind"] == "agreement"]
    operators = list(dict.fromkeys(row["a"] for row in rows))
    others = dict.fromkeys(row["b"] for row in rows)
    columns = [name for name in others if name not in operators] + operators[1:]
    lines = [
        f"Kendall's tau of the rankings of {rows[0]['methods']} methods (95 % over clips):",
        "",
    ]
    lines += [_line(["order", "operator", *columns]), _line(["---"] * (len(columns) + 2))]
    for score in SCORES:
        by = {(row["a"], row["b"]): row for row in rows if row["score"] == score}
        for a in operators:
            cells = [_tau(by.get((a, b))) for b in columns]
            lines.append(_line([TITLES[score], a, *cells]))
    return lines


def _tau(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    unknown = row["tau"] != row["tau"]
    return "-" if unknown else f"{row['tau']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def _random(rows: Rows) -> list[str]:
    """How much of the answer is left as units at random go: what an operator does by itself."""
    mine = [row for row in rows if row.get("method") == "random" and row["score"] == "morf"]
    told = ", ".join(f"{row['operator']} {-100 * row['mean']:.0f}" for row in mine)
    return [f"Area under the curve of a random order, points: {told}.\n"] if mine else []


def _methods(rows: Rows) -> list[str]:
    """The difference of both orders of each method, by operator, in points, and its truth."""
    rows = [row for row in rows if row["kind"] == "method"]
    kept = [row for row in rows if row["operator"] == "truth" or row["score"] == "difference"]
    name_of = lambda row: row["score"] if row["operator"] == "truth" else row["operator"]
    heads = list(dict.fromkeys(map(name_of, kept)))
    by = {(row["method"], name_of(row)): row for row in kept}
    (first, *_) = (row["score"] for row in kept if row["operator"] == "truth")
    order = sorted({row["method"] for row in kept}, key=lambda m: (-by[m, first]["mean"], m))
    lines = ["Area between both orders, points of the target's probability (95 % over clips):", ""]
    lines += [_line(["method", *heads]), _line(["---"] * (len(heads) + 1))]
    for method in order:
        rows = [by[method, head] for head in heads]
        cells = [_score(row, 1 if row["operator"] == "truth" else 100) for row in rows]
        lines.append(_line([f"`{method}`", *cells]))
    return lines


def _score(row: dict[str, Any], times: int) -> str:
    form = ".2f" if times == 1 else ".0f"
    mean, low, high = (times * row[name] for name in ("mean", "low", "high"))
    return f"{mean:{form}} ({low:{form}} to {high:{form}})"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
