# Two commands matter: `make app` and `make test`. The second time they install nothing and need no network.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 8501
HOST   ?= localhost
DEVICE ?= auto
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help app wasm test test-browsers coverage lint bench bench-load bench-class docs mutation screenshots animation

help:
	@echo "make app      the dashboard on http://$(HOST):$(PORT)   (PORT=, HOST=, DATA=folder of cases, DEVICE=auto|cpu|cuda)"
	@echo "make test     the whole test suite, browser tests included where Chromium is on the machine (WORKERS=2 processes)"
	@echo "make test-browsers   the Lab in Firefox and WebKit; fails where one is missing (make test skips them there)"
	@echo "make coverage the same tests; lines and branches of perfcore and pages that they run"
	@echo "make lint     ruff, mypy, the import contract; tsc and eslint on the JavaScript"
	@echo "make docs     the documentation as a static site in out/docs"
	@echo "make wasm     the browser engine's kernel from its C source (clang 16)"
	@echo "make mutation mutation testing of the numerical core (about 10 minutes)"
	@echo "make bench    the speed ratios that the README quotes"
	@echo "make bench-load   thirty people at once, and two thousand in a row (about 15 minutes)"
	@echo "make bench-class  a class of 300 people, and of 30 (about 10 minutes)"

# pip takes the CPU build of torch where the default index holds it; TORCH_INDEX= names another index.
$(VENV)/runtime.stamp: requirements.txt
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -r requirements.txt
	@touch $@

$(VENV)/test.stamp: tests/requirements.txt $(VENV)/runtime.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@

$(VENV)/tools.stamp: tools/requirements.txt $(VENV)/test.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tools/requirements.txt
	@touch $@

app: $(VENV)/runtime.stamp
	AIF_LAB_DATA="$(DATA)" AIF_LAB_EVALUATION="$(EVALUATION)" AIF_LAB_DEVICE="$(DEVICE)" $(BIN)/streamlit run app.py --server.port $(PORT) --server.address $(HOST)

# Two runs: Playwright keeps an event loop running in its process, and no Dask client starts beside it.
# Groups of tests are started in the order of the collection (tests/conftest.py).
PYTEST = -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

test: $(VENV)/test.stamp
	$(BIN)/python $(PYTEST) --ignore=tests/e2e
	$(BIN)/python $(PYTEST) tests/e2e

test-browsers: $(VENV)/test.stamp
	AIF_LAB_BROWSERS=required $(BIN)/python -m pytest -m browser -k "firefox or webkit" tests/e2e

coverage: export COVERAGE_FILE = $(CURDIR)/out/coverage/data
coverage: $(VENV)/test.stamp
	@rm -rf out/coverage && mkdir -p out/coverage
	$(BIN)/coverage run $(PYTEST) --ignore=tests/e2e
	$(BIN)/coverage run $(PYTEST) tests/e2e
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage html --quiet --directory out/coverage/html
	$(BIN)/coverage report --sort=cover

# The browser's JavaScript is checked by pinned tools from the npm registry; with the stamp there, without a network.
node_modules/lint.stamp: package.json package-lock.json
	npm ci --silent --no-audit --no-fund
	@touch $@

lint: $(VENV)/test.stamp node_modules/lint.stamp
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	npm run --silent types
	npm run --silent lint

bench: $(VENV)/test.stamp
	$(BIN)/python -m perfcore benchmark --out out/benchmark.json
	$(BIN)/python -m tools.measure_lab
	$(BIN)/python -m tools.measure_engine

bench-load: $(VENV)/test.stamp
	$(BIN)/python -m tests.load

bench-class: $(VENV)/test.stamp
	$(BIN)/python -m tools.class_load

# Every warning of Sphinx is an error: a broken reference or formula fails the build.
docs: $(VENV)/tools.stamp
	PYTHONPATH=. $(BIN)/sphinx-build --fail-on-warning --fresh-env --quiet -b html docs out/docs
	@echo "out/docs/index.html"

# Configured in pyproject.toml; `mutmut results` lists the survivors, `mutmut show NAME` a mutant's diff.
mutation: $(VENV)/tools.stamp
	$(BIN)/mutmut run
	$(BIN)/mutmut export-cicd-stats
	@cat mutants/mutmut-cicd-stats.json

# The engine's kernel; the result is committed. Clang 16 with its WebAssembly target and wasm-ld.
CLANG ?= clang-16
WASM  := pages/live/frontend/engine/peak.wasm
wasm:
	$(CLANG) --target=wasm32 -O3 -msimd128 -nostdlib -Wl,--no-entry -Wl,--strip-all -Wl,--export=__heap_base -o $(WASM) $(WASM:.wasm=.c)

screenshots: $(VENV)/test.stamp
	$(BIN)/python -m tools.screenshots

animation: $(VENV)/test.stamp
	$(BIN)/python -m tools.animation
