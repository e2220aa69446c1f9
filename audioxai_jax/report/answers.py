"""The table of a page that says what the model makes of each sound: probabilities, or values."""

from collections.abc import Mapping
from html import escape

from audioxai_jax.report import phrases
from audioxai_jax.results import ClipResult

ROWS = 7
"""Classes in the table of answers."""


def answers(result: ClipResult, names: Mapping[str, str]) -> str:
    """The section of the answers.

    Args:
      result: explained clip.
      names: names of the sounds that are shown, by sound.
    """
    rows, rest = _values(result, names) if result.is_value else _probabilities(result, names)
    head = "".join(f'<th scope="col">{shown}</th>' for shown in names.values())
    title, first = ("What the model hears", "Probability")
    if result.is_value:
        title, first = ("What the model says", "Value, change")
    body = "\n".join(
        f'<tr{mark}><th scope="row">{escape(phrases.label(label))}</th>{cells}</tr>'
        for label, mark, cells in rows
    )
    return f"""<section aria-labelledby="heard">
<h2 id="heard">{title}</h2>
<div class="scroll"><table>
<thead><tr><th scope="col"><span class="soft">{first}</span></th>{head}</tr></thead>
<tbody>
{body}
</tbody>{_listener_row(result, names)}
</table></div>
{rest}
</section>"""


Row = tuple[str, str, str]
"""Label, mark of the row, cells."""


def _probabilities(result: ClipResult, names: Mapping[str, str]) -> tuple[list[Row], str]:
    target = result.target.index
    answers = {name: list(result.sounds[name].probabilities.values()) for name in names}
    labels = list(result.sounds["original"].probabilities)
    most = [max(answers[name][index] for name in names) for index in range(len(labels))]
    shown = sorted(range(len(labels)), key=lambda index: -most[index])[:ROWS]
    if target not in shown:
        shown[-1] = target
    rows = []
    for index in shown:
        cells = "".join(f"<td>{_bar(answers[name][index])}</td>" for name in names)
        rows.append((labels[index], _mark(index == target), cells))
    rest = len(labels) - len(shown)
    more = f'<p class="soft">{rest} less likely classes are left out.</p>' if rest else ""
    return rows, more


def _values(result: ClipResult, names: Mapping[str, str]) -> tuple[list[Row], str]:
    """The explained value first, and the others in the model's order."""
    whole = result.sounds["original"].values
    others = [label for label in whole if label != result.target.label]
    shown = [result.target.label, *others[: ROWS - 1]]
    rows = []
    for label in shown:
        cells = ""
        for name in names:
            value = result.sounds[name].values[label]
            changed = phrases.change(value - whole[label])
            change = "" if name == "original" else f' <span class="soft">{changed}</span>'
            cells += f"<td>{phrases.number(value)}{change}</td>"
        rows.append((label, _mark(label == result.target.label), cells))
    rest = len(whole) - len(shown)
    more = f'<p class="soft">{rest} other values are left out.</p>' if rest else ""
    return rows, more


def _mark(target: bool) -> str:
    return ' class="target"' if target else ""


def _listener_row(result: ClipResult, names: Mapping[str, str]) -> str:
    """The answers of an independent listener, below those of the model."""
    if result.setup.listener is None:
        return ""
    answers = [result.sounds[name].listener for name in names]
    cells = "".join(f"<td>{escape(phrases.heard(answer))}</td>" for answer in answers if answer)
    return f"""
<tfoot><tr><th scope="row">Listener</th>{cells}</tr></tfoot>"""


def _bar(probability: float) -> str:
    filled = f'<div><span style="width: {100 * probability:.1f}%"></span></div>'
    return f'<div class="bar">{filled}{escape(phrases.percent(probability))}</div>'
