#!/usr/bin/env bash
# chroma-run.sh oldest|newest DIR PORT [CONFIG]
#
# Runs a real Chroma server on 127.0.0.1:PORT with its data in DIR, installing
# it first where it is not there. It stays in the foreground and keeps this
# script's process id. CONFIG is a YAML file of further settings, for example
#
#     allow_reset: true
#     max_payload_size_bytes: 1000000
#
# Stop it with SIGKILL: the newest may hang on SIGTERM, and Chroma keeps
# everything it has acknowledged either way.
set -euo pipefail

if (($# < 3 || $# > 4)) || [[ ! $3 =~ ^[0-9]+$ ]]; then
    echo "usage: chroma-run.sh oldest|newest DIR PORT [CONFIG]" >&2
    exit 2
fi
server=$("$(dirname "${BASH_SOURCE[0]}")/chroma-install.sh" "$1")
mkdir -p "$2"
dir=$(cd "$2" && pwd)
port=$3

# The host is spelt out, since "localhost" could be another address.
if (($# == 3)); then
    exec "$server/start" run --path "$dir" --host 127.0.0.1 --port "$port"
fi

# Chroma takes either flags or a file, so the file gets what the flags say. It
# stands beside DIR so that DIR holds nothing but Chroma's own.
config=$dir.chroma-run.yaml
{
    printf "persist_path: '%s'\n" "${dir//\'/\'\'}"
    printf 'listen_address: 127.0.0.1\nport: %s\n' "$port"
    cat -- "$4"
} >"$config"
exec "$server/start" run "$config"
