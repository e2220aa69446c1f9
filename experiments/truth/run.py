"""Are explanations right? All methods on models whose reasons are known.

    python -m experiments.truth.run --data DIR --out runs/truth
    python -m experiments.truth.run --data DIR --out runs/truth --method my.py:build
    python -m experiments.truth.run --truths time --out runs/truth --classifier time=my.py:model

Each truth of `audioxai_jax.truth.TRUTHS` trains its model for a few seeds and proves, by
interventions, that the model's reason is what it should be; all methods then explain it.
`<out>/leaderboard.json` and `leaderboard.md` are the same bytes for the same options;
`seconds.json` and `provenance.json` are what differs. Each finished truth and seed is kept in
`<out>/trials`: after an interruption, run the same command again.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from audioxai_jax.cli.console import (
    Parser,
    add_json_option,
    output_folder,
    positive,
    printable,
    run_main,
    say,
    write_rows,
)
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.core.files import replace_file
from experiments.truth.asked import what_is_asked, which_truths
from experiments.truth.attack_table import by_method
from experiments.truth.markdown import markdown
from experiments.truth.table import leaderboard
from experiments.truth.trials import labels
from experiments.truth.workers import run_all


def read_options():
    parser = Parser(description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    add("--out", type=output_folder, required=True, metavar="DIR", help="folder of the results")
    text = "data sets; truths that need one are left out without it"
    known = os.environ.get("AUDIOXAI_DATA") or None
    add("--data", type=Path, default=known, metavar="DIR", help=text)
    add("--truths", type=names, metavar="A,B", help="default: all")
    add("--methods", type=names, metavar="A,B", help="rows of the library; default: all")
    text = "a method of your own as one more row; may be repeated"
    add("--method", action="append", default=[], metavar="FILE.py:FUNCTION", help=text)
    text = "your classifier in place of the trained one, as `audioxai explain --model` takes it"
    add("--classifier", action="append", default=[], metavar="TRUTH=SPEC", help=text)
    text = "option of a bridge, such as sample_rate=16000; of all --classifier alike"
    add("--model-set", action="append", default=[], metavar="OPTION=VALUE", help=text)
    text = "attack.json of experiments.truth.attack, for a column of the ranking"
    add("--robustness", type=Path, metavar="FILE", help=text)
    add("--domains", type=names, default=(), metavar="A,B", help="ask there, too, where it can be")
    add("--seeds", type=positive, default=3, help="models of each truth; default: %(default)s")
    add("--clips", type=positive, default=16, help="explained, of each; default: %(default)s")
    add("--processes", type=positive, default=2, help="numbers are the same; default: %(default)s")
    add_json_option(parser)
    return parser.parse_args()


def names(text: str) -> tuple[str, ...]:
    """Names with commas between them."""
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def main() -> None:
    options = read_options()
    asked, truths = what_is_asked(options), which_truths(options)
    records, seconds = [], Seconds(options.out / "seconds.json")
    done = run_all(options, asked, list(truths))
    for trials in tqdm(done, printable("truths"), total=len(truths), mininterval=2):
        for name, record, took in trials:
            records.append(record)
            seconds.add(name, took)
    board = leaderboard(truths, records, labels(asked), asked.domains)
    board = {"seeds": options.seeds, "clips": options.clips} | board
    if options.robustness:
        board["robustness"] = by_method(json.loads(options.robustness.read_text()))
    for path in (options.out / "leaderboard.json", options.json):
        write_rows(path, board)
    text = markdown(board)
    replace_file(options.out / "leaderboard.md", text.encode())
    write_rows(options.out / "provenance.json", describe_run("python -m experiments.truth.run"))
    say(*text.splitlines())


class Seconds:
    """Seconds of each trial, by what took them; of several runs the last."""

    def __init__(self, file: Path):
        self.file, self.known = file, {}

    def add(self, name: str, took: dict[str, Any]) -> None:
        if took:
            self.known[name] = took | {"all": round(sum(took.values()), 2)}
            write_rows(self.file, self.known)


if __name__ == "__main__":
    sys.exit(run_main(main))
