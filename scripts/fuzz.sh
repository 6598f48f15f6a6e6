#!/usr/bin/env bash
# Fuzzes targets and prints a line for each: scripts/fuzz.sh [SECONDS [TARGET...]]
#
# Whatever is found lies under fuzz/artifacts/TARGET and makes this fail. docs/guides/fuzzing.md
# says how to go on from there.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(decode roundtrip stream trust)

# Coverage as cargo-fuzz asks for it. These are flags of a stable compiler: no sanitizer is needed
# where there is no unsafe code. With --target they are kept away from build scripts and macros.
host=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module --cfg fuzzing"
for option in level=4 inline-8bit-counters pc-table trace-compares; do
    coverage+=" -Cllvm-args=-sanitizer-coverage-$option"
done
RUSTFLAGS="$coverage ${RUSTFLAGS:-}" cargo build --release --quiet \
    --manifest-path fuzz/Cargo.toml --target "$host"
binaries=${CARGO_TARGET_DIR:-fuzz/target}/$host/release

# Conformance vectors are read where they are; only a stream of several packets must be made.
seeds=(tests/conformance/v*/{valid,invalid,sealed,encrypted,streams})
mkdir -p fuzz/corpus/stream
find tests/conformance/v*/valid -name '*.lwp' -size -2 -print0 | sort -z | xargs -0 cat \
    >fuzz/corpus/stream/all-small-vectors

found_in() {
    find "$1" -type f ! -name log | wc -l
}

# What takes as long as `-timeout` has hung. It is counted by the clock: much more than any input
# takes, so that a run that gives way to everybody else is not taken for one.
fuzz() {
    local target=$1 corpus=fuzz/corpus/$1 artifacts=fuzz/artifacts/$1
    local log=$artifacts/log status=0
    mkdir -p "$corpus" "$artifacts"
    local before
    before=$(found_in "$artifacts")
    [ "$before" -eq 0 ] || echo "$target: $before inputs of earlier runs lie in $artifacts" >&2
    "$binaries/$target" "$corpus" "${seeds[@]}" -max_total_time="$seconds" -max_len=4096 \
        -dict=fuzz/packet.dict -artifact_prefix="$artifacts/" -timeout=60 -report_slow_units=60 \
        -rss_limit_mb=1024 -print_final_stats=1 >"$log" 2>&1 || status=$?
    # The last `cov:` is the number of places reached, `PCs` that of all there are.
    local executions reached places crashes
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    reached=$(sed -n 's/^#[0-9].* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    places=$(sed -n 's/^INFO: Loaded .* PC tables (\([0-9]*\) PCs).*/\1/p' "$log")
    crashes=$(($(found_in "$artifacts") - before))
    echo "$target: $seconds s, ${executions:-0} executions, coverage ${reached:-0} of ${places:-0}," \
        "$(find "$corpus" -type f | wc -l) inputs kept, $crashes crashes"
    if [ "$status" -ne 0 ] || [ "$crashes" -ne 0 ]; then
        tail -n 30 "$log" >&2
        find "$artifacts" -type f ! -name log >&2
        return 1
    fi
}

# As many targets at a time as there are processors: each computes on one.
failed=0 running=0
for target in "${targets[@]}"; do
    if [ "$running" -ge "$(nproc)" ]; then
        wait -n || failed=1
        running=$((running - 1))
    fi
    fuzz "$target" &
    running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
    wait -n || failed=1
    running=$((running - 1))
done
exit "$failed"
