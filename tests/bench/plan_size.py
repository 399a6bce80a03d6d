"""How fast, and in how much memory, a million combinations become a sequence of tasks.

Run: python tests/bench/plan_size.py   (exits 1 above 1 s or 50 MB)
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator

from hsm_core.plan.axis import counting, single
from hsm_core.plan.plan import Choice, Plan, make_plan

MILLION = 1_000_000
CASES = {
    "the product": Choice(),
    "shuffled": Choice(shuffle=True),
    "two conditions": Choice(exclude=("a == 3 and b > 90", "model == 'vit' and a < 5")),
    "sampled, 1 in 2": Choice(sample=MILLION // 2),
    "all of it": Choice(exclude=("a == 3 and b > 90",), sample=MILLION // 2, shuffle=True, limit=10_000),
}


class NoBase:
    def value(self, key: str) -> object:
        raise KeyError(key)

    def keys(self) -> Iterator[str]:
        return iter(())


def plan_of(choice: Choice) -> Plan:
    letters = [chr(97 + number) for number in range(8)] + ["cnn", "vit"]
    axes = [
        counting("a", range(100)),
        single("b", [str(number) for number in range(100)], list(range(100))),
        single("model", letters, letters),
        counting("seed", range(10)),
    ]
    return make_plan(axes, choice, NoBase())


def measure(case: str) -> None:
    """Print seconds of CPU and MB of memory that making the plan took, and looking at both ends of it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    plan = plan_of(CASES[case])
    assert plan[0] != plan[len(plan) - 1]
    seconds = time.process_time() - start
    used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(seconds, used, len(plan))


def main() -> int:
    worst = 0
    for case in CASES:
        done = subprocess.run([sys.executable, __file__, case], capture_output=True, text=True, check=True)
        seconds, used, count = map(float, done.stdout.split())
        print(f"{case:20} {seconds:6.3f} s  {used:6.1f} MB  {count:10,.0f} tasks")
        worst = worst or int(seconds > 1 or used > 50)
    return worst


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        sys.exit(main())
