/* SPDX-License-Identifier: MIT */
/*
 * reader: entities from files of any form into a catalogue: lines of JSON, an
 * array of JSON, or a table.
 *
 *     struct bl_kb_reader reader = { .builder = builder, ... };
 *     bl_progress_start(&reader.progress, "entities", 0, true);
 *     bl_kb_reader_file(&reader, "x.csv", &err);
 *     bl_kb_reader_free(&reader);
 */
#ifndef BL_BIN_KB_READER_H
#define BL_BIN_KB_READER_H

#include <stdbool.h>

#include "base/arena.h"
#include "cli/prog.h"
#include "json/record.h"
#include "kb/kb-build.h"
#include "kb/kb-counts.h"

struct bl_kb_reader {
    struct bl_kb_builder *builder;
    struct bl_kb_counts *counts;        /* NULL: none */
    const char *command;        /* that does this with another file */
    size_t max_line;            /* bytes of a line or row */
    bool drop;                  /* go on after what is not an entity */
    bool change;                /* entities that are there get the fields
                                 * that are given; none are added */
    struct bl_progress progress;
    size_t dropped;
    /* ---- Private ---- */
    struct bl_arena arena;
    struct bl_record record;
    struct bl_buf told;         /* fields that are not stored, each with a
                                 * newline behind */
    size_t n_told;
    bool in_table;              /* rows, not lines of JSON */
    bool made_ids;              /* the titles are the ids */
    bool odd;                   /* the input does not begin as JSON does */
};

/* Reads a file, or standard input for "-", by that function. */
typedef int bl_kb_reader_fn(struct bl_kb_reader *reader, int fd,
                            const char *name, struct bl_err *err);
int bl_kb_reader_open(struct bl_kb_reader *reader, const char *path,
                      bl_kb_reader_fn *read, struct bl_err *err);
/* Adds the entities of a file, or of standard input ("-"), warning of what is
 * dropped and of fields that are not stored.  `path` must outlive the builder.
 * -1 with BL_DATA or BL_SYSTEM. */
int bl_kb_reader_file(struct bl_kb_reader *reader, const char *path,
                      struct bl_err *err);
/* After a failure at that line: 0 to go on, -1 to stop with *err. */
int bl_kb_reader_refuse(struct bl_kb_reader *reader, const char *file,
                        size_t number, struct bl_err *err);
void bl_kb_reader_free(struct bl_kb_reader *reader);

#endif
