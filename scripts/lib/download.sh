# SPDX-License-Identifier: MIT
# lib/download.sh: files of many gigabytes, one after another, over lines
# that break.  Sourced after lib/setup.sh and lib/fetch.sh.
#
#   remote URL                       what the server says of a file
#   fetch_file URL FILE KIND         the file, whole, and in the manifest
#   check_file FILE all|changed      is it still what was recorded?
#
# A download is FILE.part until it is whole, with FILE.from beside it: which
# of the server's files it is a part of.  It goes on where it stopped, in this
# run or a later one, unless the server has another file by then.
#
# The manifest, MANIFEST.tsv beside the files, is of the first use: nobody
# publishes sums of these files.  Its columns: name, bytes, sha256, time of
# the file here, what the server said (ETag or date), address.
# shellcheck shell=bash disable=SC2034,SC2154

retries=${BLINK_RETRIES:-8}     # without a byte gained
manifest_of() { printf '%s/MANIFEST.tsv\n' "$(dirname "$1")"; }
bytes_of() { stat -c %s "$1" 2>/dev/null || echo 0; }

# human BYTES: "24.2 GB"; anything else as it is.
human() {
    [[ $1 =~ ^[0-9]+$ ]] || { printf '%s' "$1"; return; }
    awk -v n="$1" 'BEGIN {
        split("bytes kB MB GB TB", unit, " ")
        for (i = 1; n >= 1000 && i < 5; i++) n /= 1000
        printf i == 1 ? "%d %s" : "%.1f %s", n, unit[i] }'
}

# remote URL: sets r_code, r_length, r_version and r_type ('' for what is not
# known).  1 when there is no answer at all; then r_error says why.
remote() {
    local head error
    error=$(mktemp) head=''
    r_code='' r_length='' r_version='' r_type='' r_error=''
    # Not --fail: the status is wanted.
    head=$(curl_get --no-fail --retry 0 --head "$1" 2>"$error") ||
        r_error=$(sed 's/^curl: ([0-9]*) //' "$error")
    rm -f "$error"
    [ -n "$head" ] || return 1
    # Of the last answer, after those that led elsewhere.
    {
        read -r r_code
        read -r r_length
        read -r r_version
        read -r r_type
    } < <(tr -d '\r' <<<"$head" | awk '
        /^HTTP\// { code = $2; bytes = etag = date = type = "" }
        tolower($1) == "content-length:" { bytes = $2 }
        tolower($1) == "etag:" { etag = $2 }
        tolower($1) == "content-type:" { type = $2 }
        tolower($1) == "last-modified:" {
            date = $0; sub(/^[^:]*: */, "", date)
        }
        # The length of a page that says "no" is not the file'"'"'s.
        END {
            print code
            print code ~ /^2/ && bytes ~ /^[0-9]+$/ ? bytes : ""
            print etag != "" ? etag : date
            print type
        }')
}

# check_kind FILE KIND: does it begin as such a file does?  An error page in
# its place is what this is for.
check_kind() {
    local first
    first=$(head -c 4 "$1" | od -An -tx1 | tr -d ' \n')
    case $2 in
        torch) [[ $first == 80* || $first == 504b0304 ]] ;;
        json) [[ $first == 7b* || $first == 5b* ]] ;;
        faiss) [[ $first == 49* ]] ;;
        bzip2) [[ $first == 425a68* ]] ;;
    esac && return 0
    if [[ $first == 3c* ]]; then
        say "'${1%.part}': the server sent a page in its place:" \
            "$(head -c 200 "$1" | tr -c '[:print:]' ' ' | cut -c1-70)"
    else
        say "'${1%.part}': this is no such file (it begins with '$first')"
    fi
    return 3
}

# ---- The manifest ----

# recorded FILE: its line; 1 when there is none.
recorded() {
    local manifest
    manifest=$(manifest_of "$1")
    [ -f "$manifest" ] || return 1
    awk -F'\t' -v n="$(basename "$1")" '$1 == n { print; f = 1 }
        END { exit !f }' "$manifest"
}

recorded_sum() { recorded "$1" | cut -f3; }

# record FILE SUM VERSION URL: in place of what it was.
record() {
    local manifest
    manifest=$(manifest_of "$1")
    {
        if [ -f "$manifest" ]; then
            awk -F'\t' -v n="$(basename "$1")" '$1 != n' "$manifest"
        else
            printf '# name\tbytes\tsha256\ttime\tversion\taddress\n'
        fi
        printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$(basename "$1")" \
            "$(bytes_of "$1")" "$2" "$(stat -c %.9Y "$1")" "$3" "$4"
    } >"$manifest.tmp" && sync "$manifest.tmp" &&
        mv "$manifest.tmp" "$manifest"
}

# check_file FILE HOW: 3 after saying what changed.  With "changed" a file of
# the recorded size and time is believed, with "all" it is read.
check_file() {
    local name bytes sum time rest got
    IFS=$'\t' read -r name bytes sum time rest < <(recorded "$1") || return 1
    if [ "$(bytes_of "$1")" != "$bytes" ]; then
        say "'$1' has changed: $bytes bytes were recorded, it has" \
            "$(bytes_of "$1")"
        return 3
    fi
    if [ "$2" = changed ] && [ "$(stat -c %.9Y "$1")" = "$time" ]; then
        return 0
    fi
    got=$(sha256_of "$1") || return 4
    if [ "$got" != "$sum" ]; then
        say "'$1' has changed:"
        say "    sha256 recorded $sum"
        say "    sha256 found    $got"
        return 3
    fi
}

# ---- The transfer ----

# get_rest URL PART VERSION: one attempt; curl's status, the server's in
# $code.  A server that has another file by now sends all of it (If-Range),
# which curl will not append.
get_rest() {
    local options=(--retry 0 --speed-limit 1 --speed-time 60 --output "$2"
        --continue-at - --write-out '%{http_code}') error status=0
    if [ -s "$2" ] && [ -n "$3" ]; then
        options+=(--header "If-Range: $3")
    fi
    if [ -n "$tty" ]; then
        why=''
        code=$(curl_get "${options[@]}" --no-silent --progress-bar "$1") ||
            status=$?
        return "$status"
    fi
    error=$(mktemp)
    code=$(curl_get "${options[@]}" "$1" 2>"$error") || status=$?
    why=$(sed -n 's/^curl: ([0-9]*) //p' "$error" | tail -n 1)
    rm -f "$error"
    return "$status"
}

# may_resume PART: a part of the server's present file.
may_resume() {
    [ -s "$1" ] || return 1
    if [ ! -f "${1%.part}.from" ] ||
        [ "$(cat "${1%.part}.from")" != "$r_length $r_version" ]; then
        say "'${1%.part}': the server has another file than the one that was" \
            "begun; starting again"
        return 1
    fi
    if [ -n "$r_length" ] && [ "$(bytes_of "$1")" -gt "$r_length" ]; then
        say "'${1%.part}': more bytes than the server has; starting again"
        return 1
    fi
}

# after_attempt URL PART STATUS: 0 to try again.
after_attempt() {
    local file=${2%.part}
    case $3 in
        0) why="it ended after $(bytes_of "$2") of $r_length bytes"
            if [ "$(bytes_of "$2")" -gt "$r_length" ]; then
                say "'$file': the server said $r_length bytes and sent" \
                    "$(bytes_of "$2")"
                rm -f "$2"
                return 3
            fi ;;
        23) say "'$2' cannot be written${why:+: $why} (run this again to go" \
                "on)"
            return 4 ;;
        33) say "'$file': the server starts again from the beginning"
            rm -f "$2" ;;
        22) case $code in
                408 | 429 | 5*) ;;
                *) say "'$1': the server answers with status $code"
                    return 4 ;;
            esac ;;
    esac
}

# transfer URL PART: until all of it is there.
transfer() {
    local url=$1 part=$2 from=${2%.part}.from try=0 best status
    may_resume "$part" || rm -f "$part"
    printf '%s\n' "$r_length $r_version" >"$from"
    best=$(bytes_of "$part")
    while [ -z "$r_length" ] || [ "$(bytes_of "$part")" -ne "$r_length" ]; do
        status=0
        get_rest "$url" "$part" "$r_version" || status=$?
        if [ "$status" -eq 0 ] && { [ -z "$r_length" ] ||
            [ "$(bytes_of "$part")" -eq "$r_length" ]; }; then
            return 0
        fi
        after_attempt "$url" "$part" "$status" || return
        # A server that cannot go on may never come to the end.
        if [ "$(bytes_of "$part")" -gt "$best" ]; then
            best=$(bytes_of "$part") try=0
        fi
        try=$((try + 1))
        if [ "$try" -gt "$retries" ]; then
            say "'$url': ${why:-curl ended with $status}; giving up after" \
                "$retries attempts (run this again to go on)"
            return 4
        fi
        say "${file##*/}: ${why:-curl ended with $status}; going on at" \
            "$(human "$(bytes_of "$part")")"
        sleep "$(pause "$try")"
        remote_again "$url" "$part"
    done
}

# pause TRY: seconds; 1, 2, 4 ... 60.
pause() {
    local s=$((1 << ($1 < 7 ? $1 - 1 : 6)))
    echo "${BLINK_PAUSE:-$((s < 60 ? s : 60))}"
}

# remote_again URL PART: the file may be another by now.
remote_again() {
    local was="$r_length $r_version"
    if ! remote "$1" || [[ $r_code != 2* ]]; then
        r_length=${was%% *} r_version=${was#* }
        return 0
    fi
    if [ "$r_length $r_version" != "$was" ]; then
        may_resume "$2" || rm -f "$2"
        printf '%s\n' "$r_length $r_version" >"${2%.part}.from"
    fi
}

# fetch_file URL FILE KIND: 0, 3 for what is no such file, 4 for what cannot
# be had.  Afterwards it is in the manifest.
fetch_file() {
    local url=$1 file=$2 sum start
    start=$(seconds)
    if ! remote "$url"; then
        say "'$url': ${r_error:-no answer}"
        return 4
    fi
    case $r_code in
        2* | 405 | 501) ;;       # not every server knows HEAD
        *) say "'$url': the server answers with status $r_code"
            return 4 ;;
    esac
    if [[ $r_code == 2* && $r_type == text/html* ]]; then
        say "'$url': the server sends a page ($r_type) in its place"
        return 3
    fi
    say "fetching ${file##*/} ($(human "${r_length:-unknown size}"))"
    transfer "$url" "$file.part" || return
    if ! check_kind "$file.part" "$3"; then
        rm -f "$file.part" "$file.from"
        return 3
    fi
    [ -z "$tty" ] || say "adding up its sha256"
    sum=$(sha256_of "$file.part") && sync "$file.part" || return 4
    mv "$file.part" "$file" && record "$file" "$sum" "$r_version" "$url" ||
        return 4
    rm -f "$file.from"
    say "fetched ${file##*/}: $(human "$(bytes_of "$file")")," \
        "$(($(seconds) - start)) s, sha256 ${sum:0:16}..."
}
