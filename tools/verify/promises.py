"""What `verify.py` runs, and what it promises of each: (name, found, relation, bound).

Not a command. The scripts are run one by one, each in a process of its own, and their tables
read; `options` are those of `verify.py`, `data` what names the data sets to a script.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from audioxai_jax.cli.console import say

REPO = Path(__file__).resolve().parents[2]
TENTH = 1 - 8600 / 9600
"""Of the features: what the paper keeps at its strictest."""
LONGEST = "faithfulness_correlation"
"""Of the metrics: it alone takes two minutes."""
FOLDS = ("without_jackson", "without_theo")


def fault_promises(options, data) -> list[tuple]:
    """Trainings that are killed, and the longest clip."""
    resumed = call(options, "tools/verify/resume.py", *data, "--out", options.out / "resume")
    long = call(options, "tools/verify/long_clip.py", "--out", options.out / "long")
    return [
        ("killed trainings end with the same weights", resumed == 0, "==", 1),
        ("ten minutes are explained", long == 0, "==", 1),
    ]


def codec_promises(options, data) -> list[tuple]:
    rows = {r["codec"]: r for r in table(options, "experiments/codecs/evaluate.py", *data)}
    ours, original = rows["gainshape_16khz"], rows["original"]
    speed = table(options, "benchmarks/explain.py")
    seconds = {row["command"]: row["seconds"] for row in speed["rows"] if "command" in row}
    size = (REPO / "checkpoints" / "gainshape_16khz.safetensors").stat().st_size / 1e6
    return [
        ("codec: megabytes", size, "<=", 12),
        ("codec: SI-SDR, dB", ours["si_sdr_db"], ">=", 10),
        ("codec: log-mel L1", ours["log_mel_l1"], "<=", 0.6),
        (
            "codec: points lost by the listener",
            100 * (original["listener"] - ours["listener"]),
            "<=",
            6,
        ),
        ("command, cold: seconds", seconds["cold"], "<=", 25),
        ("command, warm: seconds", seconds["warm again"], "<=", 10),
    ]


def explanation_promises(options, data) -> list[tuple]:
    evaluation = ("experiments/fidelity/evaluate.py", "table.json")
    zero = results(options, *evaluation, *data, folder="keywords")
    means = ["--base", "mean", "--baseline", "mean"]
    mean = results(options, *evaluation, *data, *means, folder="keywords_mean")

    def over_random(place, edit, fraction, found=zero):
        wanted = ("integrated_gradients", "feature", place, edit, fraction)
        keys = ("method", "unit", "place", "edit", "fraction")
        (row,) = (r for r in found["rows"] if tuple(r[k] for k in keys) == wanted)
        return row["over_random"]

    summary = zero["summary"]
    return [
        ("keywords: share of the listener's accuracy", summary["share_of_listener"], ">=", 0.8),
        ("keep 20 %, sound: over random", over_random("sound", "keep", 0.2), ">=", 0.45),
        ("the same, base mean", over_random("sound", "keep", 0.2, mean), ">=", 0.45),
        ("keep 20 %, listener: over random", over_random("listener", "keep", 0.2), ">=", 0.20),
        ("delete 10 %, sound: over random", over_random("sound", "delete", 0.1), ">=", 0.45),
        ("completeness gap below 1 %", summary["gap_below_1_percent"], ">=", 0.95),
    ]


def attribution_promises(options, data) -> list[tuple]:
    """Integrated Gradients to a tolerance, and in constant memory."""
    adaptive, fixed = table(options, "experiments/tolerance/run.py", *data)
    memory = call(options, "tools/verify/memory.py")
    return [
        (
            "IG to 1 %: evaluations beside 50 steps",
            adaptive["evaluations"],
            "<=",
            fixed["evaluations"],
        ),
        ("IG to 1 %: median true error", adaptive["error"], "<=", 0.01),
        ("IG: memory does not grow with the steps", memory == 0, "==", 1),
    ]


def rerun_promises(options, data) -> list[tuple]:
    """The latent-explanation paper's promises, and smallest sets, on 40 keyword clips."""
    clips = [*data, "--clips", 40]
    rows = results(options, "reproduce_akman2024.py", "results.json", *clips)["rows"]
    cell = {"method": "integrated_gradients", "base": "zero", "column": "fair"}
    cell |= {"arm": "latent", "mode": "keep", "fraction": TENTH}
    (row,) = (r for r in rows if cell.items() <= r.items())
    smallest = results(options, "experiments/smallest_sets/run.py", "table.json", *clips)["rows"]
    every = {"label": "all classes", "place": "sound", "edit": "keep"}
    sets = {r["method"]: r for r in smallest if every.items() <= r.items()}
    return [
        ("rerun, kept tenth: over random, lower end", row["over_random"]["low"], ">=", 0.3),
        ("rerun, kept tenth: over waveforms, lower end", row["over_waveform"]["low"], ">=", 0.0),
        (
            "smallest set that keeps: upper end",
            sets["integrated_gradients"]["high"],
            "<=",
            sets["random_control"]["low"],
        ),
    ]


def metric_promises(options, data) -> list[tuple]:
    """Time of the metrics, and which methods are sane."""
    speed = table(options, "benchmarks/metrics.py", "--together", "--without", LONGEST)
    methods = ["integrated_gradients", "lrp", "random_control", "magnitude_control"]
    arguments = [*data, "--clips", 20, "--methods", *methods]
    rows = results(options, "experiments/sanity/run.py", "sanity.json", *arguments)["rows"]
    passed = {r["method"]: (r["beats_random"], r["depends_on_parameters"]) for r in rows}
    return [
        ("fifteen metrics of 1,000 clips: seconds", speed["together"], "<=", 120),
        (
            "IG and LRP beat random deletion, and depend on the network",
            passed["integrated_gradients"] == passed["lrp"] == (True, True),
            "==",
            True,
        ),
        ("checks of those that random relevance passes", sum(passed["random_control"]), "==", 0),
        ("magnitude does not depend on it", passed["magnitude_control"][1], "==", False),
    ]


def frequency_promises(options) -> list[tuple]:
    """DFT-LRP: its speed, and whether it finds the frequencies that a network was taught."""
    speed = table(options, "benchmarks/dft_lrp.py")
    found = table(options, "experiments/synthetic_frequencies/run.py")
    (clip,) = (
        r["median"] for r in speed["rows"] if (r["job"], r["way"]) == ("frequencies", "here")
    )
    (lrp,) = (row["share"] for row in found["rows"] if row["method"] == "LRP-epsilon")
    return [
        ("DFT-LRP of 8,000 samples: ms a clip", clip, "<=", 5),
        (
            "synthetic task: least share on the true frequencies, LRP",
            min(s[0] for s in lrp),
            ">=",
            0.9,
        ),
    ]


def streaming_promises(options) -> list[tuple]:
    """A minute through each codec in pieces, and memory that does not grow."""
    lyra = ["--lyra", options.lyra] if options.lyra else []
    equal = call(options, "tools/verify/streaming.py", *lyra)
    return [("codecs: pieces equal the whole, in constant memory", equal == 0, "==", 1)]


def published_promises(options) -> list[tuple]:
    """EnCodec beside transformers, Lyra V2 beside TensorFlow Lite."""
    parity = run(options.oracles, "tests/oracles/encodec_full_size.py", "--seconds", 1, 2.5, 10)
    rows = options.out / "benchmark_codecs.json"
    speed = ["benchmarks/codecs.py", "--batches", 8, 32, "--json", rows.resolve()]
    run(options.oracles, *speed)
    ratios = [r["ratio"] for r in json.loads(rows.read_text())["rows"] if r["codec"] == "ours"]
    promises = [
        ("EnCodec: full size equals transformers", parity == 0, "==", 1),
        ("EnCodec: times as fast as torch, 8 and 32 sounds", min(ratios), ">=", 2.0),
    ]
    if options.lyra:
        place = {"AUDIOXAI_LYRA": str(options.lyra), "AUDIOXAI_DATA": options.data}
        tests = ["-m", "pytest", "tests/oracles/test_lyra_runtime.py", "-n", "0", "-rP"]
        promises.append(
            (
                "Lyra V2: TensorFlow Lite's, but for rounding",
                run(options.oracles, *tests, **place) == 0,
                "==",
                1,
            )
        )
    return promises


def deletion_promises(options, data) -> list[tuple]:
    """Networks on FSDD lose their answer first where LRP points; trains what is not trained."""
    command = ["--dataset", "fsdd", "--net", "audionet", "alexnet", "--clips", 100]
    command += ["--out", options.audiomnist]
    if call(options, "experiments/audiomnist/reproduce.py", *data, *command, "--folds", *FOLDS):
        raise ValueError("reproduce_audiomnist.py failed")
    promises = []
    for net, domain in (("audionet", "samples"), ("alexnet", "cells")):
        file = options.audiomnist / "fsdd_digit" / f"modern_deletion_{net}.json"
        rows = {row["ranking"]: row for row in json.loads(file.read_text())["prediction"][domain]}
        for control in ("magnitude", "random"):
            low = rows["lrp"][f"before_{control}"]["low"]
            promises.append((f"{net}: LRP before {control}, lower end", low, ">=", 0.0))
    return promises


def speed_promises(options) -> list[tuple]:
    """Beside captum, in one run."""
    rows = options.out / "benchmark_attribution.json"
    command = [options.oracles, "benchmarks/attribution.py", "--json", rows.resolve()]
    subprocess.run(command, cwd=REPO, check=True)
    found = json.loads(rows.read_text())["jobs"]
    return [
        (f"{row['job']}: times as fast as captum", row["captum"] / row["ours"], ">=", row["bar"])
        for row in found
        if row["bar"]
    ]


def relevance_promises(options) -> list[tuple]:
    """AudioNet and AlexNet in full size against zennit, and how much faster."""
    tests = ["-m", "pytest", "tests/oracles/test_zennit.py", "tests/lrp/test_random_graphs.py"]
    tests += ["--full-size", "--optimised", "-n", "0"]
    parity = subprocess.run([options.oracles, *tests], cwd=REPO, check=False)
    rows = options.out / "benchmark_lrp.json"
    command = [options.oracles, "benchmarks/lrp.py", "--json", rows.resolve()]
    subprocess.run(command, cwd=REPO, check=True)
    slowest = min(row["zennit"] / row["ours"] for row in json.loads(rows.read_text())["rows"])
    return [
        (
            "relevance: equal to zennit's in full size, 200 random graphs",
            parity.returncode == 0,
            "==",
            1,
        ),
        ("LRP: times as fast as zennit, slowest preset", slowest, ">=", 1.5),
    ]


def accuracy_promises(options, data) -> list[tuple]:
    every = [
        "--tasks",
        "keywords",
        "digits",
        "emotion",
        "--splits",
        "all",
        "--seeds",
        "0",
        "1",
        "2",
        "--heads",
        "transformer",
        "cnn",
        "gru",
        "listener",
    ]
    rows = table(options, "scripts/train_classifier.py", *data, "--out", options.runs, *every)

    def accuracy(task, head, split="") -> float:
        found = [
            r["test"]
            for r in rows
            if r["task"] == task and r["head"] == head and r["split"].startswith(split)
        ]
        return sum(found) / len(found)

    best = max(accuracy("digits", head) for head in ("transformer", "cnn", "gru"))
    emotion = max(accuracy("emotion", h, "word_disjoint") for h in ("transformer", "cnn", "gru"))
    return [
        ("digits: share of the yardstick", best / accuracy("digits", "listener"), ">=", 0.85),
        ("emotion, word-disjoint (an aim)", emotion, ">=", 0.95),
    ]


def results(options, script: str, file: str, *arguments, folder: str = ""):
    """Runs a script that writes a file of JSON to a folder, and returns that."""
    out = options.out / (folder or Path(script).stem)
    if call(options, script, *arguments, "--out", out):
        raise ValueError(f"{script} failed")
    return json.loads((out / file).read_text())


def table(options, script: str, *arguments):
    """Runs a script that writes its table as JSON and returns that."""
    file = options.out / f"{log_name(script)}.json"
    if call(options, script, *arguments, "--json", file):
        raise ValueError(f"{script} failed")
    return json.loads(file.read_text())


def run(python: Path, *arguments, **variables: str) -> int:
    """Runs another environment's Python in the checkout, returns its status."""
    command = [str(argument) for argument in (python, *arguments)]
    return subprocess.run(command, cwd=REPO, env=os.environ | variables, check=False).returncode


def call(options, script: str, *arguments) -> int:
    """Runs a script, shows and keeps what it prints, returns its status."""
    words = [str(argument) for argument in arguments]
    say("", f"$ {script} {' '.join(words)}")
    module = script.removesuffix(".py").replace("/", ".")
    command = [sys.executable, "-m", module, *words]
    result = subprocess.run(command, cwd=REPO, stdout=subprocess.PIPE, text=True)
    say(*result.stdout.split("\n"))
    with (options.out / f"{log_name(script)}.txt").open("a") as log:
        log.write(result.stdout)
    return result.returncode


def log_name(script: str) -> str:
    """Of what a script prints: its folder tells scripts of one name apart."""
    return "_".join(Path(script).with_suffix("").parts[-2:])
