# Two commands for a fresh machine with Python, git and make: `make bench` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
SHIPPED := build/shipped
LISTED := build/listed

.PHONY: bench test lint perf sbom audit clean

bench: $(STAMP)  ## measure the embedded llama.cpp on a model made here, print the table and where the reports are
	$(BIN)/python -m pytest benchmarks --model builtin:small --bench-rounds 3 -k "llama and (single or concurrency) and not yaml" -p no:cacheprovider --bench-html=perf/report.html $(ARGS)

test: $(STAMP)  ## every test; `make test ARGS="-m 'not e2e'"` leaves the real servers out
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

lint: $(STAMP)  ## style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

perf: $(STAMP)  ## our own error and cost beside other clients, and what baselines and verdicts cost, what grows with a suite
	$(BIN)/python -m pip install -q --group perf
	$(BIN)/python -m benchmarks.perf $(ARGS)
	$(BIN)/python -m benchmarks.perf.verdicts
	$(BIN)/python -m benchmarks.perf.scale

sbom: $(SHIPPED)/.ready $(LISTED)/.ready  ## what the package and its extras bring, with versions and licences
	mkdir -p dist
	$(LISTED)/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type library --short-PURLs --output-reproducible \
	  -o dist/sbom.cdx.json $(SHIPPED)
	@echo dist/sbom.cdx.json

audit: $(SHIPPED)/.ready $(LISTED)/.ready  ## known faults of the same packages; says so where their data cannot be had
	$(LISTED)/bin/python scripts/audit.py $(SHIPPED)/lib/python*/site-packages

# Two environments, so that what lists packages is not among them.
$(SHIPPED)/.ready: pyproject.toml $(STAMP)
	$(PYTHON) -m venv --clear --without-pip $(SHIPPED)
	$(BIN)/python -m pip --python $(SHIPPED) install -q ".[embedded,docker,hub,gpu,xdist]"
	@touch $@

$(LISTED)/.ready: pyproject.toml $(STAMP)
	$(PYTHON) -m venv --clear --without-pip $(LISTED)
	$(BIN)/python -m pip --python $(LISTED) install -q --group supply
	@touch $@

# Made anew when the dependencies change; a second run reuses it.
$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade "pip>=25.1"
	$(BIN)/python -m pip install -q -e ".[embedded,xdist,docker]" --group dev
	@touch $@

clean:  ## remove what the commands above made
	rm -rf $(VENV) $(SHIPPED) $(LISTED) perf .mypy_cache .ruff_cache .pytest_cache
