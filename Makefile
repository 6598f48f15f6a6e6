# What people type and what CI runs. `make demo` first, `make test` second.

# Training and timing on glibc: keep freed memory instead of giving it back after every step.
export MALLOC_MMAP_MAX_ ?= 0
export MALLOC_TRIM_THRESHOLD_ ?= 16000000000
export MALLOC_TOP_PAD_ ?= 268435456

# torch and transformers are 3,000 modules: compiling them anew in each process takes ten seconds.
unexport PYTHONDONTWRITEBYTECODE

RUN := uv run --no-sync
DATA ?= ../shared/data
RUNS ?= runs
SECONDS ?= 60

.PHONY: help setup demo test test-rust test-python lint format generate check-generated \
        fuzz bench figures train-tiny wheel clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: ## build the native module and the environment
	uv sync --all-extras --quiet

demo: setup ## two hosts, real sentences, packets between them
	$(RUN) latentwire demo

test: setup test-rust test-python ## every test

test-rust:
	cargo test --workspace --quiet
	cargo test --package latentwire --no-default-features --quiet

test-python:
	$(RUN) pytest

lint: setup ## formats, lints, types
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy

format: ## apply the formatters
	cargo fmt --all
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

generate: setup ## write the generated files: protocol code, conformance vectors
	$(RUN) python scripts/generate_proto.py
	cargo run --quiet --package latentwire --example conformance -- write tests/conformance

check-generated: setup ## fail if a generated file differs from what its generator writes
	$(RUN) python scripts/generate_proto.py --check
	cargo run --quiet --package latentwire --example conformance -- check tests/conformance

fuzz: ## fuzz every reader of bytes for SECONDS each
	scripts/fuzz.sh $(SECONDS)

bench: setup ## time the codec in Rust and through Python, and packets beside other serializers
	cargo bench --package latentwire
	$(RUN) pytest benchmarks --benchmark-enable --benchmark-only
	$(RUN) latentwire bench wire

figures: setup ## the accuracy figures of the README, on whole test splits (about half an hour)
	$(RUN) latentwire eval --data-dir $(DATA) --output benchmarks/results \
	  --targets benchmarks/targets/first-slice.json

train-tiny: setup ## the shipped models and parts from nothing (hours); resumes
	for model in tiny-llama tiny-qwen; do \
	  $(RUN) python training/pretrain_tiny.py $$model --data-dir $(DATA) --run-dir $(RUNS)/$$model && \
	  $(RUN) python training/publish_tiny.py model $(RUNS)/$$model || exit 1; \
	done
	$(RUN) latentwire train training/recipes/tiny.yaml --data-dir $(DATA) --run-dir $(RUNS)/tiny-v1
	$(RUN) python training/publish_tiny.py space $(RUNS)/tiny-v1

wheel: ## one abi3 wheel for this platform, under dist/
	uv build --wheel --quiet

clean:
	rm -rf target dist .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
