#!/usr/bin/env bash
# A real Chroma, real texts, a migration that goes wrong, the rollback, and the
# proof. Everything happens in a folder of its own, which is removed at the end.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
server=
cleanup() {
  if [[ -n $server ]]; then kill -9 "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
run() { printf '%s$ %s%s\n' "$dim" "$*" "$plain"; "$@"; }
autochrome() { bin/autochrome "$@"; }

port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
export CHROMADB_URL=http://127.0.0.1:$port AUTOCHROME_REPOSITORY=$work/snapshots

say "1. A real Chroma, with four collections of texts and their embeddings"
scripts/chroma-run.sh newest "$work/chroma" "$port" >"$work/chroma.log" 2>&1 &
server=$!
for _ in $(seq 300); do
  node -e "fetch(process.env.CHROMADB_URL + '/api/v2/heartbeat').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))" && break
  kill -0 "$server" 2>/dev/null || { cat "$work/chroma.log" >&2; exit 1; }
  sleep 0.1
done
node scripts/demo/load.mjs testdata/sample

say "2. A snapshot before the migration"
run autochrome snapshot create --name before-migration
node scripts/demo/fingerprint.mjs >"$work/before"

say "3. The migration runs, and goes wrong"
node scripts/demo/migrate.mjs
run autochrome snapshot create --name after-migration

say "4. What did it do, and what would it take to go back? (nothing is written)"
run autochrome diff before-migration live
run autochrome rollback before-migration --dry-run

say "5. Back"
run autochrome rollback before-migration --yes

prove() {
  node scripts/demo/fingerprint.mjs | tee "$work/after"
  if cmp -s "$work/before" "$work/after"; then
    echo "  every record is the same to the last bit"
  else
    diff "$work/before" "$work/after" || true
    echo "  NOT the same" >&2
    exit 1
  fi
}
say "6. The proof: another program reads every record, before and now"
prove

say "7. What each snapshot cost on disk"
run autochrome snapshot list

say "8. The same migration under guard: it is stopped early, and rolled back by itself"
code=0
run autochrome guard -- node scripts/demo/migrate.mjs 2>"$work/guard.log" || code=$?
grep -v '^{' "$work/guard.log"
echo "  exit code $code"
[[ $code == 30 ]] || exit 1
run autochrome guard show
prove
