"""Checks every promise that is too long for the tests, on real recordings that were held out.

    python -m tools.verify.run --data DIR --out runs/verify

Runs the trainings' fault tests, a clip of ten minutes, the evaluations and the benchmark on
the shipped weights, keeps their tables in `<out>`, and says for each promise what was found;
`promises.py` beside this file has the promises. With `--runs DIR`, a folder of
`scripts/train_classifier.py`, the accuracies of all heads are checked too; with
`--audiomnist DIR`, a folder of `experiments/audiomnist/reproduce.py`, whether LRP of its networks
on FSDD finds what they use. Exit status 1 if a promise is broken.
"""

import sys
from pathlib import Path

from audioxai_jax.cli.console import (
    Parser,
    add_data_option,
    add_json_option,
    output_folder,
    run_main,
    say,
    write_rows,
)
from audioxai_jax.core.files import make_folder
from tools.verify import promises as checks


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    add_data_option(parser)
    parser.add_argument("--lyra", type=Path, help="folder of Lyra V2's tflite files")
    parser.add_argument("--runs", type=Path, help="folder of the trained heads")
    parser.add_argument("--audiomnist", type=Path, help="folder of its runs, modern recipe")
    parser.add_argument("--oracles", type=Path, help="Python of an environment with torch, zennit")
    parser.add_argument("--skip-faults", action="store_true", help="no kills, no long clip")
    parser.add_argument("--out", type=output_folder, required=True, help="folder of the tables")
    add_json_option(parser)
    options = parser.parse_args()
    make_folder(options.out)
    data = ["--data", options.data]

    promises = []
    if not options.skip_faults:
        promises += checks.fault_promises(options, data)
    promises += checks.codec_promises(options, data)
    promises += checks.explanation_promises(options, data)
    promises += checks.attribution_promises(options, data)
    promises += checks.rerun_promises(options, data)
    promises += checks.metric_promises(options, data)
    promises += checks.frequency_promises(options)
    promises += checks.streaming_promises(options)
    if options.oracles:
        promises += checks.published_promises(options)
        promises += checks.relevance_promises(options)
        promises += checks.speed_promises(options)
    if options.runs:
        promises += checks.accuracy_promises(options, data)
    if options.audiomnist:
        promises += checks.deletion_promises(options, data)
    rows = []
    say("")
    for name, found, relation, bound in promises:
        kept = {">=": found >= bound, "<=": found <= bound, "==": found == bound}[relation]
        rows.append({"promise": name, "value": found, "relation": relation, "bound": bound})
        rows[-1]["kept"] = bool(kept)
        say(f"{'kept  ' if kept else 'BROKEN'} {name}: {found:.3f} ({relation} {bound})")
    write_rows(options.json, rows)
    broken = sum(not row["kept"] for row in rows)
    if broken:
        raise ValueError(f"{broken} of {len(promises)} promises are broken")


if __name__ == "__main__":
    sys.exit(run_main(main))
