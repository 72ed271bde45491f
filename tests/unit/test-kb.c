/* SPDX-License-Identifier: MIT */
/* Catalogue: folded names, lookups, weights, spellings, walking. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kb/kb-build.h"
#include "tap.h"
#include "text/fold.h"

static struct bl_err err;
static struct bl_arena arena;

static void folds(const char *name, const char *want)
{
    struct bl_buf b = BL_BUF_INIT;

    bl_buf_puts(&b, "");
    bl_buf_reserve(&b, 1);
    bl_fold(&b, bl_span_of(name));
    is_str(b.len ? b.data : "", want, name);
    bl_buf_free(&b);
}

static void test_fold(void)
{
    folds("  Saint-\xc3\x89tienne ", "saint etienne");
    folds("O\xe2\x80\x99Neill's", "o neill s");
    folds("U.S.", "u s");
    folds("\"Wham!\"", "wham");
    folds("(AT&T)", "at & t");
    folds("C++", "c + +");
    folds("Portland, Oregon", "portland , oregon");
    folds("\xe6\x9d\xb1\xe4\xba\xac", "\xe6\x9d\xb1 \xe4\xba\xac");
    folds("!!!", "! ! !");
    folds(" \t\n", "");
    folds("", "");
}

static void bare(const char *title, const char *want)
{
    struct bl_span s = { "", 0 };
    bool has = bl_fold_bare(bl_span_of(title), &s);

    ok(has == (want != NULL) && (!want || bl_span_is(s, want)),
       "bare '%s'", title);
}

static void test_bare(void)
{
    bare("Mercury (planet)", "Mercury");
    bare("A (b) (c)", "A (b)");
    bare("(x)", NULL);
    bare("Plain", NULL);
    bare("Odd) (", NULL);
    bare("", NULL);
}

static void add(struct bl_kb_builder *b, const char *json, size_t line)
{
    struct bl_record r = { 0 };
    struct bl_kb_input in;

    ok(bl_record_parse(&r, bl_span_of(json), line, &err) == 0
       && bl_kb_input_read(&in, &r, false, &arena, &err) == 0
       && bl_kb_build_add(b, &in, "f", line, &err) == 0, "add line %zu", line);
    bl_record_free(&r);
}

static void build(const char *path)
{
    struct bl_kb_build_opts opts = { .fts = true };
    struct bl_kb_builder *b = bl_kb_build_open(path, &opts, &err);

    ok(b != NULL, "build opens");
    if (!b)
        exit(tap_done());
    add(b, "{\"id\":\"p1\",\"title\":\"Paris\",\"text\":\"t1\",\"type\":"
        "\"LOC\",\"aliases\":[{\"name\":\"PARIS\",\"count\":90}]}", 1);
    add(b, "{\"id\":\"p2\",\"title\":\"Paris (mythology)\","
        "\"aliases\":[\"Zed\"]}", 2);
    add(b, "{\"id\":3,\"title\":\"Paris Hilton\",\"aliases\":"
        "[\"Paris\",\"Zed\",\"ZED\",\"zed\",\"Zed\"]}", 3);
    ok(bl_kb_build_finish(b, &err) == 0, "build finishes");
}

static void test_lookup(struct bl_kb *kb)
{
    struct bl_kb_names n;

    ok(bl_kb_lookup(kb, bl_span_of("paris"), 10, &arena, &n, &err) == 0
       && n.n == 3, "three entities are named paris");
    ok(n.n == 3 && n.v[0].row == 0 && n.v[0].weight == 95
       && n.v[0].kind == BL_KB_TITLE, "a title adds its alias's count");
    ok(n.n == 3 && n.v[1].row == 1 && n.v[1].weight == 2
       && n.v[1].kind == BL_KB_BARE, "a bare title");
    ok(n.n == 3 && n.v[2].row == 2 && n.v[2].weight == 1
       && n.v[2].kind == BL_KB_ALIAS && n.total == 98, "an alias; the total");
    ok(bl_kb_lookup(kb, bl_span_of("paris"), 1, &arena, &n, &err) == 0
       && n.n == 1 && n.total == 98,
       "the total is of all, whatever the limit");
    ok(bl_kb_lookup(kb, bl_span_of("zed"), 9, &arena, &n, &err) == 0
       && n.n == 2 && n.total == 2,
       "an alias counts once, however often an entity has it");
    ok(bl_kb_lookup(kb, bl_span_of("pari"), 9, &arena, &n, &err) == 0
       && n.n == 0 && n.total == 0, "no such name");
}

static void test_names(struct bl_kb *kb)
{
    struct bl_kb_spelling *v;
    struct bl_kb_alias *al;
    struct bl_span name;
    size_t n;

    ok(bl_kb_spellings(kb, bl_span_of("paris"), 9, &arena, &v, &n, &err) ==
       0 && n == 4, "four spellings");
    ok(n == 4 && bl_span_is(v[0].surface, "Paris")
       && bl_span_is(v[3].surface, "PARIS") && bl_span_is(v[0].type, "LOC")
       && !v[1].type.p, "as they are written, with types");
    ok(bl_kb_aliases(kb, 0, &arena, &al, &n, &err) == 0 && n == 1
       && bl_span_is(al[0].surface, "PARIS") && al[0].count == 90,
       "aliases of a row");
    ok(bl_kb_name_from(kb, bl_span_of("paris "), &arena, &name, &err) == 1
       && bl_span_is(name, "paris ( mythology"), "names from a prefix");
    ok(bl_kb_name_from(kb, bl_span_of("zf"), &arena, &name, &err) == 0,
       "none behind the last");
}

static void test_entities(struct bl_kb *kb)
{
    struct bl_entity e;
    int64_t row = -1;
    size_t n = 0;

    ok(bl_kb_get(kb, bl_span_of("p1"), &arena, &e, &err) == 1
       && e.row == 0 && bl_span_is(e.text, "t1") && !e.url.p, "get by id");
    ok(bl_kb_get(kb, bl_span_of("p"), &arena, &e, &err) == 0, "unknown id");
    ok(bl_kb_brief_row(kb, 2, &arena, &e, &err) == 1
       && bl_span_is(e.id, "3") && !e.text.p, "brief by row");
    ok(bl_kb_get_row(kb, 3, &arena, &e, &err) == 0
       && bl_kb_get_row(kb, -1, &arena, &e, &err) == 0, "rows out of range");
    ok(bl_kb_row(kb, bl_span_of("p2"), &row, &err) == 1 && row == 1,
       "row of an id");
    ok(bl_kb_walk(kb, 1, &err) == 0, "walk");
    while (bl_kb_next(kb, &arena, &e, &err) == 1) {
        n++;
        ok(e.row == (int64_t)n, "row %zu", n);
    }
    ok(n == 2, "to the end");
    ok(bl_kb_verify(kb, &err) == 0, "intact");
}

int main(void)
{
    char path[] = "/tmp/test-kb-XXXXXX";
    int fd = mkstemp(path);
    struct bl_kb *kb;

    close(fd);
    test_fold();
    test_bare();
    build(path);
    kb = bl_kb_open(path, &err);
    ok(kb && bl_kb_count(kb) == 3, "open");
    if (kb) {
        test_lookup(kb);
        test_names(kb);
        test_entities(kb);
    }
    bl_kb_close(kb);
    unlink(path);
    bl_arena_free(&arena);
    return tap_done();
}
