/* SPDX-License-Identifier: MIT */
/* Vocabulary files that must be refused, and how words are cut. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "tap.h"
#include "text/wordpiece.h"

#define HEAD "[PAD]\n[UNK]\n[CLS]\n[SEP]\n"

static char path[] = "/tmp/blink-vocab-XXXXXX";

static void write_file(const char *p, size_t n)
{
    FILE *f = fopen(path, "w");

    if (!f || fwrite(p, 1, n, f) != n || fclose(f))
        exit(99);
}

static struct bl_wordpiece *try_open(const char *text, size_t n,
                                     const char *tag, struct bl_err *err)
{
    struct bl_wordpiece_opts o = { true, { tag, NULL, NULL } };

    write_file(text, n);
    return bl_wordpiece_open(path, &o, err);
}

static void refused_n(const char *text, size_t n, const char *tag,
                      const char *why)
{
    struct bl_err err = { 0 };
    struct bl_wordpiece *wp = try_open(text, n, tag, &err);
    char want[BL_ERR_MSG];

    snprintf(want, sizeof want, "'%s': %s", path, why);
    ok(!wp && err.code == BL_DATA, "refused: %s", why);
    is_str(err.msg, want, "message");
    bl_wordpiece_close(wp);
}

static void refused(const char *text, const char *why)
{
    refused_n(text, strlen(text), NULL, why);
}

static void long_token(void)
{
    size_t n = 10u << 20;
    char *text = malloc(n + sizeof HEAD);

    if (!text)
        exit(99);
    memcpy(text, HEAD, sizeof HEAD - 1);
    memset(text + sizeof HEAD - 1, 'x', n);
    refused_n(text, sizeof HEAD - 1 + n, NULL,
              "line 5: a token of 10485760 bytes, the most is 1000");
    free(text);
}

static void bad_files(void)
{
    refused(HEAD "a\nb\na\n", "line 7: 'a' is on line 5 already");
    refused(HEAD "##a\nb\n##a\n", "line 7: '##a' is on line 5 already");
    refused("[PAD]\r\n[UNK]\r\n", "line 1: ends in CR LF, expected only LF");
    refused("\xEF\xBB\xBF" HEAD, "line 1: starts with a byte order mark, "
            "expected plain UTF-8");
    refused_n(HEAD "a\0b\n", sizeof HEAD + 3, NULL,
              "line 5: contains a NUL byte");
    refused(HEAD "a\xff\n", "line 5: invalid UTF-8 at byte 1 of it");
    refused_n("", 0, NULL, "contains no tokens");
    refused("\n", "no token '[PAD]' on its 1 lines");
    refused("[PAD]\n[UNK]\n[CLS]\n", "no token '[SEP]' on its 3 lines");
    refused_n(HEAD, sizeof HEAD - 1, "[unused0]",
              "no token '[unused0]' on its 4 lines");
    long_token();
}

/* The tokens of a text, by blanks. */
static void cut(struct bl_wordpiece *wp, const char *text, const char *want)
{
    struct bl_buf b = BL_BUF_INIT;
    int32_t ids[300];
    size_t n;

    /* Twice: from the vocabulary, then from the cache. */
    for (int i = 0; i < 2; i++) {
        n = bl_wordpiece_ids(wp, bl_span_of(text), 0, ids, 300, NULL);
        bl_buf_clear(&b);
        for (size_t k = 0; k < n; k++) {
            if (k)
                bl_buf_putc(&b, ' ');
            bl_buf_put_span(&b, bl_wordpiece_token(wp, ids[k]));
        }
        is_str(b.data ? b.data : "", want, text);
    }
    bl_buf_free(&b);
}

static void words(void)
{
    static const char vocab[] = HEAD "a\nab\n##ab\n##a\n##b\nabab\n"
        "\xC3\xA6\n##\xC3\xA6\n#\n##\n##c\n!\n##abcdefghijklmnopqrstuvwx\n"
        "1";
    struct bl_err err = { 0 };
    struct bl_wordpiece *wp = try_open(vocab, sizeof vocab - 1, NULL, &err);
    char text[102] = "";

    if (!ok(wp != NULL, "a last line without its end is fine"))
        return;
    cut(wp, "ab abab ababab aab", "ab abab abab ##ab a ##ab");
    cut(wp, "AB ab\xC3\xA6! xa ax", "ab ab ##\xC3\xA6 ! [UNK] [UNK]");
    cut(wp, "abababab aba", "abab ##ab ##ab ab ##a");
    cut(wp, "##a [CLS] 1c", "# # a [UNK] [UNK] [UNK] 1 ##c");
    memset(text, 'a', 101);
    cut(wp, text, "[UNK]");
    text[1] = '\0';
    cut(wp, text, "a");
    ok(bl_wordpiece_find(wp, bl_span_of("##c")) == 14, "##c is found");
    ok(bl_wordpiece_find(wp, bl_span_of("c")) == -1, "c is not");
    ok(bl_wordpiece_find(wp, bl_span_of("##")) == 13, "## is a head");
    ok(bl_wordpiece_check_size(wp, 18, &err) == 0, "18 embeddings fit");
    ok(bl_wordpiece_check_size(wp, 17, &err) < 0 && err.code == BL_DATA
       && strstr(err.msg, ": line 18: 18 words but the model has 17 "
                 "embeddings"),
       "17 do not: %s", err.msg);
    bl_wordpiece_close(wp);
}

/* A hundred characters are a word, whatever their bytes. */
static void longest_word(void)
{
    static const char vocab[] = HEAD "\xE1\x84\x80\n##\xE1\x84\x80\n";
    struct bl_err err = { 0 };
    struct bl_wordpiece *wp = try_open(vocab, sizeof vocab - 1, NULL, &err);
    struct bl_buf b = BL_BUF_INIT;
    int32_t ids[200];

    for (size_t i = 0; i < 100; i++)
        bl_buf_puts(&b, "\xE1\x84\x80");
    ok(bl_wordpiece_ids(wp, (struct bl_span){ b.data, b.len }, 0, ids, 200,
                        NULL) == 100, "100 characters");
    bl_buf_puts(&b, "\xCC\x81");
    ok(bl_wordpiece_ids(wp, (struct bl_span){ b.data, b.len }, 0, ids, 200,
                        NULL) == 100, "an accent does not count");
    bl_buf_puts(&b, "\xE1\x84\x80");
    ok(bl_wordpiece_ids(wp, (struct bl_span){ b.data, b.len }, 0, ids, 200,
                        NULL) == 1 && ids[0] == 1, "101 are [UNK]");
    bl_buf_free(&b);
    bl_wordpiece_close(wp);
}

static void limits(void)
{
    static const char vocab[] = HEAD "a\n##b\n";
    struct bl_err err = { 0 };
    struct bl_wordpiece *wp = try_open(vocab, sizeof vocab - 1, NULL, &err);
    int32_t ids[4] = { -7, -7, -7, -7 };
    struct bl_span text = BL_SPAN_LIT("ab a [SEP]");
    bool more;

    ok(bl_wordpiece_ids(wp, text, 0, ids, 1, &more) == 1 && more
       && ids[0] == 4 && ids[1] == -7, "one id asked for, one given");
    ok(bl_wordpiece_ids(wp, text, BL_LITERAL_SPECIALS, ids, 4, &more) == 4
       && !more && ids[3] == 3, "all four, the last a typed [SEP]");
    ok(bl_wordpiece_last_ids(wp, text, BL_LITERAL_SPECIALS, ids, 2, &more)
       == 2 && more && ids[0] == 4 && ids[1] == 3, "the last two");
    ok(bl_wordpiece_ids(wp, (struct bl_span){ NULL, 0 }, 3, ids, 4, &more)
       == 0 && !more, "no text, no ids");
    bl_wordpiece_close(wp);
}

/* Pieces of "text" with a "|" where each begins and ends, as numbers. */
static void placed(struct bl_wordpiece *wp, const char *text,
                   const char *want)
{
    struct bl_buf b = BL_BUF_INIT;
    struct bl_piece pieces[16];
    int32_t ids[16];
    size_t n = bl_wordpiece_places(wp, bl_span_of(text), BL_LITERAL_SPECIALS,
                                   ids, pieces, 16, NULL);

    for (size_t i = 0; i < n; i++)
        bl_buf_printf(&b, "%s%zu-%zu", i ? " " : "", pieces[i].start,
                      pieces[i].end);
    bl_buf_putc(&b, '\0');
    is_str(b.data, want, text);
    bl_buf_free(&b);
}

static void places(void)
{
    static const char vocab[] = HEAD "a\n##b\n##a\nb\n.\n"
        "\xE1\x84\x80\n##\xE1\x85\xA1\n##\xE1\x86\xA8\n\xC3\x9F\n";
    struct bl_err err = { 0 };
    struct bl_wordpiece *wp = try_open(vocab, sizeof vocab - 1, NULL, &err);
    struct bl_piece pieces[2] = { { 7, 7 }, { 7, 7 } };
    int32_t ids[2];

    placed(wp, " ab a.b", "1-2 2-3 4-5 5-6 6-7");
    placed(wp, "AB x b", "0-1 1-2 3-4 5-6");
    placed(wp, "a\xCC\x81" "b\xCC\x81 b", "0-3 3-6 7-8");
    placed(wp, "\xC3\xA1" "b", "0-2 2-3");
    placed(wp, "a\x01" "b\x01 b", "0-2 2-3 5-6");
    placed(wp, "\xEA\xB0\x81 a", "0-3 0-3 0-3 4-5");
    placed(wp, "a[SEP]ab[sep]", "0-1 1-6 6-7 7-8 8-9 9-12 12-13");
    placed(wp, "ab ab", "0-1 1-2 3-4 4-5");
    ok(bl_wordpiece_places(wp, BL_SPAN_LIT("ab"), 0, ids, pieces, 1, NULL)
       == 1 && pieces[0].end == 1 && pieces[1].end == 7,
       "no place beyond those asked for");
    bl_wordpiece_close(wp);
}

int main(void)
{
    int fd = mkstemp(path);

    if (fd < 0)
        return 99;
    close(fd);
    bad_files();
    words();
    longest_word();
    limits();
    places();
    unlink(path);
    return tap_done();
}
