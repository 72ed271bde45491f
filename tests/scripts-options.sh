#!/bin/bash
# SPDX-License-Identifier: MIT
# The command lines of the scripts: each prints its help, and refuses options
# that it does not have and options whose value is missing.
. "${top_srcdir:?}/tests/lib.sh"
scripts=$(cd "$top_srcdir/scripts" && pwd)
export BLINK_DATA=$T/data
cd "$T" || exit

# ---- lib/opts.sh ----
{
    printf '%s\n' '#!/bin/bash' '# SPDX-License-Identifier: MIT' \
        '# opts: tries the options.' '#' '#   opts [OPTION...] [WORD...]' \
        'set -euo pipefail' ". '$scripts/lib/opts.sh'"
    cat <<'X'
dir='' again='' tenth=1 sets=() engine=(first) words=()
call() { echo "called with ($*)"; }
options '
    --dir      FOLDER  dir
    --again    -       again
    --quick    -       tenth=10
    --set      NAME    sets[]
    -t         N       engine+
    --fast     -       engine+
    --from     FOLDER  call()
    '"${extra:-*  WORD  words[]}"'
' "$@"
echo "$dir,$again,$tenth,${sets[*]-},${engine[*]},${words[*]-}"
X
} >opts
chmod +x opts
# becomes WANT ARGUMENT...
becomes() {
    local want=$1
    shift
    run ./opts "$@"
    is "$status:$(cat out err | paste -s -d '|')" "$want" "options: $*"
}
becomes '0:,,1,,first,'
becomes '0:x,yes,10,,first,' --dir x --again --quick
becomes '0:x=y,,1,,first,' --dir=x=y
becomes '0:,,1,,first,' --dir=
becomes '0:,,1,,first,' --dir ''
becomes '0:--again,,1,,first,' --dir --again
becomes '0:,,1,a b  c,first -t 3 --fast,' --set 'a b' -t 3 --set=' c' --fast
becomes '0:called with (a b)|,,1,,first,' --from 'a b'
becomes '0:x,,1,,first,w - ' w --dir x - ''
becomes '0:,,1,,first,--dir w' -- --dir w
becomes "2:opts: --dir needs a value, FOLDER; try './opts --help'" w --dir
becomes "2:opts: -t needs a value, N; try './opts --help'" -t
becomes "2:opts: --again takes no value; try './opts --help'" --again=x
becomes "2:opts: unknown option '--nor=x'; try './opts --help'" --nor=x
becomes "2:opts: unknown option '-x'; try './opts --help'" w -x w
becomes '0:opts: tries the options.||  opts [OPTION...] [WORD...]' -t 3 --help
export extra='+  WORD  words[]'
becomes '0:x,,1,,first,w --dir -h' --dir x w --dir -h
export extra='-*  -  words[]'
becomes '0:x,,1,,first,--other -o' --other --dir x -o
becomes "2:opts: unknown argument 'w'; try './opts --help'" --other w
unset extra

# ---- The scripts ----
# Options with values are those that the help shows, "--dir FOLDER".
for script in "$scripts"/* "$scripts"/*.d/*; do
    name=${script##*/}
    if [ ! -f "$script" ] || [ ! -x "$script" ]; then continue; fi
    run "$script" --help
    is "$status:$(wc -c <err)" 0:0 "$name --help"
    like "$(cat out)" "^$name: .*scripts/([a-z]*\.d/)?$name" \
        "$name: what it is and how it is called"
    cp out help
    for wrong in --frobnicate -?; do
        # It hands the options of blink link on.
        [ "$name" != bench-pipeline ] || continue
        run "$script" "$wrong"
        is "$status:$(cat out err)" \
            "2:$name: unknown option '$wrong'; try '$script --help'" \
            "$name $wrong"
    done
    while read -r option value; do
        run "$script" "$option"
        like "$status:$(cat out err)" \
            "^2:$name: $option needs a value, [^ ]+; try '$script --help'\$" \
            "$name $option without $value"
    done < <(grep -oE '(^|[[ ])--?[a-z][a-z-]* [A-Z]+' help | tr -d '[' |
             sort -u)
done
# The parts of check --long.
for script in "$scripts"/check.d/*; do
    name=${script##*/}
    grep -qE '/lib/part\.(sh"|pl";)$' "$script" || continue
    run "$script" --help
    like "$(cat out)" '--minutes N .*--again .*scripts/check --long' \
        "$name: the options of every part"
    run "$script" --minutes 1h
    is "$status:$(cat err)" \
        "2:$name: --minutes '1h': expected a whole number from 1" \
        "$name --minutes 1h"
    run "$script"
    like "$status:$(cat err)" "^3:$name: '.*' is no build folder" \
        "$name outside a build folder"
done
is "$(ls)" "$(printf '%s\n' err help opts out)" 'no script has done anything'
finish
