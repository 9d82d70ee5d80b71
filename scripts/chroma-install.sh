#!/usr/bin/env bash
# chroma-install.sh [oldest|newest]...
#
# Puts the real Chroma server, in the oldest and the newest version that
# Autochrome is tested against, into .cache/chroma of the project (or into
# $AUTOCHROME_CACHE/chroma), and prints the folder of each, one per line. In it
# stands `start`, which runs Chroma's command line. Nothing outside that folder
# is written, and nothing needs root.
#
# The server is a native module from npm. A folder gets its name only after the
# server in it has answered once, so a folder that is there is complete.
set -euo pipefail

die() {
    printf 'chroma-install: %s\n' "$*" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null 2>&1 || die "$1 is missing: $2"
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${AUTOCHROME_CACHE:-$root/.cache}/chroma

case "$(uname -s)-$(uname -m)" in
Linux-x86_64) platform=linux-x64-gnu ;;
Linux-aarch64 | Linux-arm64) platform=linux-arm64-gnu ;;
Darwin-x86_64) platform=darwin-x64 ;;
Darwin-arm64) platform=darwin-arm64 ;;
*) die "Chroma has no server for $(uname -s) on $(uname -m): use Linux or macOS on x86-64 or arm64" ;;
esac

# binding VERSION: the version of the npm package. Only Linux on x86-64 ever
# got 1.0.5; 1.0.1 is the release before it that the others have.
binding() {
    case "$1-$platform" in
    oldest-linux-x64-gnu) echo 1.0.5 ;;
    oldest-*) echo 1.0.1 ;;
    newest-*) echo 1.3.4 ;;
    *) die "unknown version '$1': say oldest or newest" ;;
    esac
}

# libraries VERSION: the Debian release to borrow the C library from, or
# nothing where the host's own is new enough.
libraries() {
    [[ $platform == linux-* ]] || return 0
    local wanted=34 have
    [[ $1 == oldest ]] || wanted=39
    have=$(getconf GNU_LIBC_VERSION 2>/dev/null) || die "this system has no glibc, which Chroma's server needs: use Debian or Ubuntu"
    have=${have##*.}
    ((have < wanted)) || return 0
    [[ $(codename) == bookworm ]] || die "Chroma '$1' needs glibc 2.$wanted and here is 2.$have: use Debian 12 or newer, or Ubuntu 24.04 or newer"
    echo trixie
}

codename() {
    # shellcheck disable=SC1091 # the host's own description of itself
    (. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}") || true
}

# sources FROM TO FOLDER: the host's own apt sources, for another release. Only
# the release itself, its updates and its security fixes are taken: whatever
# else the host uses may not exist for the other release.
sources() {
    local from=$1 to=$2 folder=$3 list='' parts='' file n=0
    eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
    for file in "$list" "${parts%/}"/*.list; do
        [[ -r $file ]] || continue
        n=$((n + 1))
        awk -v from="$from" -v to="$to" '
            /^[ \t]*deb[ \t]/ && $0 ~ ("[ \t]" from "(-updates|-security)?[ \t/]") {
                sub("[ \t]" from, " " to)
                print
            }' "$file" >"$folder/$n.list"
    done
    for file in "${parts%/}"/*.sources; do
        [[ -r $file ]] || continue
        n=$((n + 1))
        awk -v from="$from" -v to="$to" '
            BEGIN { RS = "" }
            {
                lines = split($0, line, "\n")
                stanza = ""
                found = 0
                for (i = 1; i <= lines; i++) {
                    if (line[i] ~ /^#/) continue
                    if (line[i] ~ /^Suites:/) {
                        words = split(line[i], word, /[ \t]+/)
                        line[i] = "Suites:"
                        for (j = 2; j <= words; j++)
                            if (word[j] ~ ("^" from "(-updates|-security)?/?$")) {
                                sub("^" from, to, word[j])
                                line[i] = line[i] " " word[j]
                                found = 1
                            }
                    }
                    stanza = stanza line[i] "\n"
                }
                if (found) print stanza
            }' "$file" >"$folder/$n.sources"
    done
}

# borrow RELEASE FOLDER: unpacks that release's C library and its kin. apt
# works in folders of its own, and the host's hooks are cleared, because they
# would clean the host's cache.
borrow() {
    local release=$1 folder=$2 apt
    need apt-get "it brings the newer C library that this Chroma needs"
    need dpkg "it unpacks the newer C library that this Chroma needs"
    apt=$(mktemp -d "$tmp/apt.XXXXXX")
    mkdir -p "$apt"/{sources,packages,state/lists/partial,cache/archives/partial} "$folder"
    : >"$apt/state/status"
    sources "$(codename)" "$release" "$apt/sources"
    cat >"$apt/apt.conf" <<EOF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets::deb::DEP-11;
#clear Acquire::IndexTargets::deb::DEP-11-icons-small;
#clear Acquire::IndexTargets::deb::DEP-11-icons;
#clear Acquire::IndexTargets::deb::DEP-11-icons-hidpi;
APT::Sandbox::User "root";
Acquire::Languages "none";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$apt/sources";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$apt/state";
Dir::State::lists "$apt/state/lists";
Dir::State::status "$apt/state/status";
Dir::Cache "$apt/cache";
Dir::Cache::archives "$apt/cache/archives";
EOF
    # One source that does not answer need not matter: the download decides.
    apt-get -q -c "$apt/apt.conf" update >"$apt/log" 2>&1 || true
    if ! (cd "$apt/packages" && apt-get -q -c "$apt/apt.conf" download libc6 libgcc-s1 libstdc++6) >>"$apt/log" 2>&1; then
        tail -n 15 "$apt/log" >&2
        die "the C library of Debian $release could not be downloaded: see apt's words above"
    fi
    for apt in "$apt"/packages/*.deb; do
        dpkg -x "$apt" "$folder"
    done
}

# install VERSION FOLDER
install() {
    local version=$1 folder=$2 name=chromadb-js-bindings-$platform release built
    need node "install Node.js 18 or newer"
    need npm "install it beside Node.js"
    printf 'chroma-install: installing %s (%s)\n' "$version" "${folder##*/}" >&2
    built=$tmp/built
    mkdir -p "$built"
    if ! npm install --prefix "$built" --cache "$tmp/npm" --no-save --no-package-lock \
        --ignore-scripts --no-audit --no-fund --loglevel=error "$name@$(binding "$version")" >"$tmp/npm.log" 2>&1; then
        tail -n 15 "$tmp/npm.log" >&2
        die "npm could not install $name: see its words above"
    fi

    cat >"$built/run.mjs" <<EOF
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

// Whoever sets this holds the other end of standard input: when they are gone,
// however they went, so is the server. Chroma blocks the main thread, hence a
// thread of its own; and it can hang on SIGTERM, hence SIGKILL.
if (process.env.AUTOCHROME_DIE_WITH_STDIN) {
  new Worker(
    "require('fs').readSync(0, Buffer.alloc(1)); process.kill(process.pid, 'SIGKILL')",
    { eval: true },
  );
}

createRequire(import.meta.url)('$name').cli(['chroma', ...process.argv.slice(2)]);
EOF

    release=$(libraries "$version")
    if [[ -z $release ]]; then
        cat >"$built/start" <<'EOF'
#!/usr/bin/env bash
exec node "$(dirname "$0")/run.mjs" "$@"
EOF
    else
        borrow "$release" "$built/libraries"
        # The loader takes a program, not a script such as a version manager's
        # node, so node is asked where it lies.
        cat >"$built/start" <<'EOF'
#!/usr/bin/env bash
here=$(cd "$(dirname "$0")" && pwd)
libraries=$(echo "$here"/libraries/usr/lib/*-linux-gnu)
exec "$(echo "$libraries"/ld-linux-*)" --library-path "$libraries" \
    "$(node -p process.execPath)" "$here/run.mjs" "$@"
EOF
    fi
    chmod +x "$built/start"
    # Emptied, or the server would take this standard input for its lifeline.
    if ! AUTOCHROME_DIE_WITH_STDIN='' "$built/start" --version >"$tmp/start.log" 2>&1 </dev/null; then
        tail -n 15 "$tmp/start.log" >&2
        die "Chroma '$version' was installed but does not start: see its words above"
    fi
    # rename(2), because mv would move into a folder that appeared meanwhile.
    node -e 'fs.renameSync(process.argv[1], process.argv[2])' "$built" "$folder" 2>/dev/null ||
        [[ -x $folder/start ]] || die "cannot rename $built to $folder"
    rm -rf "$tmp"
}

(($#)) || set -- oldest newest
for version; do
    package=$(binding "$version")
    release=$(libraries "$version")
    folder=$cache/$package-$platform${release:+-$release}
    if [[ ! -x $folder/start ]]; then
        mkdir -p "$cache" 2>/dev/null || die "cannot write to $cache: set AUTOCHROME_CACHE to a folder of yours"
        # The lock spares the second of two runs the download. Where there is no
        # flock both download, and the first to rename wins.
        if command -v flock >/dev/null 2>&1; then
            exec 9>"$cache/lock"
            flock 9
            rm -rf "$cache"/tmp.* # of a run that was killed
        fi
        if [[ ! -x $folder/start ]]; then
            tmp=$(mktemp -d "$cache/tmp.XXXXXX")
            trap 'rm -rf "$tmp"' EXIT
            install "$version" "$folder"
        fi
    fi
    printf '%s\n' "$folder"
done
