# Set-up, demo and checks of remalis. `make help` lists the targets.

# Any Python from 3.11 on that can make virtual environments; say PYTHON=/path/to/python to choose another.
PYTHON ?= python3
# Which build of torch: empty takes the one that the package index prefers, `cpu` or a CUDA tag such as `cu130`
# asks for that build (PIP_EXTRA_INDEX_URL may have to name the index that carries it).
TORCH_BUILD ?=
# How many tests run at once, each in its own process.
WORKERS ?= 2

VENV := .venv
PY := $(VENV)/bin/python
# The stamp carries a checksum of all that decides what is installed, so a changed lock file is installed by itself.
KEY := $(shell (cat requirements.lock pyproject.toml; echo '$(TORCH_BUILD)') | cksum | tr -cd '0-9')
STAMP := $(VENV)/.stamp-$(KEY)
export PYTHONUNBUFFERED := 1
# A pipe fails where its first part does.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

.PHONY: help venv system browser demo test test-full lint bench lock clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

venv: $(STAMP)  ## make .venv from requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) scripts/check_python.py
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "Installing what requirements.lock names into $(VENV) (about 3 GB, a few minutes the first time)"
	@sed -E 's/^torch==.*/&$(if $(TORCH_BUILD),+$(TORCH_BUILD))/' requirements.lock > $(VENV)/requirements.txt
	@$(PY) -m pip install --disable-pip-version-check --progress-bar off -r $(VENV)/requirements.txt \
		| awk -v all=$$(grep -c == $(VENV)/requirements.txt) '/^Collecting/ && ++n % 10 == 0 { print "  " n " of " all \
		" packages found"; fflush() } /^Installing collected/ { print "  writing them"; fflush() }'
	@$(PY) -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.stamp-*
	@touch $@

system: $(STAMP)  ## find or install the system libraries that SUMO needs
	@bash scripts/system_libraries.sh $(PY)

browser: $(STAMP)  ## find or install Chromium
	@bash scripts/browser.sh $(VENV)

demo: system  ## train a team on `easy` for two minutes, compare it, write runs/demo/report.html
	@bash scripts/browser.sh --optional $(VENV)
	@$(VENV)/bin/remalis demo

test: system  ## every test but the long ones
	@bash scripts/browser.sh --optional $(VENV)
	@$(PY) -m pytest -x -q -m "not full" -n $(WORKERS) --dist loadfile

test-full: system  ## every test
	@bash scripts/browser.sh --optional $(VENV)
	@$(PY) -m pytest -q -n $(WORKERS) --dist loadfile

lint: $(STAMP)  ## style, format and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: system  ## speed of the environments, beside other people's
	@$(PY) benchmarks/speed.py traffic

lock:  ## resolve requirements.lock anew in an environment of its own
	@$(PYTHON) scripts/lock.py

clean:  ## remove .venv, builds and caches (results under runs/ stay)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
