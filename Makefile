PYTHON ?= python

.PHONY: help check format lint types floors test examples slow docs clean

help: ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

check: ## everything before a commit: format, lint, types, floors, tests with the documents' examples
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(MAKE) --no-print-directory types floors test

format: ## rewrite the sources in the one format
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

lint: ## style and likely mistakes
	$(PYTHON) -m ruff check .

types: ## mypy --strict
	$(PYTHON) -m mypy

floors: ## imports go downwards only
	$(PYTHON) -c "from importlinter.cli import lint_imports_command; lint_imports_command()" --no-logo

test: ## the test suite, the documents' examples included
	$(PYTHON) -m pytest -q -n auto

examples: ## write into the documents what their commands print now
	$(PYTHON) -m tests.docs.examples

slow: ## the long sweeps
	$(PYTHON) -m pytest -q -n auto -m slow

docs: ## the manual as HTML, into build/docs (pip install '.[docs]')
	$(PYTHON) -m sphinx -b html -n -W docs build/docs

clean: ## what can be made again
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
