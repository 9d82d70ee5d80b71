"""Snapshot, migrate, validate, and roll back what failed.

    python3 pipeline.py MIGRATE VALIDATE

Both are commands of a shell; they find the snapshot's id in AUTOCHROME_BASE.
It exits with 0, with 30 when it failed and was rolled back, with 31 when it
failed and was not, and with autochrome's own code when there is no snapshot.
"""

import json
import os
import signal
import subprocess
import sys


class Failed(Exception):
    pass


def autochrome(*words):
    """Runs a command and gives its result. What it has to say goes to stderr."""
    done = subprocess.run(["autochrome", "--json", *words], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, words)
    return json.loads(done.stdout)


def step(what, command):
    if subprocess.run(command, shell=True).returncode != 0:
        raise Failed(what)


def interrupted(*_):
    raise Failed("it was interrupted")


def main(migrate, validate):
    try:
        base = autochrome("snapshot", "create", "--tag", "made-by=pipeline")["snapshot_id"]
    except subprocess.CalledProcessError as error:
        return error.returncode
    os.environ["AUTOCHROME_BASE"] = base
    signal.signal(signal.SIGINT, interrupted)
    signal.signal(signal.SIGTERM, interrupted)
    try:
        step("the migration failed", migrate)
        step("the validation says no", validate)
        return 0
    except Failed as failure:
        # A second Ctrl-C shall not leave it half-way.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(f"{failure}; rolling back to {base}", file=sys.stderr)
    try:
        done = autochrome("rollback", base, "--yes", "--drop-extra")
    except subprocess.CalledProcessError:
        return 31
    print(f"{done['compared']} records compared", file=sys.stderr)
    return 30


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(*sys.argv[1:]))
