"""Does the reader of sound files hear what ffmpeg hears?

    python -m tools.verify.reader FOLDER .. [--json FILE]

Reads each file below the folders by `read_clip` and by ffmpeg, as the mean of the channels at the
file's own rate; sox is asked where ffmpeg fails or disagrees. Outcomes: equal; refused, in our own
words; differs, without a word; alone, neither ffmpeg nor sox reads it; crash, whatever does not end
in an AudioError. Codecs that lose nothing have to agree in every sample, the others within 1 % and
after a shift of a few frames. Each file is read in a process of its own; what libraries write on
stderr is counted. Needs ffmpeg; exit status 1 if a file differs or crashes.
"""

import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from audioxai_jax.cli.console import (
    Parser,
    add_json_option,
    positive,
    print_aligned,
    run_main,
    say,
    write_rows,
)
from audioxai_jax.core.files import replace_file
from audioxai_jax.data.audio import read_clip
from audioxai_jax.data.sound_files import AudioError

STATES = ("equal", "refused", "noted", "differs", "alone", "crash")
LONGEST_S = 36_000.0
EXACT = re.compile("pcm_|flac|alac|wavpack|tta|ape|shorten")
"""ffmpeg's names of codecs that lose nothing."""
ROUNDING = 2**-23
ADPCM = 2**-10
"""Decoders round ADPCM and GSM differently."""
SHIFT, LOSSY, PEAK = 4_800, 0.01, 0.05
"""Samples of encoder delay; error of a lossy codec, root of the mean square and largest."""
OTHER_RATE = 0.3
"""The same, of Opus that is decoded at its source's rate: its modes delay by parts of a sample."""


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("folders", nargs="+", type=Path, metavar="FOLDER", help="or sound file")
    add_json_option(parser)
    add("--timeout", type=positive, default=60, help="seconds a file, default: %(default)s")
    add("--jobs", type=positive, default=1, help="files at once")
    options = parser.parse_args()
    files = [file for folder in options.folders for file in sound_files(folder)]
    rows = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for row in pool.map(lambda file: verdict(file, options.timeout), files):
            rows.append(row)
            if row["state"] not in ("equal", "refused"):
                reason = row.get("why") or row.get("message", "").strip().split("\n")[-1]
                say(f"{row['state']}: {row['file']}: {reason}")
    write_rows(options.json, rows)
    print_aligned(table(rows))
    say(f"wrote on stderr: {sum('noise' in row for row in rows)} files")
    if bad := sum(row["state"] in ("differs", "crash") for row in rows):
        raise ValueError(f"{bad} of {len(rows)} files differ or crash")


def sound_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return [folder]
    hidden = {".py", ".csv", ".json", ".md", ".txt"}
    return sorted(f for f in folder.rglob("*") if f.is_file() and f.suffix not in hidden)


def verdict(file: Path, timeout: float) -> dict:
    """The row of a file."""
    probe = probed(file, timeout)
    rate = int(probe.get("sample_rate") or 16_000)
    row: dict = {"file": str(file), "format": format_name(file, probe)}
    row["codec"] = probe.get("codec_name", "")
    with tempfile.TemporaryDirectory() as folder:
        samples, found = ours(file, rate, Path(folder), timeout)
    row |= found
    if samples is None:
        return row | {"ffmpeg_length": len(by_ffmpeg(file, row, timeout)[0])}
    for name, read in (("ffmpeg", by_ffmpeg), ("sox", by_sox)):
        theirs, complaint = read(file, row, timeout)
        if complaint:
            row[f"{name}_says"] = complaint
        if not len(theirs):
            continue
        row |= {"by": name} | compare(samples, theirs, row["codec"], row["rate"] == rate)
        if row["why"] is None:
            return row | {"state": "equal"}
        row |= {"state": "noted" if row["notes"] else "differs", name: row["why"]}
    return {"state": "alone"} | row


def probed(file: Path, timeout: float) -> dict:
    """What ffprobe says of the first sound in a file, {} if nothing."""
    command = ["ffprobe", "-v", "quiet", "-of", "json", "-select_streams", "a:0", "-show_entries"]
    entries = "stream=codec_name,sample_rate:format=format_name"
    try:
        found = json.loads(run([*command, entries, str(file.absolute())], timeout)[0])
    except ValueError:
        return {}
    return found.get("format", {}) | next(iter(found.get("streams", [])), {})


def format_name(file: Path, probe: dict) -> str:
    """Container and codec, as ffmpeg calls them, else the suffix."""
    if "codec_name" not in probe:
        return f"? {file.suffix.lower()}"
    return f"{probe['format_name'].split(',')[0]} {probe['codec_name']}"


def ours(file: Path, rate: int, folder: Path, timeout: float) -> tuple[np.ndarray | None, dict]:
    """What `read_clip` gives, and the part of the row, in a process that may die."""
    process = multiprocessing.get_context("fork").Process(
        target=isolated, args=(file, rate, folder)
    )
    process.start()
    process.join(timeout)
    if process.is_alive():
        process.kill()
        process.join()
        return None, {"state": "crash", "message": f"takes more than {timeout} s"}
    noise = (folder / "stderr").read_text(errors="replace").strip()
    found = {"noise": noise.split("\n")[0]} if noise else {}
    if not (folder / "row").exists():
        return None, found | {"state": "crash", "message": f"exit code {process.exitcode}"}
    found |= json.loads((folder / "row").read_text())
    return np.fromfile(folder / "samples", np.float32) if "rate" in found else None, found


def isolated(file: Path, rate: int, folder: Path) -> None:
    errors = os.open(folder / "stderr", os.O_WRONLY | os.O_CREAT)
    os.dup2(errors, 2)
    try:
        clip = read_clip(file, rate, longest_s=LONGEST_S)
        if clip.source_rate != rate:
            clip = read_clip(file, clip.source_rate, longest_s=LONGEST_S)
        replace_file(folder / "samples", clip.samples.tobytes())
        row = {"rate": clip.source_rate, "channels": clip.channels, "length": len(clip.samples)}
        row["notes"] = list(getattr(clip, "notes", ()))
    except AudioError as error:
        row = {"state": "refused", "message": str(error).removeprefix(f"{file}: ")}
        if "\n" in str(error):
            row["state"] = "crash"
    except BaseException:
        row = {"state": "crash", "message": traceback.format_exc(limit=-3)}
    replace_file(folder / "row", json.dumps(row))


def by_ffmpeg(file: Path, row: dict, timeout: float) -> tuple[np.ndarray, str]:
    """The mean of the channels, float32, at a row's rate, and what ffmpeg complains of."""
    command = ["ffmpeg", "-nostdin", "-v", "error"]
    if row["codec"] == "opus":  # ffmpeg's own decoder is less exact; integers would be clipped
        command += ["-request_sample_fmt", "flt", "-c:a", "libopus"]
    command += ["-i", str(file.absolute()), "-map", "0:a:0"]
    channels, rate = row.get("channels", 0), row.get("rate")
    if channels == 2:  # mixed here: a part of a stream may have one
        mono = f"aresample={rate}:ocl=mono:rematrix_maxval=1,aformat=channel_layouts=mono"
        command += ["-af", mono]
    elif rate:
        command += ["-ar", str(rate)]
    sound, complaint = run([*command, "-f", "f32le", "-t", str(LONGEST_S), "-"], timeout)
    return mixed(sound, 1 if channels == 2 else channels), complaint


def by_sox(file: Path, row: dict, timeout: float) -> tuple[np.ndarray, str]:
    wanted = ["-r", str(row["rate"]), "-c", str(row["channels"]), "-t", "f32", "-"]
    known = ["-t", "mp3"] if row["codec"] in ("mp1", "mp2", "mp3") else []
    sound, complaint = run(["sox", "-V1", "-D", *known, str(file.absolute()), *wanted], timeout)
    return mixed(sound, row["channels"]), complaint


def mixed(sound: bytes, channels: int) -> np.ndarray:
    channels = max(1, channels)
    values = np.frombuffer(sound[: len(sound) // (4 * channels) * 4 * channels], "<f4")
    with np.errstate(all="ignore"):  # what is not finite differs
        return values.reshape(-1, channels).mean(axis=1, dtype=np.float64).astype(np.float32)


def compare(ours: np.ndarray, theirs: np.ndarray, codec: str, same_rate: bool) -> dict:
    """Difference of lengths, shift, largest difference, and why it is too much, or None."""
    exact = EXACT.match(codec)
    lossy = not exact and not re.match("adpcm|gsm|g72", codec)
    gap, shift = len(ours) - len(theirs), best_shift(ours, theirs) if lossy else 0
    left, right = ours[max(0, shift) :], theirs[max(0, -shift) :].astype(np.float64)
    size = min(len(left), len(right))
    right = right[:size]
    error = np.abs(left[:size] - right)
    most, scale = float(error.max(initial=0)), float(np.abs(theirs).max(initial=0))
    spread, level = (float(np.sqrt(np.mean(x**2))) if size else 0.0 for x in (error, right))
    if not lossy:
        good = gap == 0 and most <= (ROUNDING if exact else ADPCM) * max(1.0, scale)
    elif same_rate:
        good = most <= PEAK * scale + 1e-3 and spread <= LOSSY * level + 1e-4
    else:
        good = spread <= OTHER_RATE * level + 1e-4
    why = f"differs by {most:.2g} at sample {error.argmax() if size else 0}, peak {scale:.2g}"
    why += f"; root mean square {spread:.2g} of {level:.2g}"
    if abs(gap) > (SHIFT if lossy else 0):
        good, why = False, f"{len(ours)} samples, not {len(theirs)}"
    found = {"length_difference": gap, "shift": shift, "largest": most}
    return found | {"why": None if good else why}


def best_shift(ours: np.ndarray, theirs: np.ndarray) -> int:
    """Samples by which ours comes later, from the first seconds' cross-correlation."""
    size = 1 << 18
    first, second = (np.fft.rfft(x[:size].astype(np.float64), 2 * size) for x in (ours, theirs))
    likeness = np.fft.irfft(first * second.conj())
    near = np.concatenate([likeness[-SHIFT:], likeness[: SHIFT + 1]])
    return int(near.argmax()) - SHIFT if near.max() > near[SHIFT] * (1 + 1e-6) else 0


def run(command: list[str], timeout: float) -> tuple[bytes, str]:
    """Stdout, and the first line of stderr."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return b"", f"takes more than {timeout} s"
    lines = done.stderr.decode(errors="replace").strip().split("\n")
    return done.stdout, re.sub(" @ 0x[0-9a-f]+", "", lines[0])


def table(rows: list[dict]) -> list[tuple[str, ...]]:
    """Counts of states by format, and of all."""
    counts: dict[str, Counter] = {}
    for row in rows:
        for name in (row["format"], "all"):
            counts.setdefault(name, Counter())[row["state"]] += 1
    names = sorted(counts, key=lambda name: (name == "all", name))
    lines = [
        (name, str(counts[name].total()), *(str(counts[name][s]) for s in STATES)) for name in names
    ]
    return [("format", "files", *STATES), *lines]


if __name__ == "__main__":
    sys.exit(run_main(main))
