"""A module next to the script; its import can leave a line in a file."""

import os


def scaled(value: float) -> float:
    return value * 10


if "IMPORT_LOG" in os.environ:
    with open(os.environ["IMPORT_LOG"], "a") as stream:
        stream.write(f"{os.getpid()}\n")
