"""The table of the study, in Markdown."""

from collections import Counter
from typing import Any

HEAD = (
    *("model", "parameters", "output 64", "32", "gradient 64", "32"),
    *("equations", "convert s", "compile s", "methods", "LRP presets"),
)


def markdown(rows: list[dict[str, Any]]) -> str:
    """Rows by family, and below them every refusal with its reason and the models it is of."""
    lines: list[str] = []
    for family in dict.fromkeys(row["family"] for row in rows):
        lines += [f"**{family}**", "", f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|"]
        lines += [line(row) for row in rows if row["family"] == family]
        lines.append("")
    lines += ["| refused | by | models |", "|---|---|---|"]
    lines += [f"| {reason} | {by} | {models} |" for by, reason, models in refusals(rows)]
    return "\n".join(lines) + "\n"


def line(row: dict[str, Any]) -> str:
    if not row["converts"]:
        return f"| {row['model']} | not converted: {row['reason']} |" + " |" * (len(HEAD) - 2)
    cells = [row["model"], f"{row['parameters']:,}"]
    for what in ("output", "gradient"):
        for dtype in ("float64", "float32"):
            value = row.get(f"{what}_{dtype}")
            cells.append("" if value is None else f"{value:.0e}")
    cells += [str(row["equations"]), f"{row['convert_seconds']:.1f}"]
    cells += [f"{row['compile_seconds']:.1f}", run_of(row["methods"]), run_of(row["presets"])]
    return f"| {' | '.join(cells)} |"


def run_of(reasons: dict[str, str]) -> str:
    """How many of them run: "all 30", or "28 of 30"."""
    runs = sum(not reason for reason in reasons.values())
    return f"all {runs}" if runs == len(reasons) else f"{runs} of {len(reasons)}"


def refusals(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Who refuses, with which reason, which models; methods with the same reason together."""
    by: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for name, reason in {**row.get("methods", {}), **row.get("presets", {})}.items():
            if reason:
                by.setdefault((row["model"], reason), []).append(name)
    together: dict[tuple[str, str], list[str]] = {}
    for (model, reason), names in by.items():
        together.setdefault((", ".join(names), reason), []).append(model)
    return [(names, reason, ", ".join(models)) for (names, reason), models in together.items()]


def summary(rows: list[dict[str, Any]]) -> str:
    """One line: how many models convert, and the largest errors."""
    count = Counter(row["converts"] for row in rows)
    worst = [f"{count[True]} of {len(rows)} convert"]
    for what in ("output", "gradient"):
        for dtype in ("float64", "float32"):
            values = {r["model"]: r[f"{what}_{dtype}"] for r in rows if f"{what}_{dtype}" in r}
            if values:
                name = max(values, key=lambda model: values[model])
                worst.append(f"largest {what} error in {dtype} {values[name]:.1e} ({name})")
    return "; ".join(worst)
