"""A method: the squared gradient. Also: audioxai explain --method own_method.py:build"""

import jax

import audioxai_jax as ax
from audioxai_jax.tracing.gradient_flow import gradient


@ax.record()
class SquaredGradient:
    """The squared gradient of the target's logit."""

    def __call__(self, model, x, target, *, key):
        del key  # nothing random
        return ax.Attribution(gradient(model, x, target) ** 2, ax.make_info(evaluations=1))


def build():
    return SquaredGradient()


if __name__ == "__main__":
    classifier = ax.load_classifier("keywords")
    clip = ax.read_clip(ax.example_clip(), 16_000)
    explanation = ax.explain(
        classifier, clip.samples, method=build(), keep=0.1, key=jax.random.key(0)
    )
    ax.write_wav("explanation.wav", explanation.sounds["explanation"], 16_000)
