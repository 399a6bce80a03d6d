"""Exceptions that do and don't survive pickling."""


class TwoArguments(Exception):
    """Loads again: its arguments are those of its constructor."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code


class Unloadable(Exception):
    """Can't be loaded again: its constructor wants more than it hands on."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
