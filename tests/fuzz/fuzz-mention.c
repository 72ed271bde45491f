/* SPDX-License-Identifier: MIT */
/* fuzz-mention: any text, cut by the byte FF, as a document in which names are
 * looked for, and as what a model is given of a mention and an entity.
 * Mentions lie in the text in order, on borders of characters; sequences keep
 * to their lengths, their tokens are of the vocabulary, positions rise. */
#include "catalogue.h"
#include "feed.h"
#include "ner/dictionary.h"
#include "text/input.h"

static void find_names(struct bl_span text)
{
    static struct bl_dictionary *dictionary;
    struct bl_dictionary_opts opts = { .common = true };
    struct bl_doc doc = { 0 };
    struct bl_founds found = { NULL, 0, 0 };
    struct bl_err err;
    size_t end = 0;

    if (!dictionary)
        dictionary = bl_dictionary_new(catalogue_open(), &opts);
    bl_doc_set(&doc, text);
    CHECK(bl_dictionary_find(dictionary, &doc, &found, &err) == 0);
    for (size_t i = 0; i < found.n; i++) {
        const struct bl_found *one = &found.v[i];

        CHECK(one->start >= end && one->start < one->end
              && one->end <= text.n);
        CHECK(bl_utf8_valid(text.p + one->start, one->end - one->start)
              == one->end - one->start);
        CHECK(one->score >= 0 && one->score <= 1 && one->row >= 0);
        end = one->end;
    }
    free(found.v);
    bl_doc_free(&doc);
}

static struct bl_wordpiece *words(void)
{
    static const char text[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[unused0]\n"
        "[unused1]\n[unused2]\na\nb\n##a\n##b\nparis\n.\n:\n";
    struct bl_wordpiece_opts opts = {
        .lowercase = true, .tags = { "[unused0]", "[unused1]", "[unused2]" }
    };
    static struct bl_wordpiece *open;

    if (!open) {
        char *path = feed_file("vocab.txt", text, sizeof text - 1);

        CHECK((open = bl_wordpiece_open(path, &opts, NULL)));
        feed_remove(path);
    }
    return open;
}

static void check_input(const struct bl_input *in, size_t most)
{
    CHECK(in->n >= 2 && in->n <= most);
    for (size_t i = 0; i < in->n; i++) {
        CHECK(in->ids[i] >= 0
              && (size_t)in->ids[i] < bl_wordpiece_size(words()));
        CHECK(in->segments[i] == 0 || in->segments[i] == 1);
        CHECK(i == 0 || in->positions[i] > in->positions[i - 1]);
    }
}

static void lay_out(struct feed *f, const struct bl_mention *mention,
                    const struct bl_entity_text *entity)
{
    struct bl_input_spec spec = { .lower_first = feed_byte(f) % 2 };
    struct bl_input in = BL_INPUT_INIT;

    spec.layout = feed_byte(f) % 4;
    spec.literal = feed_byte(f) % 4;
    spec.context_length = feed_size(f, BL_INPUT_MIN_CONTEXT, 40);
    spec.entity_length = feed_size(f, BL_INPUT_MIN_ENTITY, 40);
    spec.pair_length = spec.context_length + spec.entity_length;
    bl_input_context(&in, words(), &spec, mention);
    check_input(&in, 80);
    bl_input_entity(&in, words(), &spec, entity);
    check_input(&in, 80);
    bl_input_pair(&in, words(), &spec, mention, entity);
    check_input(&in, BL_MAX(spec.pair_length, 8));
    bl_input_free(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed f = { data, size, 1 };
    struct bl_span part[5];

    for (size_t i = 0; i < 5; i++) {
        part[i] = feed_piece(&f);
        part[i].n = bl_utf8_valid(part[i].p, part[i].n);
    }
    find_names(part[0]);
    lay_out(&f, &(struct bl_mention){ part[0], part[1], part[2] },
            &(struct bl_entity_text){ part[3], part[4], part[3].n > 0 });
    return 0;
}
