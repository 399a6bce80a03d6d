"""A module whose every import leaves a line in a file."""

import os

with open(os.environ["IMPORT_LOG"], "a") as stream:
    stream.write(f"{os.getpid()}\n")


def parabola(x: float) -> float:
    return (x - 2) ** 2
