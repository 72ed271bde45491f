/* SPDX-License-Identifier: MIT */
/*
 * names-build: making a file of names (names.h).
 *
 *     struct bl_names_builder *b = bl_names_build_open("x.names", &opts,
 *                                                      &err);
 *     bl_names_build_add(b, bl_span_of("super glue"),
 *                        bl_span_of("cyanoacrylate"), &err);
 *     bl_names_build_finish(b, &err);        or bl_names_build_abort(b)
 *
 * The order of the input does not matter, and memory does not grow with it
 * but for four bytes a name.  The file appears under its name when it is
 * complete (file.h).
 */
#ifndef BL_NAMES_BUILD_H
#define BL_NAMES_BUILD_H

#include "base/buf.h"
#include "base/err.h"
#include "kb/names.h"

struct bl_names_builder;

/* notes[BL_N_NAMES_NOTES] are copied; NULL or "": none.  "created" is not
 * looked at.  NULL with BL_USAGE when a note is too long for its field or
 * the site is no site. */
struct bl_names_builder *bl_names_build_open(const char *path,
                                             const char *const *notes,
                                             struct bl_err *err);

/* A name of a page, with '_' for ' ' as addresses have it.  Without a target
 * (p == NULL) it is the page's title, unless it is also given with one: then
 * it leads to the title that this leads to.  Where several names have one
 * normal form, a title goes before what leads to others, then the first in
 * byte order.  1: it was taken; 0: it was dropped, having no normal form or
 * more bytes than BL_NAMES_LONGEST (either of the two); -1. */
int bl_names_build_add(struct bl_names_builder *builder, struct bl_span name,
                       struct bl_span target, struct bl_err *err);

/* Completes the file and puts it in place; releases the builder either
 * way. */
int bl_names_build_finish(struct bl_names_builder *builder,
                          struct bl_err *err);
void bl_names_build_abort(struct bl_names_builder *builder);   /* or NULL */

#endif
