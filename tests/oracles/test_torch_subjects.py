"""Subjects whose weights are torch's, beside their packages' own code, and what must come out.

Outputs must agree within 1e-5 of the largest and gradients within 1e-4, in single precision.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import assess, integrated_gradients, lrp, map_examples
from audioxai_jax.attribution import convert
from audioxai_jax.data.audio import read_clip
from audioxai_jax.domains import frequencies
from audioxai_jax.models.subjects import SUBJECTS
from tests.conftest import REPO

torch = pytest.importorskip("torch", reason="torch is not installed: the extra 'oracles'")
