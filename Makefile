# Needs python3 (3.11 or newer) with its venv module, and make; nothing else, no root.
# `make demo` runs the main job on a sample case; `make test` passes the tests.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
BIN := .venv/bin
READY := .venv/.ready
CASE ?= demo-case

.PHONY: demo test lint catalogues lock clean

demo: $(READY)
	rm -rf "$(CASE)"
	$(BIN)/evikit demo "$(CASE)"

# Tests on real files of others run when EVIKIT_CORPUS and EVIKIT_VECTORS name their folders; else they say "skipped".
test: $(READY)
	$(BIN)/python -m pytest -n auto

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# New fixed words of the report into the catalogues of its translations (docs/languages.md).
catalogues: $(READY)
	PYTHONPATH=. $(BIN)/python tests/custody/report/catalogues.py

# Everything that is installed stands in the lock with its hashes, the build's own tools included, so the last
# step neither resolves nor downloads anything. --no-deps: the lock is complete, and an older pip that resolves an extra
# (coverage[toml]) would look at a newer release than the pinned one and refuse it.
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found; name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "make: $(PYTHON) lacks its venv module; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable .
	touch $@

# For maintainers, after a change of dependencies in pyproject.toml (needs uv): newest versions, all hashes, no addresses.
lock:
	uv pip compile --universal --python-version 3.11 --upgrade --all-extras --generate-hashes --group dev --group build \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		--quiet --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv "$(CASE)" dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*
