/* SPDX-License-Identifier: MIT */
/* fuzz-examples: any lines as examples to train on, without a catalogue and
 * with one.  Numbers of entities are those of entities, none is in a list
 * twice or beside its gold, and what is written of an example is a record. */
#include "catalogue.h"
#include "feed.h"
#include "train/examples.h"

static void check_example(const struct bl_examples *x, size_t i)
{
    const struct bl_example *e = &x->v[i];
    struct bl_record record = { 0 };
    struct bl_buf out = BL_BUF_INIT;

    CHECK(e->gold < x->n_entities && e->from + e->n <= x->n_others);
    for (size_t k = 0; k < e->n; k++) {
        const uint32_t *others = x->others + e->from;

        CHECK(others[k] < x->n_entities && others[k] != e->gold);
        for (size_t j = 0; j < k; j++)
            CHECK(others[j] != others[k]);
    }
    bl_example_put(&out, x, i);
    CHECK(out.len && out.data[out.len - 1] == '\n');
    CHECK(bl_record_parse(&record, (struct bl_span){ out.data, out.len - 1 },
                          1, NULL) == 0);
    bl_record_free(&record);
    bl_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *path = feed_file("x.jsonl", data, size);
    struct bl_examples_opts opts = { .max_others = 8 };
    uint32_t number;

    for (size_t turn = 0; turn < 2; turn++) {
        struct bl_err err = { .code = BL_OK };
        struct bl_examples *x = bl_examples_read(path, &opts, &err);

        CHECK(x || err.code == BL_DATA);
        for (size_t i = 0; x && i < x->n; i++)
            check_example(x, i);
        if (x && opts.kb)
            CHECK(bl_examples_row(x, 1, &number, &err) == 0
                  && number < x->n_entities);
        bl_examples_free(x);
        opts.kb = catalogue_open();
    }
    feed_remove(path);
    return 0;
}
