# SPDX-License-Identifier: MIT
# lib/opts.sh: what a script says of itself, and its command line.
#
#   options '
#       --dir      FOLDER  dir            FOLDER into $dir
#       --again    -       again          "yes" into $again
#       --quick    -       tenth=10       10 into $tenth
#       --set      NAME    sets[]         NAME into an array
#       --threads  N       engine+        "--threads" and N into an array
#       --from     FOLDER  from_folder()  calls a function with FOLDER
#       *          FILE    files[]        what is not an option
#   ' "$@"
#
# A row has three words: an option, its value ("-": it takes none) and where
# that goes.  "+" in place of "*" ends the options at the first FILE; "-*"
# takes the options that no other row has.  "--dir X" and "--dir=X" mean the
# same, "--" ends the options, -h and --help print the comment at the top of
# the script, and what no row allows ends it with status 2.
# shellcheck shell=bash

me=${0##*/}

say() { printf '%s: %s\n' "$me" "$*" >&2; }

# die STATUS TEXT...: statuses are those of the programs (see blink(7)).
die() {
    local status=$1
    shift
    say "$*"
    exit "$status"
}

usage() {
    sed -n '3,/^[^#]/{/^#/!q;s/^# \{0,1\}//;p;}' "$0"
}

wrong_usage() { die 2 "$*; try '$0 --help'"; }

# In these three the locals are called opt_..., since they set variables of
# the script, which must not be hidden by theirs.

# opt_row OPTION: finds its row in $opt_table.
opt_row() {
    local opt_name opt_rest
    while read -r opt_name opt_value opt_target opt_rest; do
        [ "$opt_name" != "$1" ] || return 0
    done <<<"$opt_table"
    return 1
}

# opt_put OPTION [VALUE]: to where the row says.
opt_put() {
    case $opt_target in
        *'()') "${opt_target%??}" "${@:2}" ;;
        *'[]' | *+)
            local -n opt_array=${opt_target%%[[+]*}
            [[ $opt_target == *+ ]] || set -- "${2-$1}"
            opt_array+=("$@") ;;
        *=*) printf -v "${opt_target%%=*}" %s "${opt_target#*=}" ;;
        *) printf -v "$opt_target" %s "${2-yes}" ;;
    esac
}

options() {
    local opt_table=$1 opt_value opt_target opt_only=''
    shift
    while [ $# -gt 0 ]; do
        if [ -n "$opt_only" ] || [[ $1 != -?* ]]; then
            if opt_row +; then
                opt_only=yes
            else
                opt_row '*' || wrong_usage "unknown argument '$1'"
            fi
            opt_put "$1"
        elif [ "$1" = -- ]; then
            opt_only=yes
        elif [[ $1 == --*=* ]] && opt_row "${1%%=*}"; then
            [ "$opt_value" != - ] || wrong_usage "${1%%=*} takes no value"
            opt_put "${1%%=*}" "${1#*=}"
        elif opt_row "$1"; then
            if [ "$opt_value" = - ]; then
                opt_put "$1"
            else
                [ $# -gt 1 ] || wrong_usage "$1 needs a value, $opt_value"
                opt_put "$1" "$2"
                shift
            fi
        elif [ "$1" = -h ] || [ "$1" = --help ]; then
            usage
            exit 0
        else
            opt_row '-*' || wrong_usage "unknown option '$1'"
            opt_put "$1"
        fi
        shift
    done
}
