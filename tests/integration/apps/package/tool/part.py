"""A module of the package, imported relatively."""

CALLS: list[float] = []


def noted(value: float) -> int:
    CALLS.append(value)
    return len(CALLS)
