# Sourced by scripts/run and scripts/test, after `root` is set to the repository: makes .venv with
# the locked dependencies and this package in it, and sets `bin` to its programs.
# It does nothing when .venv is already in step with the lock and in its place.

bin="$root/.venv/bin"

say() { printf '%s\n' "$*" >&2; }

is_new_enough() { # PYTHON
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3.13 python3.12 python3.11 python3; do
        if is_new_enough "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    say "citygrid needs Python 3.11 or newer with its venv module; none of python3.13, python3.12,"
    say "python3.11 and python3 is one. Install it (Debian, Ubuntu: apt install python3-venv) or"
    say "name one: PYTHON=/path/to/python3.12 $0"
    return 1
}

make_environment() {
    local python lock project
    if ! is_new_enough "$bin/python"; then
        python="$(find_python)"
        say "[1/3] making .venv with $("$python" --version)"
        "$python" -m venv --clear "$root/.venv"
    fi
    lock="$(cksum <"$root/requirements.lock")"
    if [ "$lock" != "$(cat "$root/.venv/locked" 2>/dev/null || true)" ]; then
        say "[2/3] installing the locked dependencies (the first time takes a few minutes)"
        "$bin/python" -m pip install --quiet --quiet --disable-pip-version-check --no-input \
            --no-deps --require-hashes --requirement "$root/requirements.lock"
        printf '%s\n' "$lock" >"$root/.venv/locked"
    fi
    # The folder is part of the stamp: after a move, the installed programs point to the old place.
    project="$root $(cksum <"$root/pyproject.toml")"
    if [ "$project" != "$(cat "$root/.venv/installed" 2>/dev/null || true)" ]; then
        say "[3/3] installing citygrid itself"
        "$bin/python" -m pip install --quiet --quiet --disable-pip-version-check --no-input \
            --no-deps --no-build-isolation --editable "$root"
        printf '%s\n' "$project" >"$root/.venv/installed"
    fi
}

make_environment
