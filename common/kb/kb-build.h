/* SPDX-License-Identifier: MIT */
/*
 * kb-build: making a catalogue, and changing one.
 *
 *     struct bl_kb_builder *b = bl_kb_build_open("x.kb", &opts, &err);
 *     bl_kb_input_read(&in, &record, false, &arena, &err);
 *     bl_kb_build_add(b, &in, "e.jsonl", record.number, &err);
 *     bl_kb_build_finish(b, &err);       or bl_kb_build_abort(b)
 *
 * A build goes to a temporary file that is renamed at the end, and so does an
 * update, which starts from a copy: readers go on with the file that they
 * opened.  Updates of one catalogue wait for each other.  Memory does not
 * grow with the number of entities.
 *
 * A name gets the mark BL_KB_COMMON when it looks like a common noun: it is
 * written in lower case ("heart attack"), or it is a title whose entity's
 * text uses it with a small first letter ("Dog": "the dog is a ...").
 *
 * Weights, of which the shares of a name are made: an alias's count (1 when
 * none is given); for a title 5, for a title without its "(...)" 2, plus the
 * counts of aliases that spell the same.
 */
#ifndef BL_KB_BUILD_H
#define BL_KB_BUILD_H

#include "json/record.h"
#include "kb/kb.h"

enum { BL_KB_MOST_UNUSED = 32 };
#define BL_KB_MOST_COUNT (INT64_C(1) << 40)

/* What a record has that is to take the place of what the catalogue has. */
enum {
    BL_KB_GIVES_TITLE = 2, BL_KB_GIVES_TEXT = 4, BL_KB_GIVES_URL = 8,
    BL_KB_GIVES_QID = 16, BL_KB_GIVES_TYPE = 32, BL_KB_GIVES_ALIASES = 64
};

struct bl_kb_input {
    struct bl_span id, title, text;     /* text: empty when absent */
    struct bl_span url, qid, type;      /* p == NULL when absent */
    struct bl_kb_alias *aliases;        /* [n_aliases] */
    size_t n_aliases;
    struct bl_span *unused;             /* [n_unused] names of fields with a
                                         * value that nothing is made of */
    size_t n_unused;
    unsigned given;                     /* BL_KB_GIVES_...; with null too */
};

/* Reads {"id","title","text","url","qid","type","aliases"} or BLINK's
 * {"idx","title","text","entity"} into *in; all memory is the arena's or the
 * record's.  kb-fields.h has the names that other linkers use.  With `part` it
 * need not have a title.  -1 with a record-level code. */
int bl_kb_input_read(struct bl_kb_input *in, const struct bl_record *record,
                     bool part, struct bl_arena *arena, struct bl_err *err);

struct bl_kb_build_opts {
    bool fts;                           /* with a full-text table */
    const char *attribution, *source, *licence;     /* NULL: none */
    const char *site;                   /* the wiki whose pages the entities
                                         * are, "enwiki"; NULL: none */
};

struct bl_kb_builder;

/* A new catalogue at path.  NULL with *err on failure. */
struct bl_kb_builder *bl_kb_build_open(const char *path,
                                       const struct bl_kb_build_opts *opts,
                                       struct bl_err *err);
/* An existing catalogue, to be added to or changed. */
struct bl_kb_builder *bl_kb_update_open(const char *path, bool replace,
                                        struct bl_err *err);

/* Adds one entity.  file (kept: must outlive the builder) and line say where
 * it stood, for the message about an id given twice.  That is BL_DATA: at
 * once in an update (unless it replaces), at the end of a build. */
int bl_kb_build_add(struct bl_kb_builder *builder,
                    const struct bl_kb_input *in, const char *file,
                    size_t line, struct bl_err *err);

/* Of an update: gives the entity with in->id what *in has, which is changed to
 * all that the entity then has.  -1 with BL_BAD_FIELD when there is none. */
int bl_kb_build_change(struct bl_kb_builder *builder, struct bl_kb_input *in,
                       struct bl_arena *arena, struct bl_err *err);
/* Of an update: removes the entity; -1 with BL_BAD_FIELD when there is none.
 * Its row stays, so that no other changes, and is its own again when its id
 * is added once more. */
int bl_kb_build_remove(struct bl_kb_builder *builder, struct bl_span id,
                       struct bl_err *err);

/* The wiki whose pages the entities are, where that is known only after
 * opening; in place of the option's, copied. */
void bl_kb_build_site(struct bl_kb_builder *builder, const char *site);

/* Entities added, changed or removed so far. */
size_t bl_kb_build_count(const struct bl_kb_builder *builder);

/* Completes the file and puts it in place (not after an update of nothing);
 * releases the builder either way. */
int bl_kb_build_finish(struct bl_kb_builder *builder, struct bl_err *err);
void bl_kb_build_abort(struct bl_kb_builder *builder); /* NULL allowed */

/* Now, in UTC: "2026-01-31T12:00:00Z"; $SOURCE_DATE_EPOCH stands for it where
 * it is set, so that a build can be repeated. */
void bl_kb_timestamp(char out[32]);

#endif
