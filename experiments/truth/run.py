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

import gc
import os
import sys
from pathlib import Path
from typing import Any

import jax
from tqdm import tqdm

from audioxai_jax.cli import foreign_models, user_files
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
from audioxai_jax.cli.loading import load_model
from audioxai_jax.cli.options import choose
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.core.files import replace_file
from audioxai_jax.domains import DOMAINS
from audioxai_jax.truth import TRUTHS, Truth
from experiments.truth.markdown import markdown
from experiments.truth.methods import ROWS
from experiments.truth.table import leaderboard
from experiments.truth.trials import Asked, Outsider, ask, labels

MOST_MB = 3_000
"""Memory above which compiled programs are dropped between trials."""


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
    add("--domains", type=names, default=(), metavar="A,B", help="ask there, too, where it can be")
    add("--seeds", type=positive, default=3, help="models of each truth; default: %(default)s")
    add("--clips", type=positive, default=24, help="explained, of each; default: %(default)s")
    add_json_option(parser)
    return parser.parse_args()


def names(text: str) -> tuple[str, ...]:
    """Names with commas between them."""
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def main() -> None:
    options = read_options()
    asked, truths = what_is_asked(options), which_truths(options)
    records, seconds = [], Seconds(options.out / "seconds.json")
    total = [(name, seed) for name in truths for seed in range(options.seeds)]
    for name, seed in tqdm(total, printable("trials"), mininterval=2):
        record, took = ask(name, truths[name], seed, asked, options.out / "trials")
        records.append(record)
        seconds.add(f"{name} {seed}", took)
        make_room()
    board = leaderboard(truths, records, labels(asked), asked.domains)
    board = {"seeds": options.seeds, "clips": options.clips} | board
    for path in (options.out / "leaderboard.json", options.json):
        write_rows(path, board)
    text = markdown(board)
    replace_file(options.out / "leaderboard.md", text.encode())
    write_rows(options.out / "provenance.json", describe_run("python -m experiments.truth.run"))
    say(*text.splitlines())


def which_truths(options) -> dict[str, Truth]:
    """The truths that are asked: those named, or all for which there is data.

    Raises:
      CliError: for a name that is unknown.
    """
    if options.truths is not None:
        return {choose("truth", name, TRUTHS) or name: TRUTHS[name] for name in options.truths}
    lacking = [name for name, truth in TRUTHS.items() if truth.data and options.data is None]
    if lacking:
        say(f"left out without --data: {', '.join(lacking)}", file=sys.stderr)
    return {name: truth for name, truth in TRUTHS.items() if name not in lacking}


def what_is_asked(options) -> Asked:
    """Methods, classifiers and domains by name.

    Raises:
      ValueError: for a name that is unknown, or a file that does not work.
    """
    for method in options.methods or ():
        choose("method", method, ROWS)
    for domain in options.domains:
        choose("domain", domain, DOMAINS)
    return Asked(
        clips=options.clips,
        data=options.data,
        methods=tuple(ROWS) if options.methods is None else options.methods,
        own={own_name(spec): own_method(spec) for spec in options.method},
        classifiers=dict(own_classifier(text, options.model_set) for text in options.classifier),
        domains=options.domains,
    )


def own_name(spec: str) -> str:
    """`folder/my.py:build` as `my.py:build`."""
    return Path(spec).name


def own_method(spec: str) -> Outsider:
    """The method of `FILE.py:FUNCTION`, a function without arguments."""
    method, _ = user_files.load_method(spec)
    return Outsider(method, user_files.file_digest(spec))


def own_classifier(text: str, settings: list[str]) -> tuple[str, Outsider]:
    """The truth and the classifier of `TRUTH=SPEC`.

    Raises:
      ValueError: if it is written in another way, or the truth takes none.
    """
    name, equals, spec = text.partition("=")
    if not equals or not spec:
        raise ValueError(f"--classifier {text}: write TRUTH=SPEC, such as time=my.py:build")
    choose("truth", name, TRUTHS)
    if not TRUTHS[name].takes_classifiers:
        raise ValueError(f"--classifier {text}: the model of {name} is a part of its question")
    foreign = foreign_models.is_foreign(spec)
    made = load_model(spec, settings=settings if foreign else ())
    return name, Outsider(made, f"{_digest(spec)} {' '.join(settings)}")


def _digest(spec: str) -> str:
    """Of the file of a classifier; its name if there is none."""
    own = foreign_models.users_file(spec)
    if own is not None:
        return user_files.file_digest(own)
    file = Path(spec.partition(":")[2])
    return str(file.stat().st_mtime_ns) if file.is_file() else spec


class Seconds:
    """Seconds of each trial, by what took them; of several runs the last."""

    def __init__(self, file: Path):
        self.file, self.known = file, {}

    def add(self, name: str, took: dict[str, Any]) -> None:
        if took:
            self.known[name] = took | {"all": round(sum(took.values()), 2)}
            write_rows(self.file, self.known)


def make_room() -> None:
    """Drops compiled programs once they take too much memory."""
    if resident_mb() > MOST_MB:
        jax.clear_caches()
        gc.collect()


def resident_mb() -> int:
    """Memory of this process; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next(int(row.split()[1]) // 1024 for row in lines if row.startswith("VmRSS:"))


if __name__ == "__main__":
    sys.exit(run_main(main))
