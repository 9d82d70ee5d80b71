#!/usr/bin/env bash
# other-readers.sh
#
# Puts programs that read what an export writes, and that were written by others,
# into .cache of the project (or into $AUTOCHROME_CACHE), and prints the folder in
# which node_modules is: jq, DuckDB, and Arrow's own reader of Parquet, which knows
# of lists of one length.
set -euo pipefail

packages=(jq-wasm@1.0.1 @duckdb/node-api@1.5.6-r.1 parquet-wasm@0.8.0 apache-arrow@21.2.0)

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
sum=$(printf '%s\n' "${packages[@]}" | sha256sum)
folder=${AUTOCHROME_CACHE:-$root/.cache}/other-readers/${sum:0:12}
if [[ -d $folder ]]; then
    echo "$folder"
    exit
fi
mkdir -p "${folder%/*}"
tmp=$(mktemp -d "${folder%/*}/tmp.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
if ! npm install --prefix "$tmp/readers" --cache "$tmp/npm" --no-save --no-package-lock \
    --ignore-scripts --no-audit --no-fund --loglevel=error "${packages[@]}" >"$tmp/npm.log" 2>&1; then
    tail -n 15 "$tmp/npm.log" >&2
    echo "other-readers: npm could not install ${packages[*]}: see its words above" >&2
    exit 1
fi
# Somebody else may have been faster; then theirs is as good.
mv -T "$tmp/readers" "$folder" 2>/dev/null || [[ -d $folder ]]
echo "$folder"
