/* SPDX-License-Identifier: MIT */
/* fuzz-entities: any lines as entities of a catalogue, and, behind the byte
 * FF, any text as a file of counted names.  A catalogue that is made of them
 * is intact, has them all in their order, and finds each by its id and by its
 * title. */
#include "catalogue.h"
#include "feed.h"
#include "kb/kb-counts.h"
#include "text/fold.h"

enum { MOST = 40 };

struct added {
    struct bl_kb_input v[MOST];
    size_t n;
};

static struct bl_kb_counts *read_counts(struct bl_span text)
{
    char *path = feed_file_of("names.tsv", text);
    struct bl_err err = { .code = BL_OK };
    struct bl_kb_counts *counts = bl_kb_counts_open(path, &err);

    CHECK(counts || err.code == BL_DATA);
    feed_remove(path);
    return counts;
}

static void add_all(struct bl_kb_builder *builder, struct bl_span text,
                    const struct bl_kb_counts *counts, struct added *added,
                    struct bl_arena *arena)
{
    struct bl_record record = { 0 };
    struct bl_span line;
    struct bl_err err;

    while (added->n < MOST && feed_line(&text, &line)) {
        struct bl_kb_input *in = &added->v[added->n];

        if (bl_record_parse(&record, line, 1, &err) < 0
            || bl_kb_input_read(in, &record, false, arena, &err) < 0)
            continue;
        if (counts)
            bl_kb_counts_give(counts, in, arena);
        CHECK(bl_kb_build_add(builder, in, "x", ++added->n, &err) == 0);
    }
    bl_record_free(&record);
}

static void find(struct bl_kb *kb, const struct bl_kb_input *in, size_t row,
                 struct bl_arena *arena)
{
    struct bl_buf fold = BL_BUF_INIT;
    struct bl_entity e;
    struct bl_kb_names names;
    struct bl_err err;
    size_t i = 0;

    CHECK(bl_kb_get(kb, in->id, arena, &e, &err) == 1
          && e.row == (int64_t)row && bl_span_eq(e.title, in->title));
    CHECK(bl_span_eq(e.text, in->text));
    bl_fold(&fold, in->title);
    CHECK(bl_kb_lookup(kb, (struct bl_span){ fold.data, fold.len }, MOST,
                       arena, &names, &err) == 0);
    while (i < names.n && names.v[i].row != (int64_t)row)
        i++;
    CHECK(i < names.n || !fold.len);
    bl_buf_free(&fold);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed f = { data, size, 1 };
    struct bl_span lines = feed_piece(&f);
    struct bl_kb_counts *counts = f.n ? read_counts(feed_piece(&f)) : NULL;
    struct bl_kb_build_opts opts = { .fts = size % 2 };
    char *path = bl_xasprintf("%s/x.kb", feed_folder());
    struct bl_arena arena = BL_ARENA_INIT;
    struct added added = { .n = 0 };
    struct bl_err err;
    struct bl_kb_builder *builder = bl_kb_build_open(path, &opts, &err);
    struct bl_kb *kb;

    CHECK(builder);
    add_all(builder, lines, counts, &added, &arena);
    if (bl_kb_build_finish(builder, &err) == 0) {
        CHECK((kb = bl_kb_open(path, &err)) && bl_kb_count(kb) == added.n);
        CHECK(bl_kb_verify(kb, &err) == 0);
        for (size_t i = 0; i < added.n; i++)
            find(kb, &added.v[i], i, &arena);
        bl_kb_close(kb);
    } else {
        CHECK(err.code == BL_DATA);     /* an id that is given twice */
    }
    bl_kb_counts_close(counts);
    bl_arena_free(&arena);
    feed_remove(path);
    return 0;
}
