# shellcheck shell=bash
# private_apt.sh - packages of Debian for tests alone, fetched by apt-get, which checks them, with lists
# and a cache of its own: nothing of the system's changes. Sourced; fetches nothing by itself.

# shellcheck disable=SC2034 # for those who source this
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# private_apt_begin FOLDER - takes the lines of its sources.list from standard input.
private_apt_begin() {
    if ! command -v apt-get >/dev/null || [ ! -r "$KEYRING" ]; then
        die "no Debian system: no packages to be had"
    fi
    private_place=$1
    mkdir -p "$private_place/lists/partial" "$private_place/cache/archives/partial"
    cat >"$private_place/sources.list"
}

# private_apt WORD... - apt-get, in that folder.
private_apt() {
    timeout 240 apt-get -q -o Dir::Etc::SourceList="$private_place/sources.list" \
        -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$private_place/lists" \
        -o Dir::Cache="$private_place/cache" -o Acquire::Retries=1 -o APT::Sandbox::User= "$@"
}

# private_apt_fetch WHAT WORD... - the lists, then `private_apt WORD...`; on failure the end of its log.
private_apt_fetch() {
    local what=$1
    shift
    step "fetching $what"
    if ! { private_apt update && private_apt "$@"; } >"$private_place/fetch.log" 2>&1; then
        tail -n 3 "$private_place/fetch.log" >&2
        die "apt-get could not fetch $what"
    fi
}
