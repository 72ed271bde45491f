# SPDX-License-Identifier: MIT
"""A web server that serves a folder badly, for tests/download-blink.sh.

    http-server.py FOLDER PORTFILE LOG

Knows Range and If-Range, HEAD, ETag.  FOLDER/.faults holds lines
"NAME FAULT [N]"; each is used up by one GET of that file:

    drop N      N bytes, then the connection ends
    stall N     N bytes, then nothing more for a minute
    norange     all of it, whatever was asked for
    short N     N bytes, and a Content-Length that says so
    404, 503    this status and a page
    page        a page with status 200

Two lines are kept: "NAME gone" answers HEAD and GET with 404, "NAME nohead"
refuses HEAD, "NAME html" has HEAD say that the file is a page.  LOG gets a
line per request: method, name, range, status.
"""
import http.server
import os
import re
import sys
import time

folder, port_file, log = sys.argv[1:4]
faults = os.path.join(folder, ".faults")
PAGE = b"<!DOCTYPE html><html><body>Sorry.</body></html>\n"
KEPT = ("gone", "nohead", "html")


def fault_of(name, method):
    """The next fault of a file; used up unless it is to be kept."""
    try:
        lines = open(faults).read().splitlines()
    except FileNotFoundError:
        return None, 0
    for i, line in enumerate(lines):
        words = line.split() + ["0"]
        if words[0] != name or (method == "HEAD" and words[1] not in KEPT):
            continue
        if words[1] not in KEPT:
            with open(faults + ".new", "w") as f:
                f.writelines(x + "\n" for x in lines[:i] + lines[i + 1:])
            os.replace(faults + ".new", faults)
        return words[1], int(words[2])
    return None, 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self, status):
        with open(log, "a") as f:
            print(self.command, self.path[1:],
                  self.headers.get("Range", "-"), status, file=f)

    def head(self, status, length, more=(), kind="application/octet-stream"):
        self.note(status)
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("Content-Type", kind)
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()

    def page(self, status):
        self.head(status, len(PAGE), kind="text/html")
        if self.command != "HEAD":
            self.wfile.write(PAGE)

    def range(self, size, tag, fault):
        """Where to begin; None when the range is beyond the end."""
        m = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
        same = self.headers.get("If-Range", tag) == tag
        if not m or not same or fault == "norange":
            return 0
        return int(m[1]) if int(m[1]) < size else None

    def answer(self):
        name = self.path.lstrip("/")
        if name.endswith("/"):
            name += "index.html"
        path = os.path.join(folder, name)
        fault, n = fault_of(name, self.command)
        if not os.path.isfile(path) or fault in ("gone", "404"):
            return self.page(404)
        if fault == "nohead" and self.command == "HEAD":
            return self.page(405)
        if fault in ("503", "page"):
            return self.page(503 if fault == "503" else 200)
        data = open(path, "rb").read()
        tag = '"%d-%d"' % (len(data), os.stat(path).st_mtime_ns)
        more = [("ETag", tag), ("Accept-Ranges", "bytes")]
        if self.command == "HEAD":
            kind = "text/html" if fault == "html" else "application/x-data"
            return self.head(200, len(data), more, kind)
        if fault == "short":
            data = data[:n]
        at = self.range(len(data), tag, fault)
        if at is None:
            return self.page(416)
        if at:
            more += [("Content-Range", "bytes %d-%d/%d"
                      % (at, len(data) - 1, len(data)))]
        self.head(206 if at else 200, len(data) - at, more)
        if fault in ("drop", "stall"):
            self.wfile.write(data[at:at + n])
            self.wfile.flush()
            if fault == "stall":
                time.sleep(60)
            self.close_connection = True
            return None
        self.wfile.write(data[at:])
        return None

    do_GET = do_HEAD = answer


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(port_file + ".new", "w") as f:
    print(server.server_port, file=f)
os.replace(port_file + ".new", port_file)
server.serve_forever()
