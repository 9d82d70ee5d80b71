#!/usr/bin/env bash
# chroma-client.sh
#
# Puts the official JavaScript client of Chroma, without the server that it can
# bring along, into .cache/chroma of the project (or into
# $AUTOCHROME_CACHE/chroma), and prints the folder in which node_modules is.
set -euo pipefail

version=3.5.0

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${AUTOCHROME_CACHE:-$root/.cache}/chroma/client-$version
if [[ -d $folder ]]; then
    echo "$folder"
    exit
fi
mkdir -p "${folder%/*}"
tmp=$(mktemp -d "${folder%/*}/tmp-client.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
if ! npm install --prefix "$tmp/client" --cache "$tmp/npm" --omit=optional --no-save --no-package-lock \
    --ignore-scripts --no-audit --no-fund --loglevel=error "chromadb@$version" >"$tmp/npm.log" 2>&1; then
    tail -n 15 "$tmp/npm.log" >&2
    echo "chroma-client: npm could not install chromadb@$version: see its words above" >&2
    exit 1
fi
# Somebody else may have been faster; then theirs is as good.
mv -T "$tmp/client" "$folder" 2>/dev/null || [[ -d $folder ]]
echo "$folder"
