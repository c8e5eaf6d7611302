#!/bin/sh
# Writes the four requirement files: every version and hash, for every platform, without any registry address.
set -eu
uv=$1
lock() {
    out=$1
    shift
    "$uv" pip compile --quiet --upgrade pyproject.toml "$@" --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-annotate --no-header -o "$out"
}
lock requirements-bench.txt --group dev --group bench
lock requirements-dev.txt --group dev --constraints requirements-bench.txt
lock requirements.txt --constraints requirements-bench.txt
"$uv" pip compile --quiet --upgrade --group build --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements-build.txt
