# SPDX-License-Identifier: MIT
# lib/setup.sh: messages, packages and the build, for quickstart and check.
#   . "$(dirname "$0")/lib/setup.sh"
# Everything here speaks on standard error; $data is the folder with models,
# catalogues and indexes, $log the file that keeps what the tools say.
# shellcheck shell=bash disable=SC2034,SC2154

. "${BASH_SOURCE[0]%/*}/opts.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
data=${BLINK_DATA:-$top/data}
case $data in /*) ;; *) data=$PWD/$data ;; esac
log=$data/quickstart.log
tty=''
[ -t 2 ] && tty=yes

seconds() { date +%s; }

# step TEXT COMMAND...: one line for a step, its output in the log, the end
# of the log shown when it fails.
step() {
    local text=$1 status=0 start
    shift
    start=$(seconds)
    [ -z "$tty" ] || printf '%s: %s ...' "$me" "$text" >&2
    printf '\n== %s (%s)\n$ %s\n' "$text" "$(date -u +%FT%TZ)" "$*" >>"$log"
    "$@" >>"$log" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        [ -z "$tty" ] || echo ' failed' >&2
        failed_step "$text" "$status"
        return "$status"
    fi
    if [ -n "$tty" ]; then
        printf ' done (%d s)\n' "$(($(seconds) - start))" >&2
    else
        say "$text: done ($(($(seconds) - start)) s)"
    fi
}

# The same without a word while all goes well.
quiet_step() {
    local text=$1 status=0
    shift
    printf '\n== %s (%s)\n$ %s\n' "$text" "$(date -u +%FT%TZ)" "$*" >>"$log"
    "$@" >>"$log" 2>&1 </dev/null || status=$?
    [ "$status" -eq 0 ] || failed_step "$text" "$status"
    return "$status"
}

failed_step() {
    say "$1: failed with status $2; the last lines were:"
    tail -n 20 "$log" | sed 's/^/    /' >&2
    say "all of it is in $log"
}

make_data() {
    mkdir -p "$data" || die 4 "cannot make '$data': set BLINK_DATA to a" \
        "folder that you may write to"
}

start_log() {
    make_data
    : >"$log" || die 4 "cannot write '$log'"
}

# ---- Debian packages ----

# Each line: package, then a command that succeeds when it is not needed.
packages_build='
ca-certificates  test -s /etc/ssl/certs/ca-certificates.crt
autoconf         command -v autoreconf
automake         command -v automake
libtool          command -v libtoolize
make             command -v make
gcc              command -v gcc
g++              command -v g++
pkg-config       command -v pkg-config
libc6-dev        test -e /usr/include/stdio.h
libsqlite3-dev   pkg-config --exists sqlite3
libcjson-dev     pkg-config --exists libcjson
libedit-dev      test -e /usr/include/histedit.h
libexpat1-dev    test -e /usr/include/expat.h
libbz2-dev       test -e /usr/include/bzlib.h
libmicrohttpd-dev  test -e /usr/include/microhttpd.h
libopenblas0     have_library libopenblas.so.0
jq               command -v jq
curl             command -v curl
unzip            command -v unzip
'
# The torch engine, which the tests compare with; nothing else needs it.
packages_torch='
libtorch-dev     test -e /usr/include/torch/csrc/api/include/torch/torch.h
'
# Approximate search; nothing but its tests needs it.
packages_faiss='
libfaiss-dev     test -e /usr/include/faiss/Index.h
'
packages_check='
git              command -v git
mandoc           command -v mandoc
perl             command -v perl
python3          command -v python3
shellcheck       command -v shellcheck
sqlite3          command -v sqlite3
bzip2            command -v bzip2
zstd             command -v zstd
parallel         command -v parallel
'
# For what takes long: memory checks, fuzzing, processors that this one is not,
# and hosts.  Not openssh-server, which would start to serve.
packages_long='
valgrind         command -v valgrind
clang            command -v clang
libclang-rt-dev  have_clang_runtime
qemu-user        command -v qemu-aarch64
gcc-aarch64-linux-gnu  command -v aarch64-linux-gnu-gcc
libc6-dev-arm64-cross  test -e /usr/aarch64-linux-gnu/include/stdio.h
rsync            command -v rsync
iproute2         command -v ip
'

have_library() { [[ $(/sbin/ldconfig -p) == *[[:space:]]"$1 "* ]]; }

# The sanitizers of clang are another package's.
have_clang_runtime() {
    echo 'int main(void) { return 0; }' |
        clang -fsanitize=memory -x c - -o /dev/null
}

# missing LIST: the packages of the list that are needed here.
missing() {
    local package check
    while read -r package check; do
        [ -n "$package" ] || continue
        $check >/dev/null 2>&1 || printf '%s ' "$package"
    done <<<"$1"
}

apt() {
    local sudo=()
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@"
}

# install_packages LIST NOINSTALL: says what is missing and installs it.
install_packages() {
    local needed
    needed=$(missing "$1")
    needed=${needed% }
    [ -n "$needed" ] || return 0
    if [ -n "$2" ]; then
        say "missing here (--no-install): $needed"
        return 0
    fi
    command -v apt-get >/dev/null || die 4 "this is no Debian: install what" \
        "these packages hold, then run it with --no-install: $needed"
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
        die 4 "run this as root: apt-get install $needed"
    say "installing with apt: $needed"
    # Asked for now, while its question can still be seen.
    [ "$(id -u)" -eq 0 ] || sudo -v ||
        die 4 "run this as root: apt-get install $needed"
    step 'reading the package lists' apt update -q ||
        say 'going on with the lists that are here'
    # shellcheck disable=SC2086 # a list of words
    step 'installing packages' apt install -q -y --no-install-recommends \
        $needed || die 4 "apt could not install: $needed"
}

# ---- The build, in the source tree ----

build() {
    cd "$top" || exit 4
    if [ ! -x configure ] || [ configure.ac -nt configure ] ||
        [ ! -e build-aux/ltmain.sh ]; then
        step 'making configure' ./autogen.sh || exit 4
    fi
    if [ ! -e Makefile ] || [ ! -e config.status ] || modules_mended ||
        [ "$(configured_with)" != "$(library_state)" ]; then
        rm -f config.without
        step 'configuring' configure_here || exit 4
    fi
    until compile; do
        leave_out_modules || exit 4
        step 'configuring without them' configure_here || exit 4
    done
    say_left_out
}

compile() {
    # When all is done this takes no time and needs no line ("make -q" says
    # no even then).
    if [ -x bin/blink ]; then
        quiet_step 'compiling what has changed' make -j"$(nproc)" all
    else
        step 'compiling (about a minute)' make -j"$(nproc)" all
    fi
}

# ---- Optional modules that do not compile ----
# Each new release of libtorch or FAISS may take away what a module uses.
# blink works without its modules, so the build goes on without one that does
# not compile.  config.without, beside config.status, has a line for each:
# its name, the compiler's first error and the log.  The tests that need the
# module give that line as their reason to skip (tests/lib.sh).

# leave_out_modules: notes the modules whose compilation has just failed;
# fails when there are none, since then something that is needed did.
leave_out_modules() {
    local name out error found=''
    for name in $(tac "$log" | sed '/^== /q' |
        sed -n 's/.*\*\*\* \[.*libblink[-_]\(torch\|train\|faiss\).*/\1/p' |
        sort -u); do
        out=$data/libblink-$name.log
        # Once more by itself, for a log in which all is the module's.
        ! make "common/libblink-$name.la" >"$out" 2>&1 </dev/null || continue
        error=$(grep -m 1 -aE 'error:|undefined reference' "$out") ||
            error=$(tail -n 1 "$out")
        printf 'libblink-%s does not compile: %s (all of it is in %s)\n' \
            "$name" "$error" "$out" >>config.without
        # Those of libtorch go together; an older build may have left them.
        case $name in
            faiss) rm -f common{,/.libs}/libblink-faiss.* ;;
            *) rm -f common{,/.libs}/libblink-{torch,train}.* ;;
        esac
        found=yes
    done
    [ -n "$found" ]
}

# The sources of the modules have changed since one was left out.
modules_mended() {
    [ -e config.without ] && [ -n "$(find common -newer config.without \
        \( -name '*.cc' -o -name '*.hh' -o -name '*-shim.h' \))" ]
}

say_left_out() {
    local line
    [ -e "$top/config.without" ] || return 0
    while IFS= read -r line; do
        say "WARNING: going on without a module: $line"
    done <"$top/config.without"
}

# What configure would find, so that what is installed later is taken up.
library_state() {
    echo "without: $(missing "$packages_torch$packages_faiss")"
}

configured_with() { cat "$data/.configured" 2>/dev/null || echo nothing; }

configure_here() {
    local options=()
    if [ -e config.without ]; then
        ! grep -q '^libblink-faiss ' config.without ||
            options+=(--without-faiss)
        ! grep -qE '^libblink-(torch|train) ' config.without ||
            options+=(--without-libtorch)
    fi
    ./configure -q "${options[@]}" && library_state >"$data/.configured"
}

# The programs of this build before any that are installed.
use_build() {
    export PATH=$top/bin:$PATH
    [ -z "${BLINK_DATA:-}" ] || export BLINK_DATA=$data
}

# local_file FOLDER PATTERN: the file there, for --from.
local_file() {
    local file
    # shellcheck disable=SC2086 # a pattern
    for file in "$1"/$2; do
        if [ -f "$file" ]; then
            printf '%s\n' "$file"
            return
        fi
    done
    die 3 "there is no '$2' in '$1'"
}

# Two runs at once would write the same build and the same downloads: the
# second waits.  Whoever has set up its data lets go of it (lib/data.sh).
take_turn() {
    make_data
    command -v flock >/dev/null || return 0
    exec 9>"$data/.lock" || die 4 "cannot write '$data/.lock'"
    flock -n 9 && return 0
    say "another quickstart or check is at work in '$data'; waiting for it"
    flock 9
}

end_turn() { exec 9>&-; }

# find_programs ELSE NAME...: those of the build, without making them; ELSE says
# what else helps.
find_programs() {
    local program else=$1
    shift
    PATH=${BLINK_BUILD:-$top}/bin:$PATH
    for program; do
        command -v "$program" >/dev/null ||
            die 3 "there is no $program: run scripts/quickstart or make" \
                "$else"
    done
}

# set_up PACKAGES NOINSTALL: packages, build, and the programs on the path.
set_up() {
    take_turn
    start_log
    install_packages "$1" "$2"
    build
    use_build
}
