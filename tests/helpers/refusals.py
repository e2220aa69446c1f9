"""What is refused is refused in one line: an exception's message, or what the command says."""

from collections.abc import Callable

import pytest


def refusal(error: type[Exception], call: Callable, *args, **options) -> str:
    """The message with which a call raises `error`."""
    with pytest.raises(error) as caught:
        call(*args, **options)
    message = str(caught.value)
    assert message and "\n" not in message
    return message


def complaint(capsys) -> str:
    """All that the command wrote to stderr."""
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("audioxai: error: ")
    return lines[0]
