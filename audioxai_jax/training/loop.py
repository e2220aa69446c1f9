"""A training loop that can be killed at any moment and goes on where it was."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from tqdm import tqdm

Advance = Callable[[Any, int], tuple[Any, dict[str, Any]]]


def train(
    advance: Advance,
    state: Any,
    *,
    steps: int,
    folder: str | Path,
    title: str,
    log_every: int = 50,
    save_every: int = 500,
    evaluate: Callable[[Any], dict[str, float]] | None = None,
) -> Any:
    """Runs `state, metrics = advance(state, step)` for step 0 to `steps - 1`.

    Whatever is random in `advance` must follow from the step number alone; a resumed run
    then ends with the same weights as an uninterrupted one. The state is saved every
    `save_every` steps in `<folder>/state`; each call first looks there.
    `<folder>/log.jsonl` gets a line per `log_every` steps: step, seconds since this call
    began, mean metrics, and what `evaluate(state)` returns whenever the state is saved.

    Args:
      state: pytree of arrays, as at step 0.
      title: shown by the progress bar.

    Returns:
      The state after `steps` steps.

    Raises:
      ValueError: if the folder holds the state of another kind of training.
    """
    folder = Path(folder).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    options = ocp.CheckpointManagerOptions(max_to_keep=2)
    with ocp.CheckpointManager(folder / "state", options=options) as manager:
        first = manager.latest_step() or 0
        if first:
            abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, state)
            try:
                state = manager.restore(first, args=ocp.args.StandardRestore(abstract))
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(
                    f"{folder / 'state'} holds the state of a training of something else (another "
                    "network or optimiser): choose another folder, or remove that one"
                ) from error
        began, recent = time.monotonic(), []
        bar = tqdm(range(first, steps), title, initial=first, total=steps, mininterval=2)
        for step in bar:
            state, metrics = advance(state, step)
            recent.append(metrics)
            done = step + 1
            save = done % save_every == 0 or done == steps
            if done % log_every == 0 or save:
                line = {name: float(np.mean([m[name] for m in recent])) for name in metrics}
                bar.set_postfix(loss=f"{line['loss']:.3f}")
                if save and evaluate is not None:
                    line |= evaluate(state)
                _append(folder / "log.jsonl", done, time.monotonic() - began, line)
                recent = []
            if save:
                manager.save(done, args=ocp.args.StandardSave(state))
    return state


def _append(path: Path, step: int, seconds: float, line: dict[str, float]) -> None:
    rounded = {name: float(f"{value:.5g}") for name, value in line.items()}
    with path.open("a") as stream:
        stream.write(json.dumps({"step": step, "seconds": round(seconds, 1), **rounded}) + "\n")
