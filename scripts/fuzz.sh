#!/usr/bin/env bash
# fuzz.sh TIME [plain]
#
# Runs every fuzz target of the project for TIME (30s, 1000x). Each package's
# targets are built once. A finding ends it, and stands in testdata/fuzz of the
# package; what widened the coverage is kept in Go's cache.
#
# plain: without instrumentation, which needs all packages built once more. Then
# inputs are changed at random, and nothing guides the changes. With a number of
# inputs instead of a duration a busy machine is only slower.
set -euo pipefail
cd "$(dirname "$0")/.."

time=$1
instrument=(-fuzz=.)
[ "${2:-}" != plain ] || instrument=()
go=${GO:-go}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=$("$go" env GOCACHE)/fuzz

grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n 1 dirname | sort -u | while read -r folder; do
    package=$("$go" list "$folder")
    "$go" test -c "${instrument[@]}" -o "$work/test" "$package"
    grep -h '^func Fuzz' "$folder"/*_test.go | sed 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/' | sort | while read -r target; do
        printf '%s %s\n' "$package" "$target"
        if ! (cd "$folder" && "$work/test" -test.run='^$' -test.fuzz="^$target\$" -test.fuzztime="$time" \
            -test.fuzzminimizetime=5s -test.fuzzcachedir="$cache/$package") >"$work/out" 2>&1; then
            cat "$work/out"
            exit 1
        fi
    done
done
