/* SPDX-License-Identifier: MIT */
/* Files of names: built, looked up, and whatever bytes they hold. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "kb/names-build.h"
#include "kb/names-file.h"
#include "tap.h"
#include "text/fold.h"

static struct bl_err err;
static struct bl_arena arena;
static char *path;

static const char *const lines[][2] = {
    { "super_glue", "cyanoacrylate" }, { "superglue", "super_glue" },
    { "cyanoacrylate", NULL }, { "washington_post", NULL },
    { "washington_post", "the_washington_post" },
    { "a._b._brown", NULL }, { "a_b_brown", "andrew_brown" },
    { "st._john's", "st_johns" }, { "st_johns", "st._john's" },
    { "round", "about" }, { "about", "round" },
    { "jean-claude_juncker", NULL }, { "at&t", NULL },
    { "s\303\243o_paulo", NULL }, { "...", NULL }
};

static struct bl_names_builder *open_builder(void)
{
    const char *const notes[BL_N_NAMES_NOTES] = {
        [BL_NAMES_NOTE_SITE] = "testwiki",
        [BL_NAMES_NOTE_ATTRIBUTION] = "its authors"
    };
    struct bl_names_builder *b = bl_names_build_open(path, notes, &err);

    if (!b) {
        printf("Bail out! %s\n", err.msg);
        exit(99);
    }
    return b;
}

/* `many` more names fill blocks. */
static struct bl_names *build(size_t many)
{
    struct bl_names_builder *b = open_builder();

    for (size_t i = 0; i < BL_COUNT(lines); i++)
        bl_names_build_add(b, bl_span_of(lines[i][0]), lines[i][1]
                           ? bl_span_of(lines[i][1])
                           : (struct bl_span){ NULL, 0 }, &err);
    for (size_t i = 0; i < many; i++) {
        char *name = bl_xasprintf("No. %zu-%zu", i, i * i);

        bl_names_build_add(b, bl_span_of(name), i % 3
                           ? (struct bl_span){ NULL, 0 }
                           : BL_SPAN_LIT("round"), &err);
        free(name);
    }
    return bl_names_build_finish(b, &err) == 0 ? bl_names_open(path, &err)
                                               : NULL;
}

/* "title", "-> title" for a redirect, "" for no such name, "!" */
static const char *find(const struct bl_names *names, const char *name)
{
    struct bl_buf folded = BL_BUF_INIT, out = BL_BUF_INIT;
    struct bl_name found;
    const char *text = "";
    int rc;

    bl_fold(&folded, bl_span_of(name));
    rc = bl_names_find(names, (struct bl_span){ folded.data, folded.len },
                       &arena, &found, &err);
    if (rc == 1) {
        bl_buf_printf(&out, "%s%s", found.redirect ? "-> " : "",
                      found.title.p);
        text = bl_arena_strndup(&arena, out.data, out.len);
    }
    bl_buf_free(&folded);
    bl_buf_free(&out);
    return rc < 0 ? "!" : text;
}

static void test_find(const struct bl_names *names)
{
    static const char *const cases[][3] = {
        { "Super Glue", "-> cyanoacrylate", "a redirect" },
        { "superglue", "-> cyanoacrylate", "a redirect to a redirect" },
        { "Cyanoacrylate", "cyanoacrylate", "a title" },
        { "the Washington Post", "the washington post",
          "what a redirect leads to is a title" },
        { "Washington Post", "-> the washington post",
          "a name that is also given alone" },
        { "A B Brown", "a. b. brown", "a title before a redirect" },
        { "St. John's", "st. john's", "two that lead to each other" },
        { "Jean Claude Juncker", "jean-claude juncker", "how it is spelled" },
        { "AT & T", "at&t", "signs" },
        { "Sao Paulo", "s\303\243o paulo", "letters with accents" },
        { "...", "...", "nothing but punctuation" },
        { "no. 31 961", "No. 31-961", "in a later block" },
        { "No. 30-900", "-> about", "and a redirect there" },
        { "nothing", "", "no such name" }, { "", "", "an empty one" },
        { "zzz", "", "behind the last" }, { "!", "", "before the first" },
    };

    for (size_t i = 0; i < BL_COUNT(cases); i++)
        is_str(find(names, cases[i][0]), cases[i][1], cases[i][2]);
}

static void test_notes(const struct bl_names *names)
{
    is_str(bl_names_note(names, BL_NAMES_NOTE_SITE), "testwiki", "its site");
    is_str(bl_names_note(names, BL_NAMES_NOTE_ATTRIBUTION), "its authors",
           "its attribution");
    is_str(bl_names_note(names, BL_NAMES_NOTE_SOURCE), "", "no source");
    ok(bl_names_is_file(path, NULL), "it is known by its first bytes");
    ok(bl_names_is_site(BL_SPAN_LIT("enwiki"))
       && !bl_names_is_site(BL_SPAN_LIT("../enwiki"))
       && !bl_names_is_site(BL_SPAN_LIT("")), "what a site is called");
}

static void test_long(void)
{
    struct bl_names_builder *b = open_builder();
    char name[BL_NAMES_LONGEST + 2];
    struct bl_span span = { name, BL_NAMES_LONGEST };
    struct bl_names *names;
    bool longest, longer;

    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    longest = bl_names_build_add(b, span, (struct bl_span){ NULL, 0 },
                                 &err) == 1;
    name[0] = 'b';              /* shares nothing with the one before */
    longest &= bl_names_build_add(b, span, (struct bl_span){ NULL, 0 },
                                  &err) == 1;
    span.n++;
    longer = bl_names_build_add(b, span, (struct bl_span){ NULL, 0 },
                                &err) == 0
        && bl_names_build_add(b, BL_SPAN_LIT("x"), span, &err) == 0
        && bl_names_build_add(b, BL_SPAN_LIT(" "),
                              (struct bl_span){ NULL, 0 }, &err) == 0;
    ok(longer, "names that are too long, or empty, are dropped");
    names = bl_names_build_finish(b, &err) == 0 ? bl_names_open(path, &err)
                                                : NULL;
    name[BL_NAMES_LONGEST] = '\0';
    ok(longest && names && bl_names_count(names) == 2
       && !strcmp(find(names, name), name)
       && bl_names_verify(names, &err) == 0, "the longest are not");
    bl_names_close(names);
}

static void test_spelling(void)
{
    static const char *const titles[] = {
        "a. b. brown", "jean-claude", "at&t", "...", "x", "AC/DC: (what?)",
        "\303\211tienne \303\211tienne \303\211tienne", "a-b-c-d-e-f-g-h-i-j",
        "--------------------------------------x"
    };
    bool same = true;

    for (size_t i = 0; i < BL_COUNT(titles); i++) {
        struct bl_buf folded = BL_BUF_INIT, steps = BL_BUF_INIT;
        struct bl_buf out = BL_BUF_INIT;
        struct bl_span form;

        bl_fold(&folded, bl_span_of(titles[i]));
        form = (struct bl_span){ folded.data, folded.len };
        bl_names_spell(form, bl_span_of(titles[i]), &steps);
        same &= bl_names_respell(form, (unsigned char *)steps.data, steps.len,
                                 &out)
            && bl_span_is((struct bl_span){ out.data, out.len }, titles[i]);
        bl_buf_free(&folded);
        bl_buf_free(&steps);
        bl_buf_free(&out);
    }
    ok(same, "spellings come back from their steps");
}

/* ---- Other bytes ---- */

static void write_file(const unsigned char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");

    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0) {
        puts("Bail out! cannot write");
        exit(99);
    }
}

/* What opens is read everywhere; what comes out is a name or an error. */
static bool survives(const unsigned char *bytes, size_t n, bool *opened)
{
    struct bl_names *names;
    bool intact;

    write_file(bytes, n);
    names = bl_names_open(path, &err);
    *opened = names != NULL;
    if (!names)
        return err.code == BL_DATA;
    for (size_t i = 0; i < BL_COUNT(lines); i++)
        find(names, lines[i][0]);
    find(names, "No. 31-961");
    find(names, "No. 30-900");
    intact = bl_names_verify(names, &err) == 0;
    bl_names_close(names);
    bl_arena_reset(&arena);
    return !intact;
}

static void test_hostile(void)
{
    struct bl_buf file = BL_BUF_INIT;
    unsigned char *bytes;
    bool refused = true, found = true, sums = true, opened;

    bl_names_close(build(100));
    if (bl_file_read(path, 1 << 20, &file, &err) < 0)
        exit(99);
    bytes = (unsigned char *)file.data;
    for (size_t n = 0; n < file.len; n += n < 4000 ? 97 : 1)
        if (n)
            refused &= survives(bytes, n, &opened) && !opened;
    ok(refused, "a file that was cut does not open");
    for (size_t i = 0; i < NAMES_HEADER; i += i < 300 ? 1 : 101) {
        bytes[i] ^= 0x41;
        found &= survives(bytes, file.len, &opened) && !opened;
        bytes[i] ^= 0x41;
    }
    ok(found, "a header with another byte does not open");
    for (size_t i = NAMES_HEADER; i < file.len; i++) {
        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            bytes[i] ^= (unsigned char)bit;
            found &= survives(bytes, file.len, &opened) && opened;
            bytes[i] ^= (unsigned char)bit;
        }
    }
    ok(found, "another bit behind it is survived, and found by verify");
    for (size_t i = 8; i < AT_SUM; i++) {
        bytes[i] ^= 0x11;
        bl_sha256_header(bytes, NAMES_HEADER, AT_SUM, bytes + AT_SUM);
        sums &= survives(bytes, file.len, &opened);
        bytes[i] ^= 0x11;
    }
    ok(sums, "so are numbers that a right checksum vouches for");
    bl_buf_free(&file);
}

static void test_refused(void)
{
    const char *notes[BL_N_NAMES_NOTES] = { NULL };

    notes[BL_NAMES_NOTE_SITE] = "no/site";
    ok(!bl_names_build_open(path, notes, &err) && err.code == BL_USAGE,
       "a site that is none");
    notes[BL_NAMES_NOTE_SITE] = "a234567890123456789012345678901234567890"
                                "1234567890123456789012345";
    ok(!bl_names_build_open(path, notes, &err) && err.code == BL_USAGE,
       "a note that is too long");
    write_file((const unsigned char *)"hello", 5);
    ok(!bl_names_open(path, &err) && err.code == BL_DATA
       && !bl_names_is_file(path, NULL), "another file");
    unlink(path);
    ok(!bl_names_open(path, &err) && err.code == BL_DATA, "no file");
}

int main(void)
{
    const char *folder = getenv("TMPDIR");
    struct bl_names *names;

    path = bl_xasprintf("%s/test-names-%ld.names", folder ? folder : "/tmp",
                        (long)getpid());
    names = build(100);
    ok(names && bl_names_verify(names, &err) == 0, "a file is intact");
    ok(names && bl_names_count(names) == 115, "as many as there are forms");
    test_find(names);
    test_notes(names);
    bl_names_close(names);
    names = build(0);
    ok(names && bl_names_verify(names, &err) == 0, "a small one");
    bl_names_close(names);
    test_long();
    test_spelling();
    test_hostile();
    test_refused();
    bl_arena_free(&arena);
    free(path);
    return tap_done();
}
