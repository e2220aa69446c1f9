"""Kills the training scripts at random moments; what they end with must not show it.

    python -m tools.verify.resume --data DIR --out runs/resume

For each script: one run that nobody disturbs, and one that is killed five times (SIGKILL) and
started again. The checkpoints of both must have the same bytes. Exit status 1 if not.
"""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from audioxai_jax.cli.console import Parser, add_data_option, output_folder, run_main, say
from audioxai_jax.core.files import make_folder

REPO = Path(__file__).resolve().parents[2]
KILLS, LATER_S = 5, 3.0
"""Each kill comes at a random moment, up to so many seconds after something new was saved."""
JOBS = {
    "train_codec.py": [
        "--config",
        REPO / "experiments" / "train" / "gainshape_16khz.py",
        "--stop-after",
        40,
        "--save-every",
        5,
    ],
    "train_classifier.py": [
        "--tasks",
        "digits",
        "--heads",
        "transformer",
        "listener",
        "--steps",
        300,
        "--save-every",
        10,
    ],
}


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    add_data_option(parser)
    parser.add_argument("--out", type=output_folder, required=True, help="folder, emptied")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--scripts", nargs="+", default=list(JOBS), choices=list(JOBS))
    options = parser.parse_args()
    dice = random.Random(options.seed)
    broken = [script for script in options.scripts if not survives(options, script, dice)]
    if broken:
        raise ValueError(f"other weights after kills: {', '.join(broken)}")


def survives(options, script: str, dice: random.Random) -> bool:
    whole, disturbed = (options.out / Path(script).stem / name for name in ("whole", "killed"))
    shutil.rmtree(whole.parent, ignore_errors=True)
    make_folder(whole.parent)
    finish(start(options, script, whole), script)
    for number in range(KILLS):
        before, began = states(disturbed), time.monotonic()
        process = start(options, script, disturbed)
        while process.poll() is None and states(disturbed) == before:
            time.sleep(0.05)
        time.sleep(dice.uniform(0, LATER_S))
        process.send_signal(signal.SIGKILL)
        if process.wait() != -signal.SIGKILL:
            raise ValueError(f"{script} ended before kill {number + 1}: it needs more steps")
        say(
            f"{script}: kill {number + 1} after {time.monotonic() - began:.1f} s, "
            f"saved states: {states(disturbed)}"
        )
    finish(start(options, script, disturbed), script)
    wanted, found = checkpoints(whole), checkpoints(disturbed)
    same = bool(wanted) and wanted == found
    say(f"{script}: {len(wanted)} checkpoints, {'the same' if same else 'NOT the same'} bytes")
    return same


def start(options, script: str, out: Path) -> subprocess.Popen:
    command = [
        sys.executable,
        REPO / "scripts" / script,
        "--data",
        options.data,
        "--out",
        out,
        *JOBS[script],
    ]
    with (options.out / "log.txt").open("ab") as log:
        return subprocess.Popen([str(word) for word in command], stdout=log, stderr=log)


def finish(process: subprocess.Popen, script: str) -> None:
    if process.wait() != 0:
        raise ValueError(f"{script} failed with status {process.returncode}: see log.txt")


def states(folder: Path) -> str:
    """Steps that are saved, by run."""
    found = [path for path in sorted(folder.rglob("state/*")) if path.name.isdigit()]
    names = [f"{p.parent.parent.relative_to(folder)} {p.name}" for p in found]
    return ", ".join(names) or "none"


def checkpoints(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.safetensors")}


if __name__ == "__main__":
    sys.exit(run_main(main))
