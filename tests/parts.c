/* SPDX-License-Identifier: MIT */
/*
 * parts BASE DIR [f16]: a bi-encoder of two towers, a cross-encoder and a
 * tagger made of one model, untrained, as DIR/bi, DIR/cross and DIR/ner.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/prog.h"
#include "model/model-family.h"
#include "train/train-setup.h"

static void make(const char *base, const char *dir, enum bl_role role,
                 bool half)
{
    static const char *labels[] = { "O", "B-PER", "I-PER" };
    struct bl_train_wish w = {
        .base = base, .role = role, .layout = -1, .pooling = -1,
        .normalize = -1, .towers = role == BL_ROLE_BI_ENCODER ? 2 : 1,
        .licence = "MIT", .dtype = half ? BL_F16 : BL_F32, .seed = 1
    };
    char *path = bl_xasprintf("%s/%s", dir, bl_family_folder(role));
    struct bl_train_setup s;
    struct bl_err err;

    if (role == BL_ROLE_TAGGER) {
        w.labels = labels;
        w.n_labels = 3;
    }
    if (bl_train_setup(&s, &w, &err) < 0
        || bl_model_write(path, s.net, &s.spec, true, &err) < 0)
        bl_die(&err);
    bl_train_setup_free(&s);
    free(path);
}

int main(int argc, char **argv)
{
    bl_prog_init("parts");
    if (argc < 3)
        return 2;
    for (unsigned i = 0; i <= BL_ROLE_TAGGER; i++)
        make(argv[1], argv[2], (enum bl_role)i,
             argc > 3 && !strcmp(argv[3], "f16"));
    return bl_prog_finish(0);
}
