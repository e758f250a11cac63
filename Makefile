# make demo | test | test-integrations | lint | clean, with Python 3.10 to 3.13 and nothing else: make PYTHON=python3.12 demo
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python -m

.PHONY: demo test test-integrations lint clean

demo: $(VENV)/.installed ## paint the lighthouse into renders/demo
	$(RUN) nst3d.cli.main demo --out renders/demo --overwrite

test: $(VENV)/.installed
	$(RUN) pytest -n 2 --dist loadfile --durations=15

test-integrations: ## with nerfstudio, PyTorch3D, Open3D and gsplat: 8 GB, made once
	.ci/integrations $(PYTHON)
	.venv-integrations/bin/python -m pytest -p no:dash tests/integrations

lint: $(VENV)/.installed
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy

clean:
	rm -rf .venv .venv-integrations build dist renders/demo .pytest_cache .mypy_cache .ruff_cache
	find nst3d tests scenes benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.installed: pyproject.toml constraints.txt .ci/install
	.ci/install $(PYTHON) $(VENV)
