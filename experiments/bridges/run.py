"""Models of torch and of other people: do they come over, and which methods explain them?

    python -m experiments.bridges.run --out runs/bridges
    python -m experiments.bridges.run --out runs/bridges --collect

Each model's facts are written to `<out>/<model>.json` when it is done: after an interruption,
run the same command again. `--collect` makes `table.json` and `table.md` of finished models.
Needs torch, transformers and onnxscript: the extras `torch` and `oracles`.
"""

import json
import sys

import jax
from tqdm import tqdm

from audioxai_jax.cli.console import (
    Parser,
    add_json_option,
    output_folder,
    run_main,
    say,
    write_rows,
)
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.core.files import replace_file
from experiments.bridges import models, table
from experiments.bridges.measure import measure


def main() -> None:
    parser = Parser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=output_folder, required=True, help="its folder")
    families = [family.replace(", ", "-") for family in models.FAMILIES]
    parser.add_argument("--families", nargs="+", default=families, choices=families)
    parser.add_argument("--models", nargs="+", help="only these, by name")
    parser.add_argument("--collect", action="store_true", help="tables of finished models, only")
    add_json_option(parser)
    options = parser.parse_args()
    chosen = [family for family in models.FAMILIES if family.replace(", ", "-") in options.families]
    rows = models.rows(chosen)
    if options.models:
        rows = [row for row in rows if row.name in options.models]
    if not options.collect:
        for row in tqdm(rows, "models", mininterval=2):
            file = options.out / f"{row.file}.json"
            if not file.is_file():
                write_rows(file, measure(row) | describe_run("python -m experiments.bridges.run"))
                jax.clear_caches()
    collect(options, rows)


def collect(options, rows: list[models.Row]) -> None:
    """The table of all models that are done."""
    files = {row.name: options.out / f"{row.file}.json" for row in rows}
    for name, file in files.items():
        if not file.is_file():
            say(f"not done: {name}")
    done = [json.loads(file.read_text()) for file in files.values() if file.is_file()]
    facts = {**describe_run("python -m experiments.bridges.run"), "rows": done}
    write_rows(options.out / "table.json", facts)
    write_rows(options.json, facts)
    text = table.markdown(done) + "\n" + table.summary(done) + "\n"
    replace_file(options.out / "table.md", text.encode())
    say(*text.splitlines())


if __name__ == "__main__":
    sys.exit(run_main(main))
