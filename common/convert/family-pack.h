/* SPDX-License-Identifier: MIT */
/*
 * family-pack: models that share their words made a family (model-family.h).
 *
 *     struct bl_family_pack p = {
 *         .models = { "runs/bi", "runs/cross", "runs/ner" },
 *         .int8_words = true, .int8_layers = true, .threads = 2 };
 *     if (bl_family_pack(&p, "share/models/mini", &report, &err) < 0) ...
 *
 * What is not int8 is in 16 bits.  The same models give the same bytes on the
 * same machine, with any number of threads.
 */
#ifndef BL_FAMILY_PACK_H
#define BL_FAMILY_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"

enum { BL_FAMILY_MODELS = BL_ROLE_TAGGER + 1 };

struct bl_family_pack {
    const char *models[BL_FAMILY_MODELS];       /* by role; NULL: none */
    bool int8_words, int8_layers;
    bool replace;               /* a family that is there; its README.md and
                                 * calibration.json go over */
    size_t threads;
};

/* Bytes of the files. */
struct bl_family_report {
    uint64_t words, models[BL_FAMILY_MODELS], total;
};

/* -1 with BL_DATA when the models do not have the same vocabulary, or not the
 * same word vectors once rounded to 16 bits; nothing is left then. */
int bl_family_pack(const struct bl_family_pack *p, const char *to,
                   struct bl_family_report *report, struct bl_err *err);

#endif
