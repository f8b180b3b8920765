# make demo: environment, packages, the app on the weights in this repository. make test: environment, packages, tests.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo train test lint

demo: $(VENV)/.app
	$(BIN)/python app.py --open

train: $(VENV)/.train

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff check .

$(VENV)/.app: requirements.txt
$(VENV)/.train: requirements.txt requirements-train.txt
$(VENV)/.dev: requirements.txt requirements-train.txt requirements-web.txt requirements-dev.txt

$(VENV)/.app: REQUIREMENTS = requirements.txt
$(VENV)/.train: REQUIREMENTS = requirements-train.txt
$(VENV)/.dev: REQUIREMENTS = requirements-dev.txt

$(VENV)/.app $(VENV)/.train $(VENV)/.dev:
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -r $(REQUIREMENTS)
	touch $@
