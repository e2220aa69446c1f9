"""`python -m audioxai_jax.cli` is `audioxai`."""

import sys

from audioxai_jax.cli import main

if __name__ == "__main__":
    sys.exit(main())
