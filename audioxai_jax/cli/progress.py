"""A progress bar for those who have to wait."""

import sys
import threading
from typing import TextIO

from tqdm import tqdm

from audioxai_jax.cli.console import printable, say


class Progress:
    """A bar on a terminal's stderr, once the work has taken two seconds."""

    def __init__(self, total: int, *, patience_s: float = 2.0):
        self.total, self.done, self.text, self.bar = total, 0, "loading models", None
        self.lock = threading.Lock()
        self.timer = threading.Timer(patience_s, self._show)
        self.timer.daemon = True

    def __enter__(self) -> "Progress":
        if sys.stderr.isatty():
            self.timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.timer.cancel()
        with self.lock:
            self.total = -1
            if self.bar is not None:
                self.bar.close()

    def step(self, text: str, count: int = 1) -> None:
        """Counts steps that are done; `text` says what was."""
        with self.lock:
            self.done, self.text = self.done + count, printable(text)
            if self.bar is not None:
                self.bar.n = self.done
                self.bar.set_postfix_str(self.text)

    def say(self, *lines: str, file: TextIO | None = None) -> None:
        """Prints lines above the bar, see `console.say`."""
        with self.lock:
            if self.bar is not None:
                self.bar.clear()
            say(*lines, file=file)
            if self.bar is not None:
                self.bar.refresh()

    def _show(self) -> None:
        with self.lock:
            if self.total > 0:
                self.bar = tqdm(total=self.total, initial=self.done, leave=False, unit="step")
                self.bar.set_postfix_str(self.text)
