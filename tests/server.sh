# SPDX-License-Identifier: MIT
# server.sh: a web server of this machine that serves the folder $T/www badly,
# or another of tests/, which writes its port into the file "port".
#   . "$top_srcdir/tests/server.sh" [SCRIPT ARGUMENT...]
# Afterwards $url is its address, `requests` its log, and scripts that download
# ask it without a proxy and a few times only.
# shellcheck shell=bash disable=SC2034
unset http_proxy HTTP_PROXY ALL_PROXY all_proxy
export PIP_CONFIG_FILE=/dev/null no_proxy=127.0.0.1 BLINK_RETRIES=3
cd "$T" || exit
if [ $# -eq 0 ]; then
    mkdir www
    set -- http-server.py www port requests
fi
python3 "$top_srcdir/tests/$1" "${@:2}" 2>server.err &
server=$!
trap 'kill "$server" 2>/dev/null; rm -rf "$T"' EXIT
for _ in $(seq 100); do
    [ -s port ] && break
    sleep 0.1
done
[ -s port ] || skip_all 'no server can be had'
url=http://127.0.0.1:$(cat port)
