"""Checks every promise that is too long for the tests, on real speech of unseen speakers.

    python scripts/verify.py --data DIR --out runs/verify

Runs the evaluations and the benchmark on the shipped weights, keeps their tables in
`<out>`, and says for each promise what was found. Exit status 1 if one is broken.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default=os.environ.get("AUDIOXAI_DATA"), help="data sets")
    parser.add_argument("--lyra", type=Path, help="folder of Lyra V2's tflite files")
    parser.add_argument("--out", type=Path, required=True, help="folder of the tables")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data DIR, or AUDIOXAI_DATA, must name the folder of data sets")
    options.out.mkdir(parents=True, exist_ok=True)
    data = ["--data", options.data]

    lyra = ["--lyra", str(options.lyra)] if options.lyra else []
    codecs = run(options, "evaluate_codec.py", *data, *lyra)
    rows = {row["codec"]: row for row in codecs}
    ours, original = rows["gainshape_16khz"], rows["original"]
    evaluation = run(options, "evaluate.py", *data)
    mean = run(options, "evaluate.py", *data, "--base", "mean", "--baseline", "mean", name="mean")
    speed = run(options, "benchmark.py")
    summary = evaluation["summary"]

    def over_random(place, edit, fraction, table=evaluation):
        wanted = ("integrated_gradients", "feature", place, edit, fraction)
        keys = ("method", "unit", "place", "edit", "fraction")
        (row,) = (r for r in table["rows"] if tuple(r[k] for k in keys) == wanted)
        return row["over_random"]

    seconds = {row["command"]: row["seconds"] for row in speed["rows"] if "command" in row}
    size = (SCRIPTS.parent / "checkpoints" / "gainshape_16khz.safetensors").stat().st_size / 1e6
    promises = [
        ("codec: megabytes", size, "<=", 12),
        ("codec: SI-SDR, dB", ours["si_sdr_db"], ">=", 10),
        ("codec: log-mel L1", ours["log_mel_l1"], "<=", 0.6),
        ("codec: points lost by the listener", lost(original, ours), "<=", 6),
        ("keywords: share of the listener's accuracy", summary["share_of_listener"], ">=", 0.8),
        ("keep 20 %, sound: over random", over_random("sound", "keep", 0.2), ">=", 0.45),
        ("the same, base mean", over_random("sound", "keep", 0.2, mean), ">=", 0.45),
        ("keep 20 %, listener: over random", over_random("listener", "keep", 0.2), ">=", 0.20),
        ("delete 10 %, sound: over random", over_random("sound", "delete", 0.1), ">=", 0.45),
        ("completeness gap below 1 %", summary["gap_below_1_percent"], ">=", 0.95),
        ("command, cold: seconds", seconds["cold"], "<=", 25),
        ("command, warm: seconds", seconds["warm again"], "<=", 10),
    ]
    broken = 0
    print()
    for name, found, relation, bound in promises:
        kept = found >= bound if relation == ">=" else found <= bound
        broken += not kept
        print(f"{'kept  ' if kept else 'BROKEN'} {name}: {found:.3f} ({relation} {bound})")
    sys.exit(1 if broken else 0)


def lost(original: dict, ours: dict) -> float:
    return 100 * (original["listener"] - ours["listener"])


def run(options, script: str, *arguments: str, name: str | None = None):
    """Runs a script, shows and keeps what it prints, returns its table."""
    table = options.out / f"{name or Path(script).stem}.json"
    command = [sys.executable, str(SCRIPTS / script), *arguments, "--json", str(table)]
    print(f"\n$ {script} {' '.join(arguments)}", flush=True)
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    print(result.stdout, flush=True)
    table.with_suffix(".txt").write_text(result.stdout)
    return json.loads(table.read_text())


if __name__ == "__main__":
    main()
