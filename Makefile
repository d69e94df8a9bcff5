# The project's tasks. Plain `make` prints the list; .ci/run calls the same targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# The Python that .venv is made from. Asked for its base, as python3 may be .venv's own one.
PYTHON ?= python3
BASE_PYTHON := $(shell "$(PYTHON)" -c 'import sys; print(sys._base_executable)' 2>/dev/null \
	|| echo "$(PYTHON)")
VENV := .venv
RUST := sfu/rust

# Every recipe sees the environment as if activated, and cargo builds PyO3 for that Python.
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PATH := $(VIRTUAL_ENV)/bin:$(PATH)
export PYO3_PYTHON := $(VIRTUAL_ENV)/bin/python
unexport PYTHONHOME PYTHONPATH

RUST_SOURCES := $(shell find $(RUST) -name target -prune -o -type f \
	\( -name '*.rs' -o -name 'Cargo.*' \) -print)

# The shell crate is a Python module: its tests are Python's. Linking a test binary for it would
# need the Python library, which a plain Python lacks.
CARGO_TESTED := --workspace --exclude sluice-media-py

.PHONY: help
help: ## Show this list
	@echo "Sluice: live streaming that a person can run. Targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/.ready player ## Set everything up (first time: some minutes), then run the demo
	sluice demo

.PHONY: setup
setup: $(VENV)/.ready $(VENV)/.dev-locked node_modules/.locked ## Set everything up for development

.PHONY: test
# Journeys run in real time, each with a browser: two at once would be late for each other.
test: setup ## Run all tests: Rust, pages, Python and journeys in a real browser
	cargo test --manifest-path $(RUST)/Cargo.toml --locked --release $(CARGO_TESTED)
	node --test $$(find tests/signaling/web -name '*.test.js')
	pytest -n 2 --dist loadfile --ignore tests/journeys
	pytest tests/journeys

.PHONY: check
check: setup ## Check formats, types, import arrows and lints
	ruff check .
	ruff format --check .
	lint-imports --no-logo
	mypy
	python -m mypy.stubtest sfu._media --mypy-config-file pyproject.toml
	for page in $$(find signaling/web tests -name '*.js'); do node --check "$$page"; done
	cargo fmt --manifest-path $(RUST)/Cargo.toml --all --check
	cargo clippy --manifest-path $(RUST)/Cargo.toml --locked --release --workspace \
		--all-targets -- -D warnings

.PHONY: format
format: setup ## Format the Python and Rust sources
	ruff check --fix .
	ruff format .
	cargo fmt --manifest-path $(RUST)/Cargo.toml --all

SOAK_SECONDS ?= 3600

.PHONY: bench
bench: bench-live bench-sfu bench-crowd bench-hls bench-bridge bench-origin bench-chat bench-vod bench-bad-crowd ## Measure everything in docs/benchmarks.md

.PHONY: bench-live
bench-live: setup ## Measure the live path: delay, loss, viewers a core
	python -m tests.bench.live --store

.PHONY: bench-sfu
bench-sfu: setup ## Measure forwarding: cost a packet and a viewer, next to Janus and aiortc
	python -m tests.bench.sfu --store

.PHONY: bench-crowd
bench-crowd: setup ## Measure growth, a rush of viewers, and ten minutes of coming and going
	python -m tests.bench.growth --store
	python -m tests.bench.joins --store
	python -m tests.bench.churn --store

.PHONY: bench-hls
bench-hls: setup ## Measure HLS and DASH in players of others: delay, joins, stalls
	python -m tests.bench.hls --store

.PHONY: bench-bridge
bench-bridge: setup ## Measure the encoder's ladder next to ffmpeg's, passing on, and packaging
	python -m tests.bench.bridge --store

.PHONY: bench-origin
bench-origin: setup ## Measure the origin and edges: requests, and 1,000 who wait for one part
	python -m tests.bench.origin --store

.PHONY: bench-chat
bench-chat: setup ## Measure a room: 2,000 readers, 2,000 messages a second, next to plain Starlette
	python -m tests.bench.chat --store

.PHONY: bench-vod
bench-vod: setup ## Measure an hour's recording: its replay, MP4, storyboard, chapters
	python -m tests.bench.vod --store

.PHONY: bench-bad-crowd
bench-bad-crowd: setup ## Measure 300 honest viewers next to slow, half-open and flooding strangers
	python -m tests.bench.bad_crowd --store

.PHONY: soak
soak: setup ## Run an hour of coming and going (SOAK_SECONDS), and say what grows
	python -m tests.bench.soak --seconds $(SOAK_SECONDS) --store

# Three seeds take about twenty minutes on two cores; a night has time for 20.
FAULT_SEEDS ?= 3
FAULT_FLAGS ?= --store

.PHONY: faults
faults: setup ## Try every fault and attack of docs/reliability.md, FAULT_SEEDS times each (3)
	python -m tests.faults --seeds $(FAULT_SEEDS) $(FAULT_FLAGS)

.PHONY: screenshots
screenshots: setup ## Take the screenshots in docs/ again
	python -m tests.journeys.screenshots

# The counters by which libFuzzer sees what an input reaches, and checks that a release lacks.
FUZZ_SECONDS ?= 60
FUZZ_RUSTFLAGS := -Cpasses=sancov-module $(addprefix -Cllvm-args=-sanitizer-coverage-, \
	level=4 inline-8bit-counters pc-table trace-compares) \
	-Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks

.PHONY: fuzz
fuzz: setup ## Feed every parser with damaged input, FUZZ_SECONDS each (60)
	@command -v c++ >/dev/null || { echo "Missing: a C++ compiler (apt install g++)" >&2; exit 1; }
	triple=$$(rustc --print host-tuple); \
	RUSTFLAGS="$(FUZZ_RUSTFLAGS)" cargo build --manifest-path $(RUST)/Cargo.toml --locked \
		--release --target "$$triple" --target-dir .build/fuzz/target \
		-p sluice-media-fuzz --features libfuzzer; \
	python -m tests.fuzz --seconds $(FUZZ_SECONDS) \
		--binary ".build/fuzz/target/$$triple/release/sluice-media-fuzz"

.PHONY: lock
lock: ## Resolve the dependencies again and rewrite the lock files
	.ci/lock "$(BASE_PYTHON)"

# Its tools have an environment of their own: nothing of them is needed to run or to test.
AUDIT := .build/audit

.PHONY: audit
audit: $(AUDIT)/.locked ## Look for known faults in what is locked: pip-audit, cargo-deny
	.ci/audit $(AUDIT)/bin

.PHONY: sbom
sbom: $(AUDIT)/.locked ## Write the list of all parts, CycloneDX, to .build/sbom.json
	$(AUDIT)/bin/cyclonedx-py requirements --output-reproducible --of JSON \
		--pyproject pyproject.toml -o .build/sbom-python.json requirements.txt
	"$(BASE_PYTHON)" .ci/sbom .build/sbom-python.json $(RUST)/Cargo.lock package-lock.json \
		.build/sbom.json

.PHONY: clean
clean: ## Remove everything that was built; channels and recordings in .sluice stay
	rm -rf $(VENV) $(RUST)/target .build node_modules signaling/web/lib
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find sfu -maxdepth 1 -name '_media*.so' -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf mobile-sim/*.egg-info

# How the environment is made. Each stamp is older than what it was made from only when that
# changed: a lock file, a pyproject.toml, a Rust source.

.PHONY: tools
tools:
	@.ci/check-tools "$(BASE_PYTHON)"

$(VENV)/.locked: requirements.txt | tools
	@echo "Installing the locked Python packages"
	"$(BASE_PYTHON)" -m venv --clear $(VENV)
	pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

$(VENV)/.dev-locked: requirements-dev.txt $(VENV)/.locked
	@echo "Installing the locked Python packages for tests and checks"
	pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

$(AUDIT)/.locked: .ci/requirements-audit.txt
	"$(BASE_PYTHON)" -m venv --clear $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

# PIP_NO_INDEX: what pyproject.toml asks for must be in the lock file, or this says what is not.
$(VENV)/.media-built: $(RUST_SOURCES) pyproject.toml $(VENV)/.locked | tools
	@echo "Building the media plane (the first time: 3 to 5 minutes on two cores)"
	PIP_NO_INDEX=1 PIP_QUIET=1 maturin develop --release --locked
	touch $@

$(VENV)/.mobile-sim: mobile-sim/pyproject.toml $(VENV)/.locked
	pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e mobile-sim
	touch $@

# hls.js for the watch page, and for tests two players more. Only hls.js is ever served.
HLS_JS := signaling/web/lib/hls.mjs

node_modules/.locked: package.json package-lock.json | tools
	@command -v npm >/dev/null || { echo "Missing: Node 20 with npm" >&2; exit 1; }
	@echo "Installing the locked Node packages"
	npm ci --silent --no-progress
	$(MAKE) $(HLS_JS)
	touch $@

$(HLS_JS): package-lock.json
	[ -d node_modules/hls.js ] || npm ci --silent --no-progress --omit=dev
	mkdir -p $(@D)
	sed '/^\/\/# sourceMappingURL=/d' node_modules/hls.js/dist/hls.min.mjs >$@

# Without Node the demo runs all the same: browsers then play WebRTC, and HLS by themselves at most.
.PHONY: player
player: ## Install hls.js for the watch page, if npm is there
	@if command -v npm >/dev/null; then \
		$(MAKE) $(HLS_JS) || echo "hls.js could not be installed: HLS will not play in most browsers"; \
	else \
		echo "npm is missing: HLS will not play in most browsers, WebRTC does"; \
	fi

$(VENV)/.ready: $(VENV)/.media-built $(VENV)/.mobile-sim
	touch $@
