#!/usr/bin/env bash
# Train in several processes on this machine, through accelerate:
#   training/launch/run.sh 4 RECIPE.yaml --data-dir DATA --run-dir RUN [KEY=VALUE ...]
# Whole frozen models in every process (DDP) by default; a piece of each layer in each (FSDP):
#   training/launch/run.sh 4 RECIPE.yaml engine.strategy=fsdp --data-dir DATA --run-dir RUN
# Without GPUs it trains on the processor, over gloo. Starting it again resumes.
set -euo pipefail
processes=$1
shift
here=$(dirname "$0")
if [[ -n "$(command -v nvidia-smi || true)" ]]; then
  exec accelerate launch --config_file "$here/accelerate.yaml" --num_processes "$processes" \
    --module latentwire train "$@"
fi
exec torchrun --standalone --nproc-per-node "$processes" --module latentwire train "$@"
