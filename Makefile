# Golden Hour. `make help` lists what there is to make.

VENV  := .venv
PY    := $(VENV)/bin/python
PIP   := $(PY) -m pip -qq --disable-pip-version-check --no-input
TESTS := build/tests
LANES := faults upper browser web config lower

.DEFAULT_GOAL := help
.PHONY: help run install test campaign screenshots check format lock clean
.DELETE_ON_ERROR:

help: ## List what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/installed ## Set everything up and start it; Ctrl-C stops it
	@exec $(PY) -P -m config.cli run

install: $(VENV)/installed ## Set up .venv with what Golden Hour needs

test: $(VENV)/tested ## Check the code and run all tests on real PostgreSQL and Chromium
	@rm -rf $(TESTS) && mkdir -p $(TESTS)
	@$(MAKE) --no-print-directory -j2 check $(LANES:%=test-%)
	@cat $(LANES:%=$(TESTS)/%.txt)
	@$(PY) -m tests.tally $(LANES:%=$(TESTS)/%.xml)

# Lanes, two at a time, each on a database server of its own; those that kill, break off and click, which partly wait, lie
# beside one that does not. `lower` takes whatever no other lane does. Libraries that compute get one thread each, as in
# the service: more only wait for each other. A run that ends with another code than 1 (tests failed) broke off: its
# report is not to be believed.
test-faults:  CHOSEN := tests/faults
test-upper:   CHOSEN := tests/triage tests/responders tests/walk --ignore=tests/triage/web
test-web:     CHOSEN := tests/triage/web
test-browser: CHOSEN := tests/browser
test-config:  CHOSEN := tests/config
test-lower:   CHOSEN := $(addprefix --ignore=tests/,faults triage responders walk browser config)

test-%: $(VENV)/tested
	@OMP_NUM_THREADS=1 $(PY) -m pytest -q --junitxml=$(TESTS)/$*.xml $(CHOSEN) > $(TESTS)/$*.txt 2>&1 \
		|| [ $$? = 1 ] || rm -f $(TESTS)/$*.xml
	@echo "$*: $$(tail -n 1 $(TESTS)/$*.txt)"

campaign: $(VENV)/tested ## Kill -9 100 times over 50,000 posts, then every set of drafts and every hostile publisher at full length (22 minutes)
	@GOLDENHOUR_TEST_KILLS=100 GOLDENHOUR_TEST_POSTS=50000 $(PY) -m pytest -q -s tests/faults/test_kills.py
	@GOLDENHOUR_TEST_DRAFTS=all $(PY) -m pytest -q tests/triage/test_checking_sense.py
	@GOLDENHOUR_TEST_PATIENCE=24 $(PY) -m pytest -q -s tests/walk/test_hostile.py

screenshots: $(VENV)/tested ## Pictures of every page in var/screenshots: four widths, three looks, 0 to 50,000 cases (an hour)
	@$(PY) -P -m tests.browser.photograph

check: $(VENV)/tested ## Formatting, lint, types, import layers, declared dependencies
	@$(VENV)/bin/ruff format --quiet --check . || { echo "make format puts this right" >&2; exit 1; }
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/mypy --no-error-summary
	@$(VENV)/bin/lint-imports --no-logo > $(VENV)/imports.log 2>&1 || { cat $(VENV)/imports.log >&2; exit 1; }
	@rm -f $(VENV)/imports.log
	@$(VENV)/bin/deptry . > $(VENV)/deptry.log 2>&1 || { cat $(VENV)/deptry.log >&2; exit 1; }
	@rm -f $(VENV)/deptry.log
	@echo "checks passed"

format: $(VENV)/tested ## Format the code
	@$(VENV)/bin/ruff format --quiet . && $(VENV)/bin/ruff check --quiet --fix .

lock: ## Choose the newest allowed releases anew and write both locks (needs uv on the path)
	@command -v uv > /dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	@printf 'hatchling>=1.27\neditables>=0.5\n' > $(VENV)/build.in
	@uv pip compile --quiet --universal --generate-hashes --no-config --no-header --python-version 3.11 \
		--upgrade pyproject.toml $(VENV)/build.in --output-file requirements.lock
	@uv pip compile --quiet --universal --generate-hashes --no-config --no-header --python-version 3.11 \
		--constraint requirements.lock --group dev pyproject.toml $(VENV)/build.in --output-file requirements-dev.lock

clean: ## Remove .venv and what tools leave behind; the data in var/ stays
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Compiled here: where Python is told not to write what it compiles, as in many containers, every start would compile anew.
$(VENV)/installed: requirements.lock pyproject.toml | $(PY)
	@echo "Installing what Golden Hour needs (about a minute) ..."
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(PY) -m compileall -q collector classifier triage responders config
	@touch $@

$(VENV)/tested: requirements-dev.lock $(VENV)/installed
	@echo "Installing what the tests need (about a minute) ..."
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@

# Names are tried by running them: some machines have a python3.12 that only says it is not installed.
$(PY):
	@for name in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
		if "$$name" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2> /dev/null; \
		then rm -rf $(VENV); "$$name" -m venv $(VENV) && exit 0; fi; \
	done; \
	echo "Golden Hour needs Python 3.11, 3.12 or 3.13 with its venv module; this machine's python3 is: \
	$$(python3 --version 2>&1 || echo missing). Install one (Debian: apt install python3 python3-venv), \
	or name one: make run PYTHON=/path/to/python3.12" >&2; exit 1
