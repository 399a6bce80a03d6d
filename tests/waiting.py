"""See ``hsm_core.testing.waiting``; the tests know it by this name."""

from hsm_core.testing.waiting import wait_until

__all__ = ["wait_until"]
