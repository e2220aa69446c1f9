"""The one error of the bridges: what cannot be brought over, where, and what to do."""


class BridgeError(ValueError):
    """A model of another framework cannot be read, or holds what this library does not compute."""


def nearest(name: str, names: object) -> str:
    """The names most like one that does not exist, for a message.

    >>> nearest("logit", ["logits", "audio"])
    'logits'
    """
    import difflib

    known = [str(one) for one in names]  # type: ignore[attr-defined]
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known[:6]
    return ", ".join(close) or "none"
