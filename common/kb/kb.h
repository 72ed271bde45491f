/* SPDX-License-Identifier: MIT */
/*
 * kb: the catalogue of entities, one SQLite file.
 *
 *     struct bl_kb *kb = bl_kb_open("vital.kb", &err);
 *     struct bl_entity e;
 *     if (bl_kb_get(kb, bl_span_of("5843419"), &arena, &e, &err) == 1)
 *         puts(e.title.p);
 *     bl_kb_close(kb);
 *
 * Rows are 0, 1, 2 ... in input order and are what an index stores; ids are
 * text and unique.  An entity that was removed keeps its row, with nothing
 * but its id, and is not found.  What is read goes into the caller's arena
 * and lives as long as the arena does; every span is NUL-terminated.  One
 * struct bl_kb belongs to one thread.  Failures carry BL_DATA and the file's
 * path.
 *
 * The tables, for those who query the file themselves:
 *
 *     entity(row, id, title, url, qid, type, text)   url, qid, type: or NULL
 *     alias(row, n, name, kind, count, weight, surface)   n = 0: the title
 *     meta(key, value)          format, count, fingerprint, attribution ...,
 *                               and the changes (kb-change.h)
 *     fts(title, text, aliases)                      FTS5, may be missing
 *
 * alias.name is the normal form (fold.h) of alias.surface; alias.count is
 * what the input gave (or NULL), alias.weight what prior shares are made of.
 * alias.kind is enum bl_kb_kind.
 */
#ifndef BL_KB_H
#define BL_KB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/decls.h"
#include "base/err.h"

BL_BEGIN_DECLS

enum { BL_KB_FORMAT = 1, BL_KB_APPLICATION_ID = 0x424c4b42 /* "BLKB" */ };

struct bl_kb;

/* Opens for reading.  NULL with BL_DATA when the file is missing, no
 * catalogue, of another format, or cut short. */
struct bl_kb *bl_kb_open(const char *path, struct bl_err *err);
/* The same for a name as -c takes it (paths.h; NULL: "default"). */
struct bl_kb *bl_kb_open_named(const char *name, struct bl_err *err);
void bl_kb_close(struct bl_kb *kb);                     /* NULL allowed */
/* What ids of several catalogues begin with, before a ':': its file's name
 * without ".kb".  Caller frees. */
char *bl_kb_label(const char *path);

size_t bl_kb_count(const struct bl_kb *kb);             /* rows */
/* Rows whose entity was removed, among those of bl_kb_count(). */
size_t bl_kb_removed(const struct bl_kb *kb);
/* Counts them.  Opening compares their number only with the last row and with
 * what the file can hold; this comes before as much is reserved. */
int bl_kb_check_count(struct bl_kb *kb, struct bl_err *err);
/* sha256 over the ids in row order and what changed since they were first
 * given (kb-change.h), 64 hex digits; borrowed until close. */
const char *bl_kb_fingerprint(const struct bl_kb *kb);
const char *bl_kb_path(const struct bl_kb *kb);
bool bl_kb_has_fts(const struct bl_kb *kb);
/* A value of the meta table ("attribution", "source", "created", ...) in
 * *out; 1 found, 0 absent, -1 failure. */
int bl_kb_meta(struct bl_kb *kb, const char *key, struct bl_arena *arena,
               struct bl_span *out, struct bl_err *err);

/* An absent url, qid or type has p == NULL. */
struct bl_entity {
    int64_t row;
    struct bl_span id, title, url, qid, type;
    struct bl_span text;        /* p == NULL where "brief" was asked for */
};

/* 1 found, 0 no such entity (also where it was removed), -1 failure. */
int bl_kb_get(struct bl_kb *kb, struct bl_span id, struct bl_arena *arena,
              struct bl_entity *out, struct bl_err *err);
int bl_kb_get_row(struct bl_kb *kb, int64_t row, struct bl_arena *arena,
                  struct bl_entity *out, struct bl_err *err);
/* The same without the text, which costs most of the reading. */
int bl_kb_brief_row(struct bl_kb *kb, int64_t row, struct bl_arena *arena,
                    struct bl_entity *out, struct bl_err *err);
int bl_kb_row(struct bl_kb *kb, struct bl_span id, int64_t *row,
              struct bl_err *err);

/* ---- What changed since an index was made ---- */

struct bl_kb_since {
    int64_t *changed;           /* [n_changed] rows of that state that have
                                 * another title or text now, in order */
    size_t n_changed;
    int64_t first_added;        /* rows from here on are newer than it */
    size_t n_added;             /* those of them that are not removed */
};

/* What is newer than the state with that fingerprint and as many rows, whose
 * ids are a prefix of today's.  1 with *since (nothing, for the state of
 * today), 0 when the catalogue never had such a state, -1 failure. */
int bl_kb_since(struct bl_kb *kb, const char *fingerprint, uint64_t rows,
                struct bl_arena *arena, struct bl_kb_since *since,
                struct bl_err *err);

/* The rows whose entities were removed, in order. */
int bl_kb_removed_rows(struct bl_kb *kb, struct bl_arena *arena,
                       int64_t **rows, size_t *n_rows, struct bl_err *err);

/* ---- Names: titles and aliases ---- */

enum bl_kb_kind {
    BL_KB_TITLE,                /* the whole title */
    BL_KB_BARE,                 /* a title without its "(...)" at the end */
    BL_KB_ALIAS,
    BL_KB_INITIALS,             /* of the title: "ICJ"; no name */
    BL_KB_COMMON = 8            /* or-ed in: a common noun, see kb-build.h */
};

/* This entity's share of the name is its weight / the total of the list. */
struct bl_kb_name {
    int64_t row;
    int64_t weight;
    int kind;                   /* enum bl_kb_kind */
};

struct bl_kb_names {
    struct bl_kb_name *v;       /* by weight, then by row; [n] in the arena */
    size_t n;
    int64_t total;              /* weights of ALL entities of that name */
};

/* The entities whose title or alias has the normal form `folded` (bl_fold),
 * at most max of them, each once.  0 (also when there is none), or -1. */
int bl_kb_lookup(struct bl_kb *kb, struct bl_span folded, size_t max,
                 struct bl_arena *arena, struct bl_kb_names *out,
                 struct bl_err *err);

/* The entities whose title has these initials (initials.h), "icj", by row, at
 * most max: a guess that needs other evidence.  0, or -1. */
int bl_kb_initials(struct bl_kb *kb, struct bl_span folded, size_t max,
                   struct bl_arena *arena, int64_t **rows, size_t *n_rows,
                   struct bl_err *err);

struct bl_kb_alias {
    struct bl_span surface;
    int64_t count;              /* -1: the input gave none */
};

/* The aliases of one entity as its input gave them, in that order. */
int bl_kb_aliases(struct bl_kb *kb, int64_t row, struct bl_arena *arena,
                  struct bl_kb_alias **aliases, size_t *n_aliases,
                  struct bl_err *err);

/* The first name in byte order that is >= folded, for prefix search:
 * 1 found, 0 none, -1 failure. */
int bl_kb_name_from(struct bl_kb *kb, struct bl_span folded,
                    struct bl_arena *arena, struct bl_span *out,
                    struct bl_err *err);

struct bl_kb_spelling {
    struct bl_span surface;     /* as written in the catalogue */
    struct bl_span type;        /* of its entity; p == NULL: none */
    int64_t row, weight;
    int kind;
    bool counted;               /* somebody counted how often it is used */
};

/* As bl_kb_lookup, with every spelling: "US" and "us" of one entity or of
 * two are two. */
int bl_kb_spellings(struct bl_kb *kb, struct bl_span folded, size_t max,
                    struct bl_arena *arena, struct bl_kb_spelling **spellings,
                    size_t *n_spellings, struct bl_err *err);

/* ---- Walking and searching ---- */

/* Starts a walk in row order at the given row; bl_kb_next() steps: 1 with
 * *out filled, 0 at the end, -1 failure, as when a row is missing.  One walk
 * at a time. */
int bl_kb_walk(struct bl_kb *kb, int64_t row, struct bl_err *err);
int bl_kb_next(struct bl_kb *kb, struct bl_arena *arena, struct bl_entity *out,
               struct bl_err *err);

struct bl_kb_hit {
    struct bl_entity entity;
    double score;               /* higher is better */
};

/* Full-text search for the words of `query` (any text: nothing in it is
 * syntax).  First come entities of that very name, with 100 + 100 * their
 * share of it; then those that hold all words, by bm25 and how much of the
 * title the words are; then, if `max` is not reached, those that hold
 * some.  -1 with BL_DATA when the catalogue was
 * built without full text. */
int bl_kb_search(struct bl_kb *kb, struct bl_span query, size_t max,
                 struct bl_arena *arena, struct bl_kb_hit **hits,
                 size_t *n_hits, struct bl_err *err);

/* Reads the whole file: SQLite's integrity check, the rows 0..count-1, the
 * count and the fingerprint.  0 when intact. */
int bl_kb_verify(struct bl_kb *kb, struct bl_err *err);

BL_END_DECLS

#endif
