"""A script is imported where its tasks run: what stands at its top is in force there, however it is started."""

from __future__ import annotations

import subprocess
import sys
import zipapp
from pathlib import Path

import pytest

from .as_basic import Both, hsm, run_as_basic, write_app

CONFIG = {"conf/config.yaml": "x: 1\n"}
MAIN = '@hydra.main(version_base=None, config_path="conf", config_name="config")\n'
GUARD = 'if __name__ == "__main__":\n'


def run(folder: Path, script: str, *overrides: str, command: tuple[str, ...] = ("app.py",)) -> Both:
    both = run_as_basic(folder, {"app.py": script, **CONFIG}, *(overrides or ("x=1,2",)), command=command)
    both.same()
    both.same_output(stderr=False)
    assert both.basic.out
    return both


SETTINGS = f"""
import ast, asyncio, contextvars, decimal, dataclasses, enum, functools, hydra, inspect, json, logging, os
import pickle, queue, random, signal, sys, threading, typing, warnings, weakref
import multiprocessing
import numpy as np
from rich.console import Console

sys.setrecursionlimit(4321)
decimal.getcontext().prec = 5
multiprocessing.set_start_method("spawn", force=True)
np.seterr(all="raise")
warnings.filterwarnings("error", category=RuntimeWarning)
json.PATCHED = "patched"
signal.signal(signal.SIGALRM, signal.SIG_IGN)
os.environ["FROM_TOP"] = "set"
logging.addLevelName(15, "FINE")
random.seed(7)
LOCK, QUEUE, CONSOLE = threading.Lock(), queue.Queue(), Console()
CONTEXT = contextvars.ContextVar("CONTEXT", default=1)
FILE = open(__file__)
LINES = (line for line in FILE)
LOOP = asyncio.new_event_loop()
STATE = {{"n": 0}}
SCALE: int = 3
T = typing.TypeVar("T")

class Color(enum.Enum):
    RED = 1

@dataclasses.dataclass
class Net:
    name: str = "net"
    color: Color = Color.RED

class Meta(type):
    registry = {{}}
    def __new__(meta, name, bases, body):
        made = super().__new__(meta, name, bases, body)
        meta.registry[name] = made
        return made

class Registered(metaclass=Meta):
    pass

NETS = weakref.WeakValueDictionary(net=Net)

@functools.lru_cache(maxsize=None)
def cached(n):
    return n * SCALE

@functools.singledispatch
def shown(x):
    return "any"

@shown.register
def _(x: int):
    return "int"

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

fib = functools.cache(fib)

{MAIN}def main(cfg):
    print(sys.getrecursionlimit(), decimal.getcontext().prec, multiprocessing.get_start_method(), json.PATCHED)
    print(np.geterr()["divide"], warnings.filters[0][2].__name__, os.environ["FROM_TOP"])
    print(cfg.x == 1 and random.random())
    print(signal.getsignal(signal.SIGALRM), logging.getLevelName(15), CONTEXT.get(), cfg.x == 1 and next(LINES))
    print(globals()["Net"]().name, eval("SCALE"), sys.modules["__main__"].SCALE, __name__, __file__, __spec__)
    from __main__ import Color, cached as again
    print(Color is Net().color.__class__, again(2), shown(1), fib(30), Meta.registry["Registered"] is Registered)
    print(pickle.dumps(Net()), pickle.loads(pickle.dumps(Net())) == Net(), pickle.loads(pickle.dumps(main)) is main)
    print(inspect.getsource(fib.__wrapped__), inspect.getsource(Net).splitlines()[0], inspect.getfile(Net))
    print(ast.dump(ast.parse(inspect.getsource(main)))[:80], main.__wrapped__.__code__.co_firstlineno)
    print(typing.get_type_hints(Net), NETS["net"] is Net, sys.argv[:1], __builtins__.__name__, LOOP.is_running())
    with LOCK:
        STATE["n"] += 1
        CONSOLE.print("in a console", cfg.x)
    QUEUE.put(cfg.x)
    print(QUEUE.get(), FILE.name, __doc__, sorted(__annotations__), [t.name for t in threading.enumerate()])

{GUARD}    main()
"""


def test_what_stands_at_the_top_is_in_force(tmp_path: Path) -> None:
    run(tmp_path, '"""Its text."""\n' + SETTINGS)


WITHOUT_GUARD = f"""
import hydra
before = 1

{MAIN}def main(cfg):
    print(before, sorted(name for name in globals() if not name.startswith("_")))

main()
after = 2
"""


def test_without_a_guard_what_stands_above_the_call_is_there(tmp_path: Path) -> None:
    run(tmp_path, WITHOUT_GUARD)


INSIDE = f"""
import contextlib, hydra, os, sys, tempfile, warnings
STATE = {{}}

@contextlib.contextmanager
def marked():
    STATE["marked"] = True
    try:
        yield "entered"
    finally:
        STATE["marked"] = False

{MAIN}def main(cfg):
    warnings.warn("not shown")
    print(cfg.x, os.path.isdir(FOLDER), MARK, STATE, NUMBER)

def run():
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            main()
    except:
        sys.exit(9)
    finally:
        STATE["run"] = "ended"

for NUMBER in range(2):
    STATE["number"] = NUMBER
    sys.argv[-1] = f"hydra.sweep.dir=sweep/{{NUMBER}}"
    with tempfile.TemporaryDirectory() as FOLDER, marked() as MARK:
        try:
            run()
        except BaseException:
            sys.exit(3)
    with open("after", "a") as stream:
        stream.write("once ")
"""


def test_without_a_guard_tasks_run_inside_of_the_call(tmp_path: Path) -> None:
    both = run_as_basic(tmp_path, {"app.py": INSIDE, **CONFIG}, "x=1,2", "hydra.sweep.dir=sweep")
    both.same()
    logs = sorted((tmp_path / "sweep").glob("*/*/.hsm/stdout.log"))
    printed = [line for line in both.basic.out.splitlines(keepends=True) if "[HYDRA]" not in line]
    assert [log.read_text() for log in logs] == printed
    assert (tmp_path / "after").read_text() == "once " * 4


IN_THE_GUARD = f"""
import argparse, hydra, sys
DATA = None
SETTINGS = {{}}
parser = argparse.ArgumentParser(add_help=False)
parser.add_argument("--data")
parser.add_argument("--top", action="store_true")

{MAIN}def main(cfg):
    print(DATA, args.data, helper(cfg.x), sys.argv[0], "--data" in sys.argv, Made().x)

def cli():
    global DATA
    DATA = args.data.upper()
    main()

{GUARD}    args, rest = parser.parse_known_args()
    sys.argv[1:] = rest

    def helper(x):
        return x + 1

    class Made:
        x = 4

    cli()
"""


def test_what_only_the_guard_binds_is_there(tmp_path: Path) -> None:
    run(tmp_path, IN_THE_GUARD, "x=1,2", command=("app.py", "--data", "D 9", "--top"))


SETTING = f"""
import hydra, json, multiprocessing, os, random, sys, threading
from decimal import getcontext

{MAIN}def main(cfg):
    print(multiprocessing.get_start_method(), os.environ["MINE"], cfg.x < 9 or LOCK)

{GUARD}    random.seed(3)
    json.MARK = "marked"
    getcontext().prec = 5
    os.environ["MINE"] = "mine"
    multiprocessing.set_start_method("spawn")
    LOCK = threading.Lock()
    print("begun", file=sys.stderr)
    main()
"""


def test_what_the_guard_changes_elsewhere_is_told(tmp_path: Path) -> None:
    both = run(tmp_path, SETTING)
    told = [line for line in both.ours.err.splitlines() if line.startswith("warning: ")]
    assert told == [
        "warning: tasks do not have LOCK: it can't be pickled, or takes more than 16 MiB",
        "warning: tasks do not see what app.py:9 sets: random.seed(3)",
        "warning: tasks do not see what app.py:10 sets: json.MARK = 'marked'",
        "warning: tasks do not see what app.py:11 sets: getcontext().prec = 5",
    ]
    assert 'fix: put it above if __name__ == "__main__":' in both.ours.err


CHANGED = f"""
import hydra, random, types
ARGS, SEEN, ALSO = {{}}, [], types.SimpleNamespace()
USED = ARGS

class Net:
    size = 1

class Trainer:
    def prepare(self):
        self.ready = True

NET, TRAINER = Net(), Trainer()

def prepare():
    random.seed(3)
    ALSO.mode = "fast"
    SEEN.append(4)

{MAIN}def main(cfg):
    print(USED, SEEN, ALSO, NET.depth, cfg.x)

def run():
    prepare()
    NET.depth = 5
    main()

{GUARD}    ARGS["data"] = "D 9"
    if ARGS:
        Net.size += 1
    TRAINER.prepare()
    with random.Random() if not ARGS else open(__file__):
        run()
"""


def test_what_the_guard_changes_in_the_scripts_own_objects_is_there_or_told(tmp_path: Path) -> None:
    both = run(tmp_path, CHANGED)
    told = [line for line in both.ours.err.splitlines() if line.startswith("warning: ")]
    assert [line.rpartition("sets: ")[2] for line in told] == ["Net.size += 1", "TRAINER.prepare()", "random.seed(3)"]


OF_PYTHON = f"""
import argparse, hydra, logging, random, shutil, socket, subprocess, sys, tempfile
from random import seed
log, quiet, own = (logging.getLogger(name) for name in ("log", "quiet", "own"))
FILES, ARGS = list(range(9)), argparse.Namespace(data="d0")

{MAIN}def main(cfg):
    log.info("not said")
    logging.getLogger("loud").debug("said")
    quiet.error("alone")
    print(sys.getrecursionlimit(), sys.get_int_max_str_digits(), logging.getLevelName(15), log.level, quiet.propagate)
    print(FILES, ARGS, cfg.x)

def prepare():
    logging.getLogger("log").setLevel(logging.ERROR)
    own.addHandler(logging.NullHandler())

{GUARD}    logging.basicConfig(level=10)
    prepare()
    logging.getLogger("loud").setLevel(10)
    logging.addLevelName(15, "FINE")
    logging.disable(9)
    quiet.propagate = False
    sys.setrecursionlimit(4321)
    sys.set_int_max_str_digits(5000)
    sys.stdout.flush()
    random.Random(3).shuffle(FILES)
    vars(ARGS).update(data="D 9")
    shutil.rmtree("gone", ignore_errors=True)
    subprocess.run(["true"])
    seed(3)
    socket.setdefaulttimeout(5)
    sys.tracebacklimit = 9
    logging.captureWarnings(True)
    with tempfile.TemporaryDirectory() as folder:
        main()
"""


def test_what_the_guard_sets_in_python_is_in_force_or_told(tmp_path: Path) -> None:
    both = run(tmp_path, OF_PYTHON)
    told = [line for line in both.ours.err.splitlines() if line.startswith("warning: ")]
    assert [line.rpartition("sets: ")[2] for line in told] == [
        "own.addHandler(logging.NullHandler())", "seed(3)", "socket.setdefaulttimeout(5)",
        "warning: nor what is set in lines 34, 35",
    ]  # fmt: skip
    assert b"loud" in both.ours.files["0/app.log"]


VARIABLES = f"""
import hydra, os, random, uuid
import first

os.environ["FLAGS"] = os.environ["FLAGS"] + " --fast"
os.environ["NUMBER"] = str(int(os.environ.get("NUMBER", "0")) + 1)
del os.environ["GONE"]
ID = os.environ.setdefault("RUN_ID", uuid.uuid4().hex)
if "PORT" not in os.environ:
    os.environ["PORT"] = str(random.SystemRandom().random())
PORT = os.environ["PORT"]
os.environ["QUIET"] = "at first"
WAS_QUIET = os.environ["QUIET"]
os.environ["QUIET"] = "later"
NAMES = "FLAGS", "NUMBER", "GONE", "FROM_FILE", "LATE"

{MAIN}def main(cfg):
    import late
    print(*(os.environ.get(name) for name in NAMES), first.IS_NEW, late.SEEN, cfg.x)
    print(ID == os.environ["RUN_ID"], PORT == os.environ["PORT"], WAS_QUIET, os.environ["QUIET"])

{GUARD}    os.environ["LATE"] = os.environ["NUMBER"] + " late"
    main()
"""
FIRST = """
import os
IS_NEW = "FROM_FILE" not in os.environ
os.environ["FROM_FILE"] = os.environ.get("FROM_FILE", "") + "secret"
"""


@pytest.mark.parametrize("isolation", ["fork", "spawn", "none"])
def test_variables_are_changed_once(tmp_path: Path, isolation: str) -> None:
    files = {"app.py": VARIABLES, "first.py": FIRST, "late.py": 'import os\nSEEN = os.environ["LATE"]\n', **CONFIG}
    both = run_as_basic(
        tmp_path, files, "x=1,2", env={"FLAGS": "--a", "GONE": "here"}, ours=[f"hydra.launcher.isolation={isolation}"]
    )
    both.same()
    both.same_output(stderr=False)
    told = (path for path in (tmp_path / "sweep" / ".hsm").rglob("*") if path.is_file())
    assert not [path for path in told if b"secret" in path.read_bytes()]


BY_COMMANDS = f"""
import asyncio, hydra, threading
STATE, SEEN, KEPT = {{}}, [], {{}}

class Commands(list):
    def command(self, function):
        self.append(function)
        return function
    def __call__(self):
        for one in self:
            one()

app = Commands()

{MAIN}def main(cfg):
    print(STATE, SEEN, KEPT, cfg.x)

class Loop:
    def begin(self):
        KEPT["loop"] = True

async def start():
    STATE["async"] = True
    Loop().begin()
    main()

@app.command
def run():
    STATE["data"] = "D 9"
    thread = threading.Thread(target=aside)
    thread.start()
    thread.join()
    asyncio.run(start())

def aside():
    SEEN.append(4)

{GUARD}    app()
"""


def test_what_commands_and_coroutines_change_is_there(tmp_path: Path) -> None:
    run(tmp_path, BY_COMMANDS)


DECORATED = f"""
import functools, hydra

def plain(function):
    def inner(*args):
        return function(*args)
    return inner

def timed(function):
    @functools.wraps(function)
    def inner(*args, **more):
        print("timed")
        return function(*args, **more)
    return inner

LOCK = __import__("threading").Lock()

@plain
{MAIN}@timed
@plain
def main(cfg):
    with LOCK:
        print("decorated", cfg.x)

{GUARD}    main()
"""
BY_OTHER_NAMES = f"""
import functools, hydra, threading
LOCK = threading.Lock()

class App:
    def __init__(self, scale):
        self.scale, self.lock = scale, threading.Lock()
    def run(self, cfg):
        with self.lock:
            print("method", cfg.x * self.scale)

def by(scale, cfg):
    with LOCK:
        print("partial", cfg.x * scale)

wrapped = hydra.main(version_base=None, config_path="conf", config_name="config")
method = wrapped(App(3).run)
lambda_ = wrapped(lambda cfg: print("lambda", cfg.x, LOCK.locked()))

def outer(function):
    return wrapped(function)

@outer
def nested(cfg):
    print("nested", cfg.x)

{GUARD}    CALL()
"""


def test_a_function_is_found_below_its_decorators(tmp_path: Path) -> None:
    run(tmp_path, DECORATED)


@pytest.mark.parametrize("call", ["method", "lambda_", "nested"])
def test_a_function_is_found_by_other_names(tmp_path: Path, call: str) -> None:
    run(tmp_path, BY_OTHER_NAMES.replace("CALL", call))


PACKAGE = f"""
import hydra, pickle, sys, threading
from . import part
from .part import LOCK
HERE = object()

class Net:
    pass

{MAIN}def main(cfg):
    with LOCK:
        print(__name__, __package__, __spec__ and __spec__.name, sys.modules["__main__"].HERE is HERE)
    print(part.value(cfg.x))
    print(pickle.dumps(Net()), sys.argv[0])

{GUARD}    main()
"""


@pytest.mark.parametrize("module", ["pkg.app", "pkg"])
def test_a_module_is_run_as_one(tmp_path: Path, module: str) -> None:
    name = "app" if module == "pkg.app" else "__main__"
    files = {
        f"pkg/{name}.py": PACKAGE, "pkg/__init__.py": "", "pkg/conf/config.yaml": "x: 1\n",
        "pkg/conf/__init__.py": "",
        "pkg/part.py": "import threading\nLOCK = threading.Lock()\ndef value(x):\n    return x\n",
    }  # fmt: skip
    both = run_as_basic(tmp_path, files, "x=1,2", command=("-m", module))
    both.same()
    both.same_output(stderr=False)


WITHIN = """
import hydra, inspect, threading
LOCK = threading.Lock()

class Net:
    pass

@hydra.main(version_base=None, config_path="pkg://conf", config_name="config")
def main(cfg):
    with LOCK:
        print(cfg.x, __file__, __package__, __spec__.name, type(__loader__).__name__, inspect.getsource(Net))

main()
"""


@pytest.mark.parametrize("started", ["src", "app.pyz"])
def test_a_folder_and_an_archive_are_run_as_such(tmp_path: Path, started: str) -> None:
    files = {"src/__main__.py": WITHIN, "src/conf/__init__.py": "", "src/conf/config.yaml": "x: 1\n"}
    write_app(tmp_path, files)
    zipapp.create_archive(tmp_path / "src", tmp_path / "app.pyz")
    both = run_as_basic(tmp_path, files, "x=1,2", command=(started,))
    both.same()
    both.same_output(stderr=False)


RESOLVERS = f"""
import hydra, threading
from omegaconf import OmegaConf
LOCK = threading.Lock()
COUNTS = {{"n": 40}}

def scaled(x):
    with LOCK:
        return x * COUNTS["n"]

OmegaConf.register_new_resolver("scaled", scaled)
OmegaConf.register_new_resolver("locked", lambda x: f"{{x}}-{{LOCK.locked()}}")

{MAIN}def main(cfg):
    print(cfg.scaled, cfg.locked)

{GUARD}    OmegaConf.register_new_resolver("late", lambda x: x + 5)
    main()
"""


def test_resolvers_are_registered_where_the_app_is_imported(tmp_path: Path) -> None:
    config = "x: 1\nscaled: ${scaled:${x}}\nlocked: ${locked:a}\nlate: ${late:2}\n"
    both = run_as_basic(tmp_path, {"app.py": RESOLVERS, "conf/config.yaml": config}, "x=1,2")
    both.same()
    both.same_output(stderr=False)


STRUCTURED = """
import hydra
from dataclasses import dataclass, field
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

@dataclass
class Inner:
    a: int = 1

@dataclass
class Config:
    x: int = 1
    inner: Inner = field(default_factory=Inner)

ConfigStore.instance().store(name="config", node=Config)

@hydra.main(version_base=None, config_path=None, config_name="config")
def main(cfg):
    made = OmegaConf.to_object(cfg)
    print(isinstance(made, Config), isinstance(made.inner, Inner), OmegaConf.get_type(cfg) is Config)

if __name__ == "__main__":
    main()
"""


def test_structured_configs_are_of_the_scripts_own_classes(tmp_path: Path) -> None:
    run(tmp_path, STRUCTURED)


CLOSURE = """
import hydra, threading

def make(scale):
    lock = LOCK
    def task(cfg):
        print("closure", cfg.x * scale, known(cfg.x))
    return task

def known(x):
    with GLOBAL:
        return x

LOCK, GLOBAL = None, threading.Lock()
if __name__ == "__main__":
    hydra.main(version_base=None, config_path="conf", config_name="config")(make(3))()
"""


def test_a_closure_is_sent_and_finds_the_script(tmp_path: Path) -> None:
    run(tmp_path, CLOSURE)


UNLOADABLE = """
import sys, types
import hydra

class Odd:
    def __reduce__(self):
        return unpickle_me, ()

def unpickle_me():
    if "PARENT" not in globals():
        raise RuntimeError("only where the sweep was started")
    return Odd()

if __name__ == "__main__":
    PARENT, odd = True, Odd()

    def task(cfg):
        print(odd)

    hydra.main(version_base=None, config_path="conf", config_name="config")(task)()
"""


def test_what_a_worker_could_not_load_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for name, text in {"app.py": UNLOADABLE, **CONFIG}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    words = [sys.executable, "app.py", "-m", "hydra/launcher=hsm_local", "x=1,2", "hydra.sweep.dir=s"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "a worker can't load task" in done.stderr
    assert "RuntimeError: only where the sweep was started" in done.stderr
    assert not [path for path in (tmp_path / "s").rglob("*") if path.name in ("sweep.json", "payload.pkl")]


TRACE = f"""
import hydra

def inner(x):
    raise ValueError(f"bad {{x}}")

{MAIN}def main(cfg):
    inner(cfg.x)

{GUARD}    main()
"""


SHARED = f"""
import hydra, os, time
CORPUS = open("corpus.txt")

{MAIN}def main(cfg):
    CORPUS.seek(0)
    words = []
    for _ in range(100):
        words.append(os.read(CORPUS.fileno(), 10))
        time.sleep(0.001)
    print(b"".join(words).decode() == 100 * "0123456789")

{GUARD}    main()
"""


def test_tasks_do_not_share_the_position_in_a_file_that_the_app_left_open(tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text(100 * "0123456789")
    both = run_as_basic(tmp_path, {"app.py": SHARED, **CONFIG}, "x=range(4)", ours=["hydra.launcher.slots=4"])
    both.same()
    both.same_output(stderr=False)
    assert "corpus.txt open, and tasks would share it" in both.ours.err


def test_a_traceback_shows_the_scripts_lines(tmp_path: Path) -> None:
    both = run_as_basic(tmp_path, {"app.py": TRACE, **CONFIG}, "x=1,2")
    log = both.output("stderr").decode()
    assert f'File "{tmp_path}/app.py", line 4, in inner\n    raise ValueError(f"bad {{x}}")' in log
    assert "app.py:4 in inner" in hsm(tmp_path, "errors", "sweep").stdout



MULTIPROCESSING = f"""
import hydra, joblib, multiprocessing.util, os
MANAGER = multiprocessing.Manager() if __name__ == "__main__" else None
SHARED = MANAGER.dict()

def double(n):
    return 2 * n

{MAIN}def main(cfg):
    print(joblib.Parallel(n_jobs=2)(joblib.delayed(double)(n) for n in range(2)))
    for n in range(100):
        SHARED[cfg.x] = n
        assert SHARED[cfg.x] == n
    with open(os.path.join(hydra.utils.get_original_cwd(), "places"), "a") as places:
        print(multiprocessing.util.get_temp_dir(), file=places)

{GUARD}    main()
"""


def test_what_multiprocessing_started_in_a_forked_task_ends_with_it(tmp_path: Path) -> None:
    files = {"app.py": MULTIPROCESSING, **CONFIG}
    both = run_as_basic(tmp_path, files, "x=1,2,3", ours=["hydra.launcher.isolation=fork"])
    both.same()
    both.same_output()
    assert not [place for place in (tmp_path / "places").read_text().splitlines() if Path(place).exists()]
