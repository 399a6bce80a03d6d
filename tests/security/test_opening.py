"""A pickle is loaded only if it is the user's own, by the descriptor that was checked."""

from __future__ import annotations

import textwrap
from pathlib import Path

from .people import People, interpreter

#: A pickle that writes a file when it is loaded.
TRAP = """
    import os, pickle, sys
    class Trap:
        def __reduce__(self):
            return os.system, ("touch " + sys.argv[1],)
    with open(sys.argv[2], "wb") as stream:
        pickle.dump(Trap(), stream)
"""


def trap(people: People, path: Path, sprung: Path) -> Path:
    done = people.mallory.python(TRAP, str(sprung), str(path), umask=0o022)
    assert done.returncode == 0, done.stderr
    return path


def test_a_checkpoint_of_somebody_else_is_not_loaded(people: People) -> None:
    sprung = people.drop / "sprung-by-checkpoint"
    checkpoint = trap(people, people.drop / "checkpoint.pkl", sprung)
    code = """
        import sys
        from pathlib import Path
        from hsm_core.hydra_bridge.task.checkpoint import resumed
        resumed(print, Path(sys.argv[1]), 2)
    """
    done = people.alice.python(code, str(checkpoint))
    assert not sprung.exists()
    assert f"belongs to {people.mallory.name}" in done.stderr


def test_a_link_that_flips_never_wins(people: People) -> None:
    """The owner of one file, the bytes of another: each try looks at whichever the link names just then."""
    sprung = people.drop / "sprung-by-flip"
    theirs = trap(people, people.drop / "theirs.pkl", sprung)
    mine = people.alice.write(people.drop / "mine.pkl", "N.", 0o644)
    link = people.drop / "payload.pkl"
    flip = textwrap.dedent("""
        import os, sys
        link, mine, theirs = sys.argv[1:]
        while True:
            for target in (mine, theirs):
                os.symlink(target, link + ".new")
                os.replace(link + ".new", link)
    """)
    flipping = people.mallory.start([interpreter(), "-c", flip, str(link), str(mine), str(theirs)])
    code = """
        import sys
        from pathlib import Path
        from hsm_core.hydra_bridge.task.checkpoint import resumed
        loaded = 0
        for _ in range(3000):
            try:
                resumed(print, Path(sys.argv[1]), 2)
                loaded += 1
            except Exception:
                pass
        print(loaded)
    """
    try:
        done = people.alice.python(code, str(link))
    finally:
        flipping.kill()
        flipping.wait()
    assert not sprung.exists()
    assert done.stdout == "0\n", done.stdout + done.stderr
