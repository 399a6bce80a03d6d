# make demo       a sweep on this machine, from nothing to finished results
# make test       what must hold, on Hydra 1.3: ruff, mypy, bandit, pytest, coverage
# make test-all   the same on Hydra 1.4, the long tests, test-learn and test-newest
# make test-learn what torch, tensorflow and jax draw in tasks (fetches 2.5 GB)
# make test-newest  the main tests with the newest release of every package
# make setup      what the tests need, without running them
# make lint       ruff, mypy and bandit alone
# make audit      whether versions that the tests run with have known vulnerabilities (asks PyPI)
# make constraints  renew tests/constraints-*.txt: the versions that all other tests run with
# make services   Slurm, Grid Engine, sshd, … for the tests that are skipped without (Debian, root)
# make dist       an sdist and a wheel, in dist/
# PYTHON=python3.12 make …   another Python
#
# Everything goes into .venv/ here. Names in rules are relative, so a space in the checkout's path does no harm.

PYTHON ?= python3
DEMO = .venv/demo
T13 = .venv/test-hydra13
T14 = .venv/test-hydra14
LEARN = .venv/test-learn
NEWEST = .venv/test-newest
PACKAGE = setup.py pyproject.toml README.md
OURS = -e '.[example,parquet]'
# of a Hydra line: what its tests need, and the versions of all that
NEED13 = -r tests/requirements-hydra13.txt -c tests/constraints-hydra13.txt
NEED14 = -r tests/requirements-hydra14.txt -c tests/constraints-hydra14.txt

# Runs what fails beside others once more, alone, and says so in the end.
TWICE = -m tests.twice

# What is measured: a started process costs twice its time then.
MEASURED = tests/unit tests/contracts $(addprefix tests/integration/test_, run.py worker_failures.py worker_ranks.py \
       pbs_scheduler.py sources.py many_sources.py snapshot.py) $(wildcard tests/integration/test_ssh_*.py)

# What meets nothing of Hydra that differs between its lines: once is enough.
ONE_LINE = tests/contracts tests/faults tests/services tests/third_party tests/test_architecture.py \
       $(addprefix tests/unit/, conductor detect hosts plan processes results schedulers scripts sources store views worker) \
       $(wildcard tests/integration/test_*_scheduler.py tests/integration/test_*_faults.py tests/integration/test_worker_*.py) \
       $(addprefix tests/security/test_, reading_commands.py fuzzed_records.py pasted_lines.py)

# What is run with the newest packages too.
MAIN = tests/unit/cli tests/unit/hydra_bridge tests/contracts tests/e2e $(addprefix tests/integration/test_, run.py apps.py optuna.py \
       hydra_suites_launcher.py hydra_suites_sweeper.py)

# The tests start thousands of processes: these find hsm compiled, whatever the shell has set.
unexport PYTHONDONTWRITEBYTECODE

SOURCES = $(shell find hsm_core hydra_plugins example_app -name '*.py' -o -name '*.j2' -o -name '*.yaml')

.PHONY: help demo setup lint audit test test-all test-learn test-newest constraints services dist clean
help:
	@sed -n 's/^# \(.*\)/\1/p;/^$$/q' Makefile

# ---- the demo: a normal install, as a user has it

$(DEMO)/installed: $(PACKAGE) $(SOURCES)
	"$(PYTHON)" -m venv $(DEMO)
	rm -rf build
	$(DEMO)/bin/python -m pip install -q --disable-pip-version-check '.[example]'
	rm -rf build
	touch $@

demo: $(DEMO)/installed
	cd example_app && ../$(DEMO)/bin/python train.py +sweep=demo
	$(DEMO)/bin/hsm-status latest

# ---- the tests: an editable install a Hydra line

$(T13)/installed: $(PACKAGE) tests/requirements.txt tests/requirements-hydra13.txt tests/constraints-hydra13.txt
	"$(PYTHON)" -m venv $(T13)
	$(T13)/bin/python -m pip install -q --disable-pip-version-check $(OURS) $(NEED13)
	touch $@

$(T14)/installed: $(PACKAGE) tests/requirements.txt tests/requirements-hydra14.txt tests/constraints-hydra14.txt
	"$(PYTHON)" -m venv $(T14)
	$(T14)/bin/python -m pip install -q --disable-pip-version-check $(OURS) $(NEED14)
	touch $@

$(LEARN)/installed: $(PACKAGE) tests/learn/requirements.txt
	"$(PYTHON)" -m venv $(LEARN)
	$(LEARN)/bin/python -m pip install -q --disable-pip-version-check -e . -r tests/learn/requirements.txt 'hydra-core<1.4'
	touch $@

setup: $(T13)/installed $(T14)/installed

# for all Pythons and systems at once
constraints:
	"$(PYTHON)" -m venv .venv/uv
	.venv/uv/bin/python -m pip install -q --disable-pip-version-check uv
	for line in 13 14; do \
	    .venv/uv/bin/uv pip compile -q --upgrade --universal --python-version 3.10 --extra example --extra parquet \
	        --no-annotate --custom-compile-command 'make constraints' --output-file tests/constraints-hydra$$line.txt \
	        setup.py tests/requirements-hydra$$line.txt || exit; \
	done

lint: $(T13)/installed
	$(T13)/bin/ruff check .
	$(T13)/bin/mypy --strict hsm_core hydra_plugins
	MYPYPATH=tests/third_party/hsm_gridengine $(T13)/bin/mypy --strict -p hsm_gridengine
	$(T13)/bin/bandit -q -c pyproject.toml -r hsm_core hydra_plugins example_app setup.py

# Not in lint: a package that PyPI has no answer for fails it, and so does a machine that cannot ask PyPI.
audit:
	"$(PYTHON)" -m venv .venv/audit
	.venv/audit/bin/python -m pip install -q --disable-pip-version-check pip-audit
	for line in 13 14; do \
	    .venv/audit/bin/pip-audit --strict --no-deps --disable-pip -r tests/constraints-hydra$$line.txt || exit; \
	done

test: lint
	@$(T13)/bin/python $(TWICE) --forget
	$(T13)/bin/coverage erase
	$(T13)/bin/python $(TWICE) --coverage -m 'not slow' $(MEASURED)
	$(T13)/bin/coverage combine -q
	$(T13)/bin/coverage report --fail-under=90
	$(T13)/bin/python $(TWICE) -m 'not slow' $(addprefix --ignore=, $(MEASURED))
	@$(T13)/bin/python -m tests.services.absent
	@$(T13)/bin/python $(TWICE) --told

test-all: $(T13)/installed $(T14)/installed
	@$(T13)/bin/python $(TWICE) --forget
	$(T14)/bin/python $(TWICE) -m 'not slow' $(addprefix --ignore=, $(ONE_LINE))
	$(T14)/bin/python $(TWICE) -m slow tests/integration/test_hydra_suites_[ls][a-z]*er.py
	$(T13)/bin/python $(TWICE) -m slow
	$(MAKE) test-learn test-newest
	@$(T13)/bin/python -m tests.services.absent
	@$(T13)/bin/python $(TWICE) --told

test-learn: $(LEARN)/installed
	$(LEARN)/bin/python $(TWICE) -n 2 --dist load tests/learn

# whatever setup.py and Hydra 1.3 let in today, and no constraints
test-newest:
	"$(PYTHON)" -m venv --clear $(NEWEST)
	$(NEWEST)/bin/python -m pip install -q --disable-pip-version-check $(OURS) -r tests/requirements-hydra13.txt
	@$(NEWEST)/bin/python -m tests.newer tests/constraints-hydra13.txt
	$(NEWEST)/bin/python $(TWICE) -m 'not slow' $(MAIN)

services:
	tests/services/install.sh

dist:
	"$(PYTHON)" -m venv .venv/build
	.venv/build/bin/python -m pip install -q --disable-pip-version-check build
	rm -rf build dist
	.venv/build/bin/python -m build
	rm -rf build

clean:
	rm -rf .venv build dist *.egg-info .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache
