"""Does relevance find the frequencies that decide? A task where they are known.

    python -m experiments.synthetic_frequencies.run --json runs/synthetic_frequencies.json

The synthetic task of DFT-LRP's tutorial (J. Vielhaben et al., arXiv 2303.06365): signals of
2,560 samples are sums of 10 to 49 of the tones 1 to 63, of amplitude 1 and any phase, and noise
of deviation 0.01. The class says which of the tones 5, 16, 32 and 53 are among them, one of 16.
A network of two layers is trained on waveforms, and the relevance of its samples for the class
that it hears is carried to frequencies (`dft_lrp.frequency`). Printed is how much of that lies on
the four tones:

    share           sum over the four of |R_k|          /  sum over all k of |R_k|
    positive share  sum over the four of max(R_k, 0)    /  sum over all k of max(R_k, 0)

each a mean over signals with at least one of the four: where none is, no sound speaks for the
class. The energy is that of the signal itself, |X_k|^2: what comes of knowing nothing. Unlike in
the tutorial, tones have whole periods, and the network is smaller and trained by AdamW.
"""

import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax import attribute_batch, input_x_gradient, integrated_gradients, propagation
from audioxai_jax.cli.console import Parser, add_json_option, positive, run_main, say, write_rows
from audioxai_jax.core.extras import needed_by
from audioxai_jax.dft_lrp.frequency import frequency_relevance
from audioxai_jax.propagation import rules

with needed_by("experiments.synthetic_frequencies"):
    import optax

SAMPLES, TONES, FEWEST, MOST, NOISE = 2560, 63, 10, 49, 0.01
DECIDING = np.array([5, 16, 32, 53])
FAVOUR = 1.2
"""How much likelier the deciding tones are drawn, as in the tutorial."""
METHODS = {
    "LRP-epsilon": propagation.lrp(
        propagation.composite([(propagation.kind("dense"), rules.epsilon()), *propagation.base()])
    ),
    "LRP-z+": propagation.lrp(
        propagation.composite([(propagation.kind("dense"), rules.z_plus()), *propagation.base()])
    ),
    "integrated gradients": integrated_gradients(steps=16),
    "input x gradient": input_x_gradient(),
}


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=positive, default=5, help="networks")
    parser.add_argument("--steps", type=positive, default=600, help="of training")
    parser.add_argument("--width", type=positive, default=256, help="hidden units")
    parser.add_argument("--signals", type=positive, default=512, help="to test with")
    add_json_option(parser)
    options = parser.parse_args()

    found: dict[str, list] = {}
    accuracies = []
    for seed in range(options.seeds):
        random = np.random.default_rng(seed)
        model = jax.tree_util.Partial(classify, train(random, options.width, options.steps))
        signals, labels = draw(random, options.signals)
        heard = jnp.argmax(jax.vmap(model)(jnp.asarray(signals)), axis=-1)
        accuracies.append(float(jnp.mean(heard == labels)))
        say(f"seed {seed}: accuracy {accuracies[-1]:.1%}")
        for name, values in shares(model, signals[labels > 0]).items():
            found.setdefault(name, []).append(values)

    say(f"accuracy {np.mean(accuracies):.1%}, {min(accuracies):.1%} to {max(accuracies):.1%}")
    say("|  | share | least to most | positive share | least to most |", "|---" * 5 + "|")
    rows = []
    for name, values in found.items():
        cells = []
        for column in np.transpose(values):
            cells += [f"{column.mean():.1%}", f"{column.min():.1%} to {column.max():.1%}"]
        say(f"| {name} | {' | '.join(cells)} |")
        rows.append({"method": name, "share": values})
    write_rows(options.json, {"accuracy": accuracies, "rows": rows})


def draw(random, count):
    """Signals `[count, SAMPLES]` and labels, a bit for each deciding tone."""
    weights = np.where(np.isin(np.arange(1, TONES + 1), DECIDING), FAVOUR, 1)
    order = np.argsort(random.exponential(size=(count, TONES)) / weights, axis=1)
    number = random.integers(FEWEST, MOST + 1, (count, 1))
    present = np.argsort(order, axis=1) < number  # `number` of them, by weight, without replacement
    phase = random.uniform(0, 2 * np.pi, (count, TONES))
    spectrum = np.zeros((count, SAMPLES // 2 + 1), complex)
    spectrum[:, 1 : TONES + 1] = present * np.exp(1j * phase) * SAMPLES / 2
    noise = NOISE * random.standard_normal((count, SAMPLES), np.float32)
    signals = np.fft.irfft(spectrum).astype(np.float32) + noise
    return signals, present[:, DECIDING - 1] @ (1 << np.arange(DECIDING.size))


def classify(params, signal):
    """One signal `[SAMPLES]` to logits `[16]`."""
    hidden = jax.nn.relu(signal @ params["first"] + params["first_bias"])
    return hidden @ params["second"] + params["second_bias"]


def train(random, width, steps, *, batch=128, rate=1e-2):
    """Parameters after AdamW, each step on signals of its own.

    Weights decay by e^-3 meanwhile, whatever the number of steps, so that little is left of
    how they began: tones that decide nothing would keep their relevance otherwise.
    """
    first = random.normal(size=(SAMPLES, width)) / SAMPLES**0.5
    second = random.normal(size=(width, 16)) / width**0.5
    params = {"first": first, "first_bias": np.zeros(width)}
    params |= {"second": second, "second_bias": np.zeros(16)}
    params = jax.tree.map(jnp.float32, params)
    schedule = optax.cosine_decay_schedule(rate, steps)
    optimiser = optax.adamw(schedule, weight_decay=6 / (rate * steps))

    def loss(params, signals, labels):
        logits = jax.vmap(partial(classify, params))(signals)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    @jax.jit
    def step(params, state, signals, labels):
        gradient = jax.grad(loss)(params, signals, labels)
        updates, state = optimiser.update(gradient, state, params)
        return optax.apply_updates(params, updates), state

    state = optimiser.init(params)
    for _ in range(steps):
        params, state = step(params, state, *draw(random, batch))
    return params


def shares(model, signals):
    """By method, `[share, positive share]`, means over signals."""
    spectrum = jnp.fft.rfft(signals)
    found = {"energy": jnp.abs(spectrum) ** 2}
    for name, method in METHODS.items():
        relevance = attribute_batch(method, model, signals, key=jax.random.key(0)).relevance
        found[name] = jax.jit(jax.vmap(frequency_relevance))(signals, relevance)
    return {
        name: [float(share(jnp.abs(r))), float(share(jnp.maximum(r, 0)))]
        for name, r in found.items()
    }


def share(parts):
    """Of parts `[signals, frequencies]`, what lies on the deciding tones."""
    return jnp.mean(parts[:, DECIDING].sum(axis=1) / parts.sum(axis=1))


if __name__ == "__main__":
    sys.exit(run_main(main))
