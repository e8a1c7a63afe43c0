# Everything a developer runs. `make test` sets itself up from nothing.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.dev-requirements

.PHONY: test test-quick lint bench docs setup clean

test: setup lint  ## all checks and all tests, as CI runs them
	$(BIN)/pytest -n 2

test-quick: setup  ## what takes under a second per test
	$(BIN)/pytest -m "not slow"

lint: setup  ## style, types, layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup  ## the table of speed and memory; ratios within one run
	$(BIN)/python -m benchmarks

docs: setup  ## run the code blocks of README and docs/
	$(BIN)/pytest tests/docs

setup: $(STAMP) .venvs/client-37/.done .venvs/client-30/.done .venvs/hera/.done .venvs/kfp/.done .venvs/katib/.done .venvs/moto/.done .venvs/grpc/.done system

.PHONY: system
system:
	@scripts/system-packages

$(STAMP): requirements/run.txt requirements/tuning.txt requirements/dev.txt pyproject.toml
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

.venvs/%/.done: requirements/%.txt
	test -x $(@D)/bin/pip || $(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

.venvs/hera/.done: requirements/hera.txt
	test -x $(@D)/bin/pip || $(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

clean:
	rm -rf .venv .venvs
