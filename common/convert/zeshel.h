/* SPDX-License-Identifier: MIT */
/*
 * zeshel: the zero-shot entity linking data set as BLINK's records.
 *
 *     struct bl_zeshel z = { .input = "zeshel", .output = "records" };
 *     if (bl_zeshel_run(&z, &report, &err) < 0) ...
 *
 * Reads input/documents/WORLD.json, a page a line:
 *     {"document_id","title","text"}
 * and input/mentions/SPLIT.json, a mention a line, its place in words:
 *     {"mention_id","context_document_id","label_document_id","text",
 *      "corpus","start_index","end_index","category"}
 * and makes a folder with
 *     SPLIT.jsonl           {"id","context_left","mention","context_right",
 *                            "label","label_title","label_id","world",
 *                            "category"}        "val" becomes "valid"
 *     WORLD.entities.jsonl  {"id","title","text","document_id"}
 *
 * As in BLINK (examples/zeshel/create_BLINK_zeshel_data.py) contexts and
 * mentions are in lower case, each side has at most 128 words, and label_id
 * is the number of the page in its world, from 0, which is what the
 * entities are called here.  Worlds are mapped, so memory is that of the
 * page ids.
 */
#ifndef BL_ZESHEL_H
#define BL_ZESHEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct bl_zeshel {
    const char *input, *output;
    bool force;                 /* replace the output */
};

struct bl_zeshel_report {
    size_t worlds, entities, splits, mentions;
};

/* -1: BL_DATA naming file, line and field; nothing is left behind. */
int bl_zeshel_run(const struct bl_zeshel *options,
                  struct bl_zeshel_report *report, struct bl_err *err);

#endif
