/* SPDX-License-Identifier: MIT */
/*
 * kb-counts: how often names were seen to mean entities of Wikipedia, given
 * to the entities of a catalogue that are the same pages.
 *
 *     struct bl_kb_counts *c = bl_kb_counts_open(path, &err);
 *     bl_kb_counts_give(c, &in, &arena);          before bl_kb_build_add()
 *     bl_kb_counts_close(c);
 *
 * The file has a line for each pair, four columns with tabs between them:
 *
 *     count   name   id   title
 *
 * and may have lines that begin with '#'.  An id that is no number stands for
 * a page whose number is not known.  share/names/wikipedia-en.tsv is such a
 * file; scripts/train-data makes it.
 *
 * A catalogue of one's own is not touched by accident: the title has to be
 * equal byte for byte, and so has the id, unless the entity shows in another
 * way that it is that page: its id is its title (also with '_' for blanks),
 * or, where the number is not known, its url is that of the English
 * Wikipedia's page of its own number, as in BLINK's entities.  An entity that
 * comes with counts of its own keeps these and gets no others, so that what
 * `blink-kb cat` prints makes the same catalogue again.
 */
#ifndef BL_KB_COUNTS_H
#define BL_KB_COUNTS_H

#include "kb/kb-build.h"

struct bl_kb_counts;

/* Reads the file.  NULL with BL_DATA naming path, line and what is wrong. */
struct bl_kb_counts *bl_kb_counts_open(const char *path, struct bl_err *err);
void bl_kb_counts_close(struct bl_kb_counts *counts);        /* NULL allowed */

/* Adds the counted names of that entity to in->aliases, or the count to an
 * alias of the same spelling.  Memory is the arena's; what was there is not
 * changed, but in->aliases and in->n_aliases may be. */
void bl_kb_counts_give(const struct bl_kb_counts *counts,
                       struct bl_kb_input *in, struct bl_arena *arena);

#endif
