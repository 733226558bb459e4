# Everything that a person or CI runs. `make demo` and `make test` set up what they
# need in .venv, from the locked versions.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-float32 test-studies test-long lint types imports check lock clean

demo: $(READY)
	$(BIN)/hyperlimit complete --data mnist --train 500 --test 100 --compare --out out

# Two processes, for two cores; a file's tests share what they set up.
PYTEST := $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# In double precision, and every example of the documentation.
test: $(READY)
	$(PYTEST) --quiet --doctest-modules src/hyperlimit
	$(PYTEST)

test-float32: $(READY)
	HYPERLIMIT_TEST_PRECISION=float32 $(PYTEST) --quiet tests/activations \
	  tests/distributed tests/dynamics tests/empirical tests/estimators \
	  tests/feature_learning tests/finite tests/layers tests/likelihood tests/linalg \
	  tests/limits tests/meta_wide tests/numerics tests/regression tests/training \
	  tests/widths

# Every study at its quick size, which is half a minute each.
test-studies: $(READY)
	$(PYTEST) --quiet -m study tests/studies

test-long: $(READY)
	$(PYTEST) -m long

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/ty check src

imports: $(READY)
	$(BIN)/lint-imports

check: lint types imports test test-float32 test-studies

# Needs uv. The lock names versions and hashes and no index, so that pip and uv
# install it from wherever they are set up to look.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	  --extra data --extra words --extra cluster --group dev --no-annotate \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	  --output-file requirements/lock.txt

$(READY): pyproject.toml requirements/lock.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lock.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

clean:
	rm -rf $(VENV) out
