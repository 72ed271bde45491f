# SPDX-License-Identifier: MIT
# lib/download.sh: files of many gigabytes, one after another, over lines
# that break.  Sourced after lib/setup.sh and lib/fetch.sh.
#
#   remote URL                       what the server says of a file
#   fetch_file URL FILE KIND         the file, whole, and in the manifest
#   check_file FILE all|changed      is it still what was recorded?
#
# A download is FILE.part until it is whole, with FILE.from beside it: which
# of the server's files it is a part of.  curl goes on where it stopped, in
# this run or a later one, unless the server has another file by then; with
# --retry it would go on where that curl began, so the loop is here.
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

# free_at FOLDER: bytes that are free there, and where that disk is mounted.
free_at() {
    local folder=$1
    while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
    df -PB1 "$folder" | awk 'NR == 2 { print $4, $NF }'
}

# remote URL: sets r_code, r_length, r_type and r_version ('' for what is not
# known).  1 when there is no answer at all; then r_error says why.
remote() {
    local said
    r_code='' r_length='' r_type='' r_version='' r_error=''
    # Not --fail: the status is wanted.  Headers are those of the last answer,
    # after those that led elsewhere.
    if ! said=$(curl_get --no-fail --retry 0 --head --output /dev/null \
        --write-out '%{http_code}\n%header{content-length}
%header{content-type}\n%header{etag}\n%header{last-modified}' "$1" 2>&1); then
        r_error=$(sed -n 's/^curl: ([0-9]*) //p' <<<"$said")
        return 1
    fi
    {
        read -r r_code
        read -r r_length
        read -r r_type
        read -r r_version
        [ -n "$r_version" ] || read -r r_version
    } <<<"$said"
    # The length of a page that says "no" is not the file's.
    [[ $r_code == 2* && $r_length =~ ^[0-9]+$ ]] || r_length=''
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
        gzip) [[ $first == 1f8b* ]] ;;
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
    local manifest next
    manifest=$(manifest_of "$1")
    next=$(mktemp "$manifest.XXXXXXXXXXXX") || return
    {
        if [ -f "$manifest" ]; then
            awk -F'\t' -v n="$(basename "$1")" '$1 != n' "$manifest"
        else
            printf '# name\tbytes\tsha256\ttime\tversion\taddress\n'
        fi
        printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$(basename "$1")" \
            "$(bytes_of "$1")" "$2" "$(stat -c %.9Y "$1")" "$3" "$4"
    } >"$next" && chmod '=rw' "$next" && sync "$next" &&
        mv "$next" "$manifest" && return
    rm -f "$next"
    return 1
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

# keep_part PART: unless it is of another file than the server has now.
keep_part() {
    local file=${1%.part} now="$r_length $r_version" wrong=''
    [ ! -L "$file.from" ] || rm -f "$file.from"
    if [ -L "$1" ]; then
        wrong='what was begun is a link'
        say "'$file': $wrong; starting again"
    elif [ -s "$1" ]; then
        if [ "$(cat "$file.from" 2>&1)" != "$now" ]; then
            wrong='the server has another file than the one that was begun'
        elif [ -n "$r_length" ] && [ "$(bytes_of "$1")" -gt "$r_length" ]; then
            wrong='more bytes than the server has'
        fi
        [ -z "$wrong" ] || say "'$file': $wrong; starting again"
    fi
    [ -z "$wrong" ] || rm -f "$1"
    printf '%s\n' "$now" >"$file.from"
}

# attempt URL PART: 0 when all of it is there, 1 to try again ($why), else 3
# or 4.  A server that has another file by now sends all of it (If-Range),
# which curl does not append: it ends with 33.
attempt() {
    local file=${2%.part} size code status=0 messages options=(--retry 0
        --speed-limit 1 --speed-time 60 --continue-at - --output "$2"
        --write-out '%{http_code}')
    [ "$(bytes_of "$2")" != "$r_length" ] || return 0
    if [ -s "$2" ] && [ -n "$r_version" ]; then
        options+=(--header "If-Range: $r_version")
    fi
    [ -z "$tty" ] || options+=(--no-silent --progress-bar)
    messages=$(mktemp)
    if [ -n "$tty" ]; then
        code=$(curl_get "${options[@]}" "$1") || status=$?
    else
        code=$(curl_get "${options[@]}" "$1" 2>"$messages") || status=$?
    fi
    why=$(sed -n 's/^curl: ([0-9]*) //p' "$messages" | tail -n 1)
    rm -f "$messages"
    why=${why:-curl ended with $status} size=$(bytes_of "$2")
    case $status:$code in
        0:*)
            [ "$size" -ne "${r_length:-$size}" ] || return 0
            why="it ended after $size of $r_length bytes"
            [ "$size" -gt "$r_length" ] || return 1
            say "'$file': the server said $r_length bytes and sent $size"
            rm -f "$2"
            return 3 ;;
        22:408 | 22:429 | 22:5*) ;;
        22:*)
            say "'$1': the server answers with status $code"
            return 4 ;;
        23:*)
            say "'$2' cannot be written: $why (run this again to go on)"
            return 4 ;;
        33:*)
            say "'$file': the server starts again from the beginning"
            rm -f "$2" ;;
    esac
    return 1
}

# transfer URL PART: attempts, until there are too many without a byte gained;
# a server that cannot go on may never come to the end.
transfer() {
    local url=$1 part=$2 tried=0 best status size was why
    keep_part "$part"
    best=$(bytes_of "$part")
    while :; do
        status=0
        attempt "$url" "$part" || status=$?
        [ "$status" -eq 1 ] || return "$status"
        size=$(bytes_of "$part")
        [ "$size" -le "$best" ] || tried=0 best=$size
        tried=$((tried + 1))
        if [ "$tried" -gt "$retries" ]; then
            say "'$url': $why; giving up after $retries attempts (run this" \
                "again to go on)"
            return 4
        fi
        say "$(basename "$part" .part): $why; going on at $(human "$size")"
        # 1, 2, 4 ... 64 seconds
        sleep "${BLINK_PAUSE:-$((1 << (tried < 7 ? tried - 1 : 6)))}"
        was="$r_length $r_version"
        if ! remote "$url" || [[ $r_code != 2* ]]; then
            r_length=${was%% *} r_version=${was#* }
        fi
        keep_part "$part"
    done
}

# fetch_file URL FILE KIND: 0, 3 for what is no such file, 4 for what cannot
# be had.  Afterwards it is in the manifest.
fetch_file() {
    local url=$1 file=$2 part=$2.part sum start
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
    transfer "$url" "$part" || return
    if ! check_kind "$part" "$3"; then
        rm -f "$part" "$file.from"
        return 3
    fi
    [ -z "$tty" ] || say 'adding up its sha256'
    sum=$(sha256_of "$part") && sync "$part" && mv "$part" "$file" &&
        record "$file" "$sum" "$r_version" "$url" || return 4
    rm -f "$file.from"
    say "fetched ${file##*/}: $(human "$(bytes_of "$file")")," \
        "$(($(seconds) - start)) s, sha256 ${sum:0:16}..."
}
