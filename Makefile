# `make run` serves SIP, `make test` passes the tests; both set up .venv on their own.
PYTHON ?=
BIN := .venv/bin
TYPED := $(wildcard opensips_py/*.pxd opensips_py/*/*.pxd modules/*/*.pxd)
SOURCES := $(wildcard opensips_py/_*.pyx opensips_py/*/_*.pyx) $(TYPED) $(wildcard $(TYPED:.pxd=.py))
CFG ?= cfg/residential.cfg
TORTURE ?=
BENCH ?=
COMPARE ?=
LOAD ?=
MUTATE ?=
TESTS ?= --numprocesses=3 --dist=loadfile --no-loadscope-reorder
export TORTURE

build: .venv/.installed

.PHONY: build run test lint check surface bench loadtest provider killed soak docs wheel sdist clean

.venv/.installed: setup.cfg setup.py pyproject.toml $(SOURCES)
	PYTHON=$(PYTHON) sh packaging/setup-venv.sh
	@touch $@

.venv/.test: .venv/.installed
	PYTHON=$(PYTHON) sh packaging/setup-venv.sh test,lint
	@touch $@

.venv/.load: .venv/.installed
	PYTHON=$(PYTHON) sh packaging/setup-venv.sh test,load
	@touch $@

run: .venv/.installed
ifeq ($(CFG),cfg/residential.cfg)
	@echo "opensips-py runs $(CFG): SIP on 127.0.0.1:5060, UDP and TCP; stop it with Ctrl-C."
	@echo "1. Point two phones (baresip, linphone ...) of this machine at registrar 127.0.0.1:5060 as 1001 and 1002, any password."
	@echo "2. Call sip:1002@127.0.0.1 from 1001: the other phone rings."
	@echo "3. See who is there, from another shell: $(BIN)/opensips-py mi ul_dump"
else
	@$(BIN)/opensips-py check --no-notes $(CFG)
endif
	@exec $(BIN)/opensips-py -F -E -f $(CFG)

test: .venv/.test
	$(BIN)/python -m pytest $(TESTS)

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest --mypy-config-file setup.cfg $$($(BIN)/python -c "import pathlib; print(*(str(p.with_suffix('')).replace('/', '.') for p in sorted(pathlib.Path('opensips_py').glob('**/_*.pyi')) if 'modules' not in p.parts))")

check: .venv/.installed
	$(BIN)/opensips-py check $(CFG)

surface: .venv/.test
	$(BIN)/python -m tests.surface $(if $(MUTATE),--mutate $(MUTATE))

bench: .venv/.installed
	@test -n "$(BENCH)" || { echo "name the benchmark: make bench BENCH=/path/to/bench.py" >&2; exit 1; }
	PATH="$(CURDIR)/$(BIN):$$PATH:/usr/sbin" $(BIN)/python loadtest/compare.py "$(BENCH)" $(COMPARE)

loadtest: .venv/.load
	$(BIN)/python loadtest/run.py $(LOAD)

provider: .venv/.test
	$(BIN)/python -m loadtest.provider $(LOAD)

killed: .venv/.test
	$(BIN)/python -m loadtest.killed $(LOAD)

soak: .venv/.test
	$(BIN)/python -m loadtest.soak

docs: .venv/.installed
	$(BIN)/opensips-py docs docs/reference
	$(BIN)/python -m pip install --quiet mkdocs
	$(BIN)/mkdocs build --strict --site-dir build/site

wheel: .venv/.installed
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation -w dist .
	@ls dist/*.whl

sdist: .venv/.installed
	@$(BIN)/python -c "from setuptools import build_meta; build_meta.build_sdist('dist')" >/dev/null
	@ls dist/*.tar.gz

clean:
	rm -rf build dist .venv *.egg-info
