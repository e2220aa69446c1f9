"""The rows of the attacks as Markdown, and the column of robustness."""

from typing import Any

Rows = list[dict[str, Any]]
KEPT = 0.95
"""Share of clips whose answer an attack must leave, to count as one."""


def robustness(rows: Rows) -> Rows:
    """One row a truth and method: the attack that moves its segments most, and the noise's move.

    Only attacks count that leave the model's answer, and the listener's, in KEPT of the clips.
    """
    made = []
    pairs = dict.fromkeys((row["truth"], row["method"]) for row in rows if row["kind"] == "map")
    for truth, method in pairs:
        mine = [row for row in rows if row["truth"] == truth]
        fair = {
            row["attack"]
            for row in mine
            if row["kind"] == "change" and row["change"] == "attack"
            if min(row["model"], row["listener"]) >= KEPT
        }
        maps = [row for row in mine if row.get("method") == method and row["kind"] == "map"]
        tried = [row for row in maps if row["change"] == "attack" and row["attack"] in fair]
        if not tried:
            continue
        worst = min(tried, key=lambda row: row["segments"]["mean"])
        noise = next(
            row for row in maps if (row["attack"], row["change"]) == (worst["attack"], "noise")
        )
        made.append(
            {
                "kind": "robustness",
                "truth": truth,
                "method": method,
                "attack": worst["attack"],
                "segments": worst["segments"],
                "rank": worst["rank"],
                "noise": noise["segments"],
                "noise_rank": noise["rank"],
                "auc_before": worst["auc_before"],
                "auc_after": worst["auc_after"],
            }
        )
    return made


def by_method(rows: Rows) -> dict[str, float]:
    """Robustness of each method, its mean over truths."""
    values: dict[str, list[float]] = {}
    for row in rows:
        if row["kind"] == "robustness":
            values.setdefault(row["method"], []).append(row["segments"]["mean"])
    return {method: sum(all_of) / len(all_of) for method, all_of in values.items()}


def markdown(rows: Rows) -> str:
    """Two tables a truth: the changes, and how robust each method is."""
    lines: list[str] = []
    for truth in dict.fromkeys(row["truth"] for row in rows):
        mine = [row for row in rows if row["truth"] == truth]
        lines += [f"### {truth}", "", *_changes(mine), "", *_robustness(mine), ""]
        lines += [*_transfer(mine), ""]
    return "\n".join(lines)


def _changes(rows: Rows) -> list[str]:
    head = ["attack on", "change", "clips", "moved", "SNR, dB", "cells above", "drift"]
    head += ["model's answer stays", "listener's answer stays"]
    lines = [_line(head), _line(["---"] * len(head))]
    for row in (row for row in rows if row["kind"] == "change"):
        cells = [f"`{row['attack']}`", row["change"], str(row["clips"])]
        if row["change"] == "attack":
            cells += [f"{row['moved']:.0%}", f"{row['snr_db']:.1f}", f"{row['above']:.1%}"]
            cells += [f"{row['drift']:.3f}"]
        else:
            cells += ["", "", "", ""]
        lines.append(_line([*cells, f"{row['model']:.0%}", f"{row['listener']:.0%}"]))
    return lines


def _robustness(rows: Rows) -> list[str]:
    """From the method that moves least."""
    rows = [row for row in rows if row["kind"] == "robustness"]
    if not rows:
        return [f"No attack left the answers of {KEPT:.0%} of the clips."]
    head = ["method", "robustness", "noise alone", "of features", "noise alone", "strongest attack"]
    head += ["AUC before", "AUC after"]
    lines = ["Rank correlation of maps before and after (95 % over clips), of segments:", ""]
    lines += [_line(head), _line(["---"] * len(head))]
    for row in sorted(rows, key=lambda row: -row["segments"]["mean"]):
        names = ("segments", "noise", "rank", "noise_rank")
        cells = [f"`{row['method']}`", *(_ends(row[name]) for name in names)]
        cells += [f"`{row['attack']}`"]
        cells += [f"{row[name]['mean']:.2f}" for name in ("auc_before", "auc_after")]
        lines.append(_line(cells))
    return lines


def _transfer(rows: Rows) -> list[str]:
    """Rank correlation of segments of each method under each attack, noise in brackets."""
    rows = [row for row in rows if row["kind"] == "map"]
    attacks = list(dict.fromkeys(row["attack"] for row in rows))
    by = {(row["method"], row["attack"], row["change"]): row["segments"]["mean"] for row in rows}
    lines = ["The same of segments under each attack (noise in brackets):", ""]
    lines += [_line(["method", *(f"on `{attack}`" for attack in attacks)])]
    lines += [_line(["---"] * (len(attacks) + 1))]
    for method in dict.fromkeys(row["method"] for row in rows):
        cells = []
        for attack in attacks:
            moved, noise = (by.get((method, attack, kind)) for kind in ("attack", "noise"))
            cells.append("" if moved is None or noise is None else f"{moved:.2f} ({noise:.2f})")
        lines.append(_line([f"`{method}`", *cells]))
    return lines


def _ends(value: dict[str, float]) -> str:
    return f"{value['mean']:.2f} ({value['low']:.2f} to {value['high']:.2f})"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
