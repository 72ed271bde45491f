/* SPDX-License-Identifier: MIT */
/*
 * test-json-cases: tests/data/json-cases.txt against common/json/json.h, and,
 * when JSONTESTSUITE names a checkout of the JSON Test Suite of Nicolas Seriot
 * (nst/JSONTestSuite), its test_parsing folder as well.
 *
 * Every text is checked in an allocation of exactly its size, so that a read
 * past its end shows under ASan and valgrind.
 */
#include "config.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "json/json.h"
#include "tap.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One %{N*STRING} at p (after "%{"); returns the byte after its '}'. */
static const char *repeat(struct bl_buf *out, const char *p, const char *end)
{
    char *s;
    unsigned long n = strtoul(p, &s, 10);
    const char *from = s + 1;
    const char *to = memchr(from + 1, '}', (size_t)(end - from - 1));

    while (n--)
        bl_buf_put(out, from, (size_t)(to - from));
    return to + 1;
}

/* The bytes that a TEXT of the table stands for. */
static void unescape(struct bl_buf *out, const char *p, size_t n)
{
    const char *end = p + n;

    bl_buf_clear(out);
    bl_buf_reserve(out, 1);
    while (p < end) {
        if (*p != '%') {
            bl_buf_putc(out, *p++);
        } else if (p[1] == '{') {
            p = repeat(out, p + 2, end);
        } else {
            bl_buf_putc(out, (char)(hex(p[1]) << 4 | hex(p[2])));
            p += 3;
        }
    }
}

/* bl_json_check() on a copy without a byte to spare. */
static enum bl_code check(const char *p, size_t n)
{
    struct bl_err err = { .code = BL_OK };
    char *exact = malloc(n ? n : 1);

    if (n)
        memcpy(exact, p, n);
    int rc = bl_json_check(n ? exact : exact + 1, n, &err);
    free(exact);
    if ((rc < 0) != (err.code != BL_OK) || (rc < 0 && !err.msg[0]))
        return BL_SYSTEM;
    return err.code;
}

static const char *verdict(enum bl_code code)
{
    return code == BL_OK ? "ok" : bl_code_name(code);
}

/* Visits every member of every container: nothing is missed or made up. */
static size_t walk(struct bl_span v)
{
    struct bl_json_iter stack[BL_JSON_MAX_DEPTH];
    size_t depth = 0, values = 1;
    struct bl_span key;

    stack[depth++] = bl_json_iter(v);
    while (depth) {
        if (!bl_json_next(&stack[depth - 1], &key, &v)) {
            depth--;
            continue;
        }
        values++;
        if (bl_json_type(v) >= BL_JSON_ARRAY)
            stack[depth++] = bl_json_iter(v);
    }
    return values;
}

/* Every prefix of a text that ends in a bracket or quote is no JSON. */
static bool prefixes_refused(const char *p, size_t n)
{
    for (size_t k = n > 300 ? n - 300 : 0; k < n; k++)
        if (check(p, k) == BL_OK)
            return false;
    return true;
}

static void test_check(const char *want, struct bl_span text,
                       const struct bl_buf *b)
{
    bool good = !strncmp(want, "ok", 2);
    bool same = ok(!strcmp(verdict(check(b->data, b->len)),
                           good ? "ok" : want),
                   "%s: %.*s", want, (int)text.n, text.p);

    if (!same)
        printf("# got %s\n", verdict(check(b->data, b->len)));
    if (!good || !same)
        return;
    struct bl_span whole = bl_json_trim((struct bl_span){ b->data, b->len });
    if (walk(whole) < 1)
        ok(false, "walk: %.*s", (int)text.n, text.p);
    if (!strcmp(want, "ok") && !prefixes_refused(b->data, b->len))
        ok(false, "a prefix was accepted: %.*s", (int)text.n, text.p);
}

static void test_string(struct bl_span text, const struct bl_buf *b,
                        const struct bl_buf *decoded)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_span v = { b->data, b->len }, out;
    struct bl_err err;

    bool good = check(b->data, b->len) == BL_OK
        && bl_json_string(v, &arena, &out, &err) == 0
        && out.n == decoded->len && !memcmp(out.p, decoded->data, out.n)
        && out.p[out.n] == '\0';
    ok(good, "string: %.*s", (int)text.n, text.p);
    bl_arena_free(&arena);
}

static void test_refused(const char *want, struct bl_span text,
                         const struct bl_buf *b)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_span v = { b->data, b->len }, out;
    struct bl_err err = { .code = BL_OK };
    double number;
    bool string = !strcmp(want, "bad-string");

    int rc = string ? bl_json_string(v, &arena, &out, &err)
                    : bl_json_number(v, &number, &err);
    ok(check(b->data, b->len) == BL_OK && rc < 0
       && err.code == (string ? BL_BAD_STRING : BL_BAD_FIELD),
       "%s: %.*s", want, (int)text.n, text.p);
    bl_arena_free(&arena);
}

static void test_line(const char *line, size_t n)
{
    struct bl_buf b = BL_BUF_INIT, decoded = BL_BUF_INIT;
    char want[16];
    const char *space = memchr(line, ' ', n);
    size_t word = space ? (size_t)(space - line) : 0;

    if (!n || *line == '#')
        return;
    if (!word || word >= sizeof want) {
        ok(false, "the table has a verdict: %.*s", (int)n, line);
        return;
    }
    memcpy(want, line, word);
    want[word] = '\0';
    struct bl_span text = { space + 1, n - word - 1 };
    if (!strcmp(want, "string")) {
        const char *arrow = memmem(text.p, text.n, " => ", 4);
        unescape(&decoded, arrow + 4,
                 (size_t)(text.p + text.n - arrow - 4));
        text.n = (size_t)(arrow - text.p);
        unescape(&b, text.p, text.n);
        test_string(text, &b, &decoded);
    } else {
        unescape(&b, text.p, text.n);
        if (!strcmp(want, "bad-string") || !strcmp(want, "bad-number"))
            test_refused(want, text, &b);
        else
            test_check(want, text, &b);
    }
    bl_buf_free(&b);
    bl_buf_free(&decoded);
}

static void test_table(void)
{
    struct bl_buf table = BL_BUF_INIT;
    struct bl_err err;
    const char *top = getenv("top_srcdir");
    char *path = bl_xasprintf("%s/tests/data/json-cases.txt",
                              top ? top : ".");

    if (!ok(bl_file_read(path, 1 << 20, &table, &err) == 0, "the table"))
        printf("# %s\n", err.msg);
    for (char *p = table.data; p && *p; ) {
        size_t n = strcspn(p, "\n");
        test_line(p, n);
        p += n + (p[n] == '\n');
    }
    bl_buf_free(&table);
    free(path);
}

/* The suite leaves the files i_* to the parser: what we decided.  Numbers of
 * any size and lone surrogate escapes are JSON by the grammar; bytes that
 * are no UTF-8 and a byte order mark are not (lines.h takes the mark off the
 * first line before). */
static bool either_way(const char *name)
{
    return !strncmp(name, "i_number_", 9)
        || !strcmp(name, "i_structure_500_nested_arrays.json")
        || !strcmp(name, "i_object_key_lone_2nd_surrogate.json")
        || (!strncmp(name, "i_string_", 9)
            && (strstr(name, "surrogate") || strstr(name, "1st"))
            && !strstr(name, "UTF8") && !strstr(name, "UTF-8"));
}

static void test_suite(void)
{
    const char *suite = getenv("JSONTESTSUITE");
    DIR *dir = NULL;
    struct dirent *e;
    struct bl_err err;

    if (suite) {
        char *path = bl_xasprintf("%s/test_parsing", suite);
        dir = opendir(path);
        free(path);
    }
    if (!dir) {
        skip("JSONTestSuite", "JSONTESTSUITE does not name a checkout");
        return;
    }
    while ((e = readdir(dir))) {
        struct bl_buf b = BL_BUF_INIT;
        if (e->d_name[0] == '.')
            continue;
        char *path = bl_xasprintf("%s/test_parsing/%s", suite, e->d_name);
        bl_buf_reserve(&b, 1);
        bool want = e->d_name[0] == 'y'
            || (e->d_name[0] == 'i' && either_way(e->d_name));
        if (bl_file_read(path, 1 << 24, &b, &err) < 0)
            ok(b.len == 0, "read %s: %s", e->d_name, err.msg);
        ok((check(b.data, b.len) == BL_OK) == want, "%s", e->d_name);
        bl_buf_free(&b);
        free(path);
    }
    closedir(dir);
}

int main(void)
{
    test_table();
    test_suite();
    return tap_done();
}
