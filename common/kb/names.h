/* SPDX-License-Identifier: MIT */
/*
 * names: which page of an encyclopedia a name leads to, for millions of
 * names, in one mapped file (.names).
 *
 *     struct bl_names *names = bl_names_open("enwiki.names", &err);
 *     struct bl_name name;
 *     if (bl_names_find(names, folded, &arena, &name, &err) == 1)
 *         ... name.title, name.redirect ...
 *     bl_names_close(names);
 *
 * A name is the title of a page, or leads to one as a redirect does.  Names
 * are told apart by their normal form alone (fold.h); how a title is spelled
 * is kept.  names-build.h makes such files; blink-names(5) has every byte.
 *
 * Opening reads the header: magic, version, byte order, checksum, and that
 * the parts fill the file.  All else is checked as it is read, so that a
 * damaged or hostile file gives BL_DATA and never a step outside it.
 * Reading is safe from several threads.
 */
#ifndef BL_NAMES_H
#define BL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/decls.h"
#include "base/err.h"

BL_BEGIN_DECLS

enum {
    BL_NAMES_VERSION = 1,
    BL_NAMES_LONGEST = 255,     /* bytes of a normal form, and of a title */
    BL_NAMES_SITE = 63          /* bytes of what a file is called by */
};

struct bl_names;

/* NULL with BL_DATA when the file is missing, none of these, of another
 * version, damaged in its header, or cut short. */
struct bl_names *bl_names_open(const char *path, struct bl_err *err);
/* The file DATA/names/SITE.names, "enwiki" for the pages of the English
 * Wikipedia; *out is NULL where there is none.  A site that is no such word
 * has none.  -1 as above, or when the file is of another site. */
int bl_names_open_site(struct bl_span site, struct bl_names **out,
                       struct bl_err *err);
void bl_names_close(struct bl_names *names);    /* NULL: nothing */

/* Whether the file begins as one of these does: 1 yes, 0 no or there is no
 * such file, -1 when the system failed (BL_SYSTEM). */
int bl_names_is_file(const char *path, struct bl_err *err);
/* Letters, digits, '-' and '_', up to BL_NAMES_SITE: "enwiki". */
bool bl_names_is_site(struct bl_span site);

/* Where it lies, borrowed until close; its names, those of them that are
 * redirects, and its bytes. */
const char *bl_names_path(const struct bl_names *names);
size_t bl_names_count(const struct bl_names *names);
size_t bl_names_redirects(const struct bl_names *names);
size_t bl_names_bytes(const struct bl_names *names);

/* What the file says of itself, "" where nothing; borrowed until close. */
enum bl_names_note {
    BL_NAMES_NOTE_SITE, BL_NAMES_NOTE_CREATED, BL_NAMES_NOTE_SOURCE,
    BL_NAMES_NOTE_LICENCE, BL_NAMES_NOTE_ATTRIBUTION, BL_N_NAMES_NOTES
};
const char *bl_names_note(const struct bl_names *names,
                          enum bl_names_note note);

/* The page that a name leads to. */
struct bl_name {
    struct bl_span title;       /* as spelled, in the arena */
    struct bl_span folded;      /* its normal form, in the arena */
    bool redirect;              /* the name is not that title itself */
};

/* The page of the name with that normal form (bl_fold): 1 found, 0 no such
 * name, -1 BL_DATA where the file is damaged. */
int bl_names_find(const struct bl_names *names, struct bl_span folded,
                  struct bl_arena *arena, struct bl_name *out,
                  struct bl_err *err);

/* Reads the whole file: its checksum, the order of the names, that each
 * title has the normal form it is filed under, and that redirects lead to
 * titles.  0 when intact. */
int bl_names_verify(const struct bl_names *names, struct bl_err *err);

BL_END_DECLS

#endif
