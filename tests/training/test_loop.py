"""A killed run resumes, and ends where an uninterrupted one ends."""

import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from audioxai_jax.training.loop import train
from tests.helpers.refusals import refusal

OPTIMISER = optax.adam(0.05)


@jax.jit
def step(state, key):
    target = jax.random.normal(key, (3,))
    loss = lambda params: jnp.mean((params - target) ** 2)
    value, gradient = jax.value_and_grad(loss)(state["params"])
    update, optimiser = OPTIMISER.update(gradient, state["optimiser"])
    params = optax.apply_updates(state["params"], update)
    return {"params": params, "optimiser": optimiser}, {"loss": value}


def advance(state, number):
    return step(state, jax.random.fold_in(jax.random.key(0), number))


def fresh():
    params = jnp.zeros(3)
    return {"params": params, "optimiser": OPTIMISER.init(params)}


def run(folder, advance=advance, steps=30, **settings):
    evaluate = lambda state: {"size": float(jnp.abs(state["params"]).sum())}
    return train(
        advance,
        fresh(),
        steps=steps,
        folder=folder,
        title="toy",
        log_every=5,
        save_every=10,
        evaluate=evaluate,
        settings={"rates": (1, 2), **settings},
    )


def test_resumes_to_the_same_weights(tmp_path):
    whole = run(tmp_path / "whole")

    def dies(state, number):
        if number == 17:
            raise KeyboardInterrupt
        return advance(state, number)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken", dies)
    resumed = []

    def watched(state, number):
        resumed.append(number)
        return advance(state, number)

    state = run(tmp_path / "broken", watched)
    assert resumed == list(range(10, 30))
    jax.tree.map(np.testing.assert_array_equal, state, whole)


def test_the_log_of_a_resumed_run_is_one_training(tmp_path, monkeypatch):
    """Each step once, a clock that counts all sessions, and nothing of steps that were lost."""
    now = [0.0]

    def ticks(state, number):
        now[0] += 1
        return advance(state, number)

    def dies(state, number):
        if number == 17:
            raise KeyboardInterrupt
        return ticks(state, number)

    monkeypatch.setattr("audioxai_jax.training.loop.time.monotonic", lambda: now[0])
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, dies)
    log = tmp_path / "log.jsonl"
    log.write_text(log.read_text() + '{"step": 1')  # the crash came in the midst of a line
    now[0] = 1000.0
    run(tmp_path, ticks)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["step"], line["seconds"]) for line in lines] == [(s, s) for s in range(5, 31, 5)]


def test_a_finished_run_is_not_trained_again(tmp_path):
    whole = run(tmp_path)
    again = run(tmp_path, lambda state, number: pytest.fail("trained again"))
    jax.tree.map(np.testing.assert_array_equal, again, whole)


def test_log_can_be_plotted(tmp_path):
    run(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [5, 10, 15, 20, 25, 30]
    assert all(set(line) >= {"step", "seconds", "loss"} for line in lines)
    assert [line["step"] for line in lines if "size" in line] == [10, 20, 30]


def test_the_state_of_another_training_is_refused(tmp_path):
    run(tmp_path)
    other = {"weights": jnp.zeros((2, 2))}
    with pytest.raises(ValueError, match="training of something else .* choose another folder"):
        train(advance, other, steps=40, folder=tmp_path, title="toy", settings={})
    with pytest.raises(ValueError, match=r"state.30 holds results with other settings \(codec\)"):
        run(tmp_path, codec="other")
    with pytest.raises(ValueError, match=r"other settings \(steps\)"):
        run(tmp_path, steps=20)


def test_a_state_that_does_not_tell_its_settings_is_not_gone_on_from(tmp_path):
    """As states were saved before 0.2."""
    run(tmp_path)
    about = newest(tmp_path) / "about" / "metadata"
    known = json.loads(about.read_text())
    del known["settings"]
    about.write_text(json.dumps(known))
    with pytest.raises(ValueError, match=r"other settings \(codec, rates, steps\)"):
        run(tmp_path, codec="x")


def newest(folder):
    return folder / "state" / "30"


@pytest.mark.filterwarnings(  # orbax' own, from the threads of a restore that failed
    "ignore::pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("damage", ["flip", "cut", "missing", "garbage", "newer", "empty"])
def test_a_damaged_state_is_refused_in_one_line_that_says_which(tmp_path, damage):
    run(tmp_path)
    data = max(newest(tmp_path).rglob("d/*"), key=lambda file: file.stat().st_size)
    content = data.read_bytes()
    if damage == "flip":
        place = len(content) // 2
        data.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
    elif damage == "cut":
        data.write_bytes(content[: len(content) // 3])
    elif damage == "missing":
        for file in newest(tmp_path).rglob("d/*"):
            file.unlink()
    elif damage == "garbage":
        (newest(tmp_path) / "about" / "metadata").write_bytes(b"\x80\x04K*.")
    elif damage == "newer":
        about = newest(tmp_path) / "about" / "metadata"
        about.write_text(json.dumps(json.loads(about.read_text()) | {"format": 99}))
    else:
        for file in newest(tmp_path).rglob("*"):
            if file.is_file():
                file.unlink()
    said = refusal(ValueError, run, tmp_path)
    assert str(newest(tmp_path)) in said
    assert ("newer version" if damage == "newer" else "damaged") in said


def test_without_the_damaged_state_the_earlier_one_is_used(tmp_path):
    whole = run(tmp_path / "whole")
    run(tmp_path / "again")
    shutil.rmtree(newest(tmp_path / "again"))
    state = run(tmp_path / "again")
    jax.tree.map(np.testing.assert_array_equal, state, whole)
