"""Gives every record of a collection a metadata key. Python alone is enough.

    autochrome guard -- python3 migrate.py COLLECTION [--fail]
"""

import json
import os
import sys
import urllib.parse
import urllib.request

BATCH = 100

url = os.environ.get("CHROMADB_URL", "http://localhost:8000")
tenant = os.environ.get("CHROMA_TENANT", "default_tenant")
database = os.environ.get("CHROMA_DATABASE", "default_database")


def ask(method, path, body=None):
    request = urllib.request.Request(
        f"{url}/api/v2/tenants/{tenant}/databases/{database}/collections/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def main(name, fail):
    collection = ask("GET", urllib.parse.quote(name))["id"]
    ids = ask("POST", f"{collection}/get", {"include": []})["ids"]
    for first in range(0, len(ids), BATCH):
        if fail and first >= len(ids) / 2:
            sys.exit("it fails half-way")
        batch = ids[first : first + BATCH]
        ask("POST", f"{collection}/update", {"ids": batch, "metadatas": [{"language": "en"}] * len(batch)})
    print(f"{len(ids)} records of {name}")


if __name__ == "__main__":
    arguments = [a for a in sys.argv[1:] if a != "--fail"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    main(arguments[0], "--fail" in sys.argv)
