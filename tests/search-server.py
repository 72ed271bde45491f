# SPDX-License-Identifier: MIT
"""A small server that speaks the JSON of Solr and of OpenSearch, as far as
share/doc/examples/solr-retrieve does, for tests/solr.sh.

    search-server.py PORTFILE LOG

/solr/NAME/{schema,update,select} and /NAME{,/_bulk,/_refresh,/_search}.
A field must be known before documents have it, documents are found after a
commit or refresh, and queries are read strictly: in Solr's every character of
the syntax must be escaped where it is not meant, or the answer is 400.
Scores count words: they order, and are nobody's BM25.  LOG gets each query.
"""
import http.server
import json
import math
import os
import re
import sys

port_file, log = sys.argv[1:3]
stores = {}
SYNTAX = set('+-&|!(){}[]^"~*?:/')


class Refused(Exception):
    pass


def words(text):
    return [w for w in re.split(r"\W+", text.lower()) if w]


def unescaped(text):
    """The words of a group; what is not escaped is refused."""
    out, i = [], 0
    while i < len(text):
        if text[i] == "\\":
            i += 1
            if i == len(text):
                raise Refused("a backslash at the end")
        elif text[i] in SYNTAX:
            raise Refused("syntax in the text: %r" % text[i])
        out.append(text[i])
        i += 1
    for word in "".join(out).split():
        if word in ("AND", "OR", "NOT"):
            raise Refused("an operator in the text")
    return words("".join(out))


GROUP = r"(?P<%s>(?:[^()\\]|\\.)*)"
QUERY = re.compile(
    r"title:\(" + GROUP % "title" + r"\) OR aliases:\(" + GROUP % "aliases"
    + r"\)(?: OR text:\(" + GROUP % "text" + r"\)\^0\.5)?", re.S)


class Store:
    def __init__(self):
        self.fields, self.fresh, self.docs = {"id"}, {}, {}

    def add(self, doc):
        for name in doc:
            if name not in self.fields:
                raise Refused("unknown field %r" % name)
        self.fresh[doc["id"]] = doc

    def commit(self):
        self.docs.update(self.fresh)
        self.fresh = {}

    def find(self, wanted, k):
        found = []
        for doc in self.docs.values():
            score = 0
            for name, (asked, weight) in wanted.items():
                value = doc.get(name, "")
                has = words(" ".join(value) if isinstance(value, list)
                            else value)
                score += sum(weight * 2 / (1 + len(has) / 20)
                             for w in set(asked) if w in has)
            if score:
                score += math.log10(doc.get("links", 0) + 1)
                found.append((score, doc))
        found.sort(key=lambda x: (-x[0], x[1]["id"]))
        return found[:k]


def solr(store, what, query, body):
    if what == "schema":
        store.fields |= {f["name"] for f in body["add-field"]}
        return {}
    if what == "update":
        for doc in body:
            store.add(doc)
        if "commit=true" in query:
            store.commit()
        return {}
    if what != "select":
        raise Refused("what is %r?" % what)
    params = body["params"]
    match = QUERY.fullmatch(params["q"])
    if not match:
        raise Refused("not a query: %r" % params["q"])
    if (params["defType"], params["bf"]) != ("edismax", "log(sum(links,1))"):
        raise Refused("other parameters")
    title, aliases = (unescaped(match[n]) for n in ("title", "aliases"))
    if not title:
        raise Refused("an empty group")
    wanted = {"title": (title, 1), "aliases": (aliases, 1),
              "text": (unescaped(match["text"] or ""), .5)}
    found = store.find(wanted, params["rows"])
    names = params["fl"].split(",")
    return {"response": {"numFound": len(found), "start": 0, "docs": [
        {n: v for n, v in dict(doc, score=score).items() if n in names}
        for score, doc in found]}}


def opensearch(store, what, method, lines):
    if what == "" and method == "PUT":
        store.fields |= set(lines["mappings"]["properties"])
        return {"acknowledged": True}
    if what == "_bulk":
        for head, doc in zip(lines[::2], lines[1::2]):
            if head["index"]["_id"] != doc["id"]:
                raise Refused("another id")
            store.add(doc)
        return {"errors": False}
    if what == "_refresh":
        store.commit()
        return {}
    if what != "_search":
        raise Refused("what is %r?" % what)
    wanted = {}
    score = lines[0]["query"]["function_score"]
    if score["field_value_factor"]["field"] != "links":
        raise Refused("another factor")
    for clause in score["query"]["bool"]["should"]:
        ((name, asked),) = clause["match"].items()
        if isinstance(asked, str):
            asked = {"query": asked}
        wanted[name] = (words(asked["query"]), asked.get("boost", 1))
    return {"hits": {"hits": [
        {"_id": doc["id"], "_score": found,
         "_source": {n: doc[n] for n in lines[0]["_source"] if n in doc}}
        for found, doc in store.find(wanted, lines[0]["size"])]}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self):
        path, _, query = self.path.partition("?")
        size = int(self.headers.get("Content-Length", 0))
        text = self.rfile.read(size).decode()
        parts = path.strip("/").split("/") + [""]
        status = 200
        with open(log, "a") as f:
            f.write(text + "\n")
        try:
            if parts[0] == "solr":
                reply = solr(stores.setdefault(parts[1], Store()), parts[2],
                             query, json.loads(text))
            else:
                body = (json.loads(text) if self.command == "PUT" else
                        [json.loads(x) for x in text.split("\n") if x])
                reply = opensearch(
                    stores.setdefault(parts[0] + "/o", Store()), parts[1],
                    self.command, body)
        except (Refused, KeyError, ValueError, TypeError) as e:
            status, reply = 400, {"error": {"msg": str(e)}}
        data = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_PUT = answer


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(port_file + ".new", "w") as f:
    print(server.server_address[1], file=f)
os.replace(port_file + ".new", port_file)
server.serve_forever()
