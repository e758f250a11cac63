# make demo | test | lint | clean, with Python 3.10 to 3.13 and nothing else: make PYTHON=python3.12 demo
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python -m

.PHONY: demo test lint clean

demo: $(VENV)/.installed ## paint the lighthouse into renders/demo
	$(RUN) nst3d.cli.main demo --out renders/demo --overwrite

test: $(VENV)/.installed
	$(RUN) pytest

lint: $(VENV)/.installed
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy

clean:
	rm -rf .venv build dist renders/demo .pytest_cache .mypy_cache .ruff_cache
	find nst3d tests scenes benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.installed: pyproject.toml constraints.txt .ci/install
	.ci/install $(PYTHON) $(VENV)
