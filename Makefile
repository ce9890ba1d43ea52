# What maintainers run. `make help` lists it.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: help install check format test test-slow docs docs-serve coverage lowest changelog dist clean

help: ## List these
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

install: $(BIN)/xlbench ## A virtual environment with all that the tests need

$(BIN)/xlbench: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt -e '.[test]'
	@touch $@

check: install ## ruff, mypy, contracts of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## Format and sort imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: install ## The default tests
	$(BIN)/pytest -n 2

test-slow: install ## The tests marked slow
	$(BIN)/pytest -m slow

docs: install ## The documentation site, in build/site; a warning is an error
	$(BIN)/pip install -q -c constraints.txt -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

docs-serve: docs ## The same, served on this machine while pages are written
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

coverage: install ## The default tests with coverage of the packages, as a table
	$(BIN)/pip install -q -e '.[maintain]'
	$(BIN)/pytest -n 2 --cov --cov-report=term

lowest: ## The default tests with the lowest versions that pyproject.toml allows
	$(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/bin/pip install -q uv
	$(VENV)-lowest/bin/uv pip install -q --python $(VENV)-lowest/bin/python --resolution lowest-direct -e '.[test]'
	$(VENV)-lowest/bin/pytest -n 2

changelog: install ## The section of the next release; VERSION=X.Y.Z writes it and removes the fragments
	$(BIN)/pip install -q -e '.[maintain]'
	$(BIN)/towncrier build $(if $(VERSION),--yes --version $(VERSION),--draft --version unreleased)

dist: ## Source archive and wheel, checked
	rm -rf dist
	$(PYTHON) -m venv $(VENV)-dist
	$(VENV)-dist/bin/pip install -q build twine
	$(VENV)-dist/bin/python -m build -q
	$(VENV)-dist/bin/twine check --strict dist/*

clean: ## Remove what these made
	rm -rf dist build $(VENV)-dist $(VENV)-lowest .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
