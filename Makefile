# Two commands matter: `make demo` and `make test`. Both set up everything they need in .venv.
PYTHON ?= python3.11
PIP = .venv/bin/python -m pip --disable-pip-version-check
DEMO = build/demo

.PHONY: demo test test-fast lint format wheel bench docs clean

demo: .venv/.base
	.venv/bin/python scripts/demo.py --out $(DEMO)

test: .venv/.dev lint
	.venv/bin/python -m pytest -q -m "not slow" -n 2
	.venv/bin/python -m pytest -q -m slow -n 2
	$(MAKE) --no-print-directory wheel

test-fast: .venv/.dev
	.venv/bin/python -m pytest -q -m "not slow" -n 2

lint: .venv/.dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/basedpyright --level error

format: .venv/.dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

# The wheel must work alone: an editable install hides files that packaging forgot.
wheel: .venv/.dev
	bash scripts/check_wheel.sh

bench: .venv/.dev
	.venv/bin/python scripts/bench_extract.py --peer-python .venv/bin/python

docs: .venv/.dev
	.venv/bin/python -m pytest -q docs README.md

clean:
	rm -rf build dist *.egg-info .venv

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.base: pyproject.toml setup.py constraints.txt | .venv/bin/python
	$(PIP) install --quiet -c constraints.txt -e ".[report,matrix]"
	touch $@

# basedpyright cannot follow the editable finder, so it gets links to the rooms.
.venv/.dev: .venv/.base
	$(PIP) install --quiet -c constraints.txt -e ".[dev]"
	rm -rf .venv/types && mkdir -p .venv/types/phenotext
	for room in nlp annotations models pipelines; do ln -s "$(CURDIR)/$$room" ".venv/types/phenotext/$$room"; done
	for file in __init__.py __main__.py py.typed; do ln -s "$(CURDIR)/pipelines/root/$$file" ".venv/types/phenotext/$$file"; done
	touch $@
