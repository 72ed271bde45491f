/* SPDX-License-Identifier: MIT */
/* fuzz-wordpiece: any valid text.  Words lie in order inside the text and
 * are valid; a text's last ids are the end of all its ids; a second time,
 * from the cache, gives the same; each piece has a place, in order. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "feed.h"
#include "text/wordpiece.h"
#include "text/words.h"

enum { MAX = 4096, LAST = 7 };

static struct bl_wordpiece *open_words(void)
{
    static const char text[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n##a\n##b\n"
        "ab\n##ab\n.\n#\n1\n##1\n\xC3\xA6\n##\xC3\xA6\n\xE4\xB8\xAD\n[MASK]\n";
    struct bl_wordpiece_opts o = { .lowercase = true };
    char *path = feed_file("vocab.txt", text, sizeof text - 1);
    struct bl_wordpiece *wp;

    wp = bl_wordpiece_open(path, &o, NULL);
    feed_remove(path);
    CHECK(wp);
    return wp;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_span text = { (const char *)data, size };
    struct bl_wordpiece *wp = open_words();
    struct bl_words words = BL_WORDS_INIT;
    int32_t ids[MAX], again[MAX], last[LAST];
    struct bl_piece pieces[MAX];
    struct bl_word w;
    size_t at = 0, n;
    bool cut;

    text.n = bl_utf8_valid(text.p, text.n);
    bl_words_start(&words, text.p, text.n, true);
    for (; bl_words_next(&words, &w); at = w.start)
        CHECK(w.n > 0 && w.start >= at && w.end > w.start
              && w.end <= text.n && bl_utf8_valid(w.p, w.n) == w.n);
    bl_words_free(&words);
    n = bl_wordpiece_ids(wp, text, 1, ids, MAX, &cut);
    CHECK(bl_wordpiece_ids(wp, text, 1, again, MAX, NULL) == n
          && !memcmp(ids, again, n * sizeof *ids));
    CHECK(n <= text.n);
    CHECK(bl_wordpiece_places(wp, text, 1, again, pieces, MAX, NULL) == n
          && !memcmp(ids, again, n * sizeof *ids));
    for (size_t i = 0; i < n; i++)
        CHECK(pieces[i].start < pieces[i].end && pieces[i].end <= text.n
              && (!i || (pieces[i].start >= pieces[i - 1].start
                         && pieces[i].end >= pieces[i - 1].end)));
    at = bl_wordpiece_last_ids(wp, text, 1, last, LAST, NULL);
    CHECK(at == BL_MIN(n, LAST));
    CHECK(cut || !memcmp(last, ids + n - at, at * sizeof *last));
    bl_wordpiece_close(wp);
    return 0;
}
