#!/bin/sh
# Snapshot, migrate, validate, and roll back what failed.
#
#     pipeline.sh MIGRATE VALIDATE
#
# Both are commands of a shell; they find the snapshot's id in AUTOCHROME_BASE.
# It exits with 0, with 30 when it failed and was rolled back, with 31 when it
# failed and was not, and with autochrome's own code when there is no snapshot.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: pipeline.sh MIGRATE VALIDATE" >&2
    exit 2
fi

made=$(autochrome snapshot create --tag made-by=pipeline)
export AUTOCHROME_BASE="${made%% *}" # the first word is the id

back() {
    trap '' INT TERM # a second Ctrl-C shall not leave it half-way
    echo "$1; rolling back to $AUTOCHROME_BASE" >&2
    autochrome rollback "$AUTOCHROME_BASE" --yes --drop-extra || exit 31
    exit 30
}
trap 'back "it was interrupted"' INT TERM

sh -c "$1" || back "the migration failed"
sh -c "$2" || back "the validation says no"
