/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json/document.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "json/json-locale.h"

enum { MAX_PATH_SHOWN = 160, MAX_KEY_SHOWN = 60 };

struct bl_document {
    char *name;
    cJSON *root;
};

/* ---- What cJSON would not read as it is written ---- */

struct scan {
    const char *p;              /* the next byte */
    const char *start, *end;
    size_t depth, values;
    struct bl_arena scratch;
};

static int too_many(const struct scan *s, size_t most, const char *what,
                    struct bl_err *err)
{
    return bl_fail(err, BL_DATA, "byte %zu: more than %zu %s",
                   (size_t)(s->p - s->start), most, what);
}

/* Past one string.  Decoding finds \u0000, at which cJSON's C strings would
 * end, and lone surrogates. */
static int scan_string(struct scan *s, struct bl_err *err)
{
    const char *from = s->p;
    bool escaped = false;
    struct bl_span text;

    for (s->p++; *s->p != '"'; s->p++)
        if (*s->p == '\\') {
            s->p++;
            escaped = escaped || *s->p == 'u';
        }
    s->p++;
    if (!escaped)
        return 0;
    bl_arena_reset(&s->scratch);
    text = (struct bl_span){ from, (size_t)(s->p - from) };
    if (bl_json_string(text, &s->scratch, &text, err) < 0)
        return bl_err_prefix(err, "string at byte %zu",
                             (size_t)(from - s->start));
    return 0;
}

/* cJSON copies a number to an array of 64 bytes before it reads it. */
static int scan_scalar(struct scan *s, struct bl_err *err)
{
    const char *from = s->p;

    while (s->p < s->end && !strchr(",]} \t\r\n", *s->p))
        s->p++;
    if (s->p - from <= BL_DOCUMENT_MAX_DIGITS)
        return 0;
    s->p = from;
    return too_many(s, BL_DOCUMENT_MAX_DIGITS, "characters of a number",
                    err);
}

static int scan_next(struct scan *s, struct bl_err *err)
{
    switch (*s->p) {
    case '"':
        return scan_string(s, err);
    case '{':
    case '[':
        if (++s->depth > BL_DOCUMENT_MAX_DEPTH)
            return too_many(s, BL_DOCUMENT_MAX_DEPTH, "brackets are open",
                            err);
        break;
    case '}':
    case ']':
        s->depth--;
        break;
    case ',':
    case ':':
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        break;
    default:
        return scan_scalar(s, err);
    }
    /* Each value but the first of an array or object follows a comma. */
    if (*s->p == ',' || *s->p == '{' || *s->p == '[')
        s->values++;
    if (s->values > BL_DOCUMENT_MAX_VALUES)
        return too_many(s, BL_DOCUMENT_MAX_VALUES, "values", err);
    s->p++;
    return 0;
}

static int scan(struct bl_span text, struct bl_err *err)
{
    struct scan s = { .p = text.p, .start = text.p, .end = text.p + text.n,
                      .scratch = BL_ARENA_INIT };
    int rc = 0;

    while (rc == 0 && s.p < s.end)
        rc = scan_next(&s, err);
    bl_arena_free(&s.scratch);
    return rc;
}

/* ---- The whole ---- */

/* After the two checks nothing is left that cJSON refuses, so that NULL
 * means that memory ran out.  Its strtod follows the locale of the thread,
 * which for numbers of JSON has to be "C". */
static cJSON *parse_checked(struct bl_span text)
{
    locale_t old = uselocale(bl_json_locale());
    cJSON *root = cJSON_ParseWithLength(text.p, text.n);

    uselocale(old);
    if (!root)
        bl_oom(text.n);
    return root;
}

struct bl_document *bl_document_parse(struct bl_span text, const char *name,
                                      struct bl_err *err)
{
    struct bl_document *d;

    if (bl_json_check(text.p, text.n, err) < 0 || scan(text, err) < 0) {
        if (err)
            err->code = BL_DATA;
        bl_err_prefix(err, "'%s'", name);
        return NULL;
    }
    d = BL_NEW(struct bl_document);
    d->root = parse_checked(text);
    d->name = bl_xstrdup(name);
    return d;
}

struct bl_document *bl_document_read(const char *path, size_t max,
                                     struct bl_err *err)
{
    struct bl_buf text = BL_BUF_INIT;
    struct bl_document *d = NULL;

    if (bl_file_read(path, max, &text, err) == 0)
        d = bl_document_parse((struct bl_span){ text.data, text.len }, path,
                              err);
    bl_buf_free(&text);
    return d;
}

void bl_document_free(struct bl_document *d)
{
    if (!d)
        return;
    cJSON_Delete(d->root);
    free(d->name);
    free(d);
}

struct bl_node bl_document_root(const struct bl_document *d)
{
    return (struct bl_node){ d, d->root };
}

/* ---- Where a value stands ---- */

/* Fills way[] from the root to the item and returns how many steps below the
 * root that is.  A cJSON item does not know its parent, so the tree is
 * searched: failures are rare, and a parent each would cost every value. */
static size_t way_to(const struct bl_node *v,
                     const cJSON *way[BL_DOCUMENT_MAX_DEPTH + 1])
{
    const cJSON *at = v->document->root;
    size_t n = 0;

    way[0] = at;
    while (at != v->item) {
        if (at->child) {
            at = at->child;
            way[++n] = at;
            continue;
        }
        while (!at->next)
            at = way[--n];
        at = at->next;
        way[n] = at;
    }
    return n;
}

static bool plain_key(const char *key)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789_-"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t n = strspn(key, plain);

    return n > 0 && n <= MAX_KEY_SHOWN && !key[n];
}

static void put_step(struct bl_buf *b, const cJSON *parent,
                     const cJSON *item)
{
    size_t index = 0, n;

    if (!item->string) {
        for (const cJSON *c = parent->child; c != item; c = c->next)
            index++;
        bl_buf_printf(b, "[%zu]", index);
    } else if (plain_key(item->string)) {
        bl_buf_puts(b, b->len ? "." : "");
        bl_buf_puts(b, item->string);
    } else {
        n = (size_t)bl_shown(item->string, MAX_KEY_SHOWN);
        bl_buf_putc(b, '[');
        bl_json_put_string(b, item->string, n);
        bl_buf_putc(b, ']');
    }
}

/* tags[2], model.vocab["##s"]; what is too far below ends with "...", which
 * leaves room for the message. */
static void put_way(struct bl_buf *b, const struct bl_node *v)
{
    const cJSON *way[BL_DOCUMENT_MAX_DEPTH + 1];
    size_t n = way_to(v, way), i = 1;

    for (; i <= n && b->len < MAX_PATH_SHOWN; i++)
        put_step(b, way[i - 1], way[i]);
    bl_buf_puts(b, i <= n ? "..." : "");
}

/* ---- A value ---- */

int bl_node_fail(struct bl_node v, struct bl_err *err, const char *fmt, ...)
{
    struct bl_buf way = BL_BUF_INIT;
    va_list ap;

    if (!err)
        return -1;
    va_start(ap, fmt);
    bl_vfail(err, BL_DATA, fmt, ap);
    va_end(ap);
    put_way(&way, &v);
    if (way.len)
        bl_err_prefix(err, "%s", way.data);
    bl_err_prefix(err, "'%s'", v.document->name);
    bl_buf_free(&way);
    return -1;
}

enum bl_json_type bl_node_type(struct bl_node v)
{
    switch (v.item->type & 0xff) {
    case cJSON_False:
    case cJSON_True:
        return BL_JSON_BOOL;
    case cJSON_Number:
        return BL_JSON_NUMBER;
    case cJSON_String:
        return BL_JSON_STRING;
    case cJSON_Array:
        return BL_JSON_ARRAY;
    case cJSON_Object:
        return BL_JSON_OBJECT;
    default:
        return BL_JSON_NULL;
    }
}

static int fail_type(struct bl_node v, const char *expected,
                     struct bl_err *err)
{
    return bl_node_fail(v, err, "expected %s, found %s", expected,
                        bl_json_type_name(bl_node_type(v)));
}

int bl_node_expect(struct bl_node v, enum bl_json_type type,
                   struct bl_err *err)
{
    if (bl_node_type(v) == type)
        return 0;
    return fail_type(v, bl_json_type_name(type), err);
}

int bl_node_integer(struct bl_node v, int64_t lo, int64_t hi, int64_t *out,
                    struct bl_err *err)
{
    double d = v.item->valuedouble;
    int64_t n;

    if (bl_node_type(v) != BL_JSON_NUMBER)
        return fail_type(v, "integer", err);
    /* From 2^53 on several integers become one double. */
    if (!(fabs(d) < 9007199254740992.0))
        return bl_node_fail(v, err, "integer %g is out of range", d);
    n = (int64_t)d;
    if ((double)n != d)
        return bl_node_fail(v, err, "expected integer, found %g", d);
    if (n != lo && lo == hi)
        return bl_node_fail(v, err, "expected %lld, found %lld",
                            (long long)lo, (long long)n);
    if (n < lo || n > hi)
        return bl_node_fail(v, err, "expected %lld to %lld, found %lld",
                            (long long)lo, (long long)hi, (long long)n);
    *out = n;
    return 0;
}

int bl_node_size(struct bl_node v, size_t lo, size_t hi, size_t *out,
                 struct bl_err *err)
{
    int64_t n;

    if (bl_node_integer(v, (int64_t)lo, hi < INT64_MAX ? (int64_t)hi
                        : INT64_MAX, &n, err) < 0)
        return -1;
    *out = (size_t)n;
    return 0;
}

int bl_node_number(struct bl_node v, double lo, double hi, double *out,
                   struct bl_err *err)
{
    double d = v.item->valuedouble;

    if (bl_node_type(v) != BL_JSON_NUMBER)
        return fail_type(v, "number", err);
    if (!isfinite(d))
        return bl_node_fail(v, err, "the number is out of range");
    if (d < lo || d > hi)
        return bl_node_fail(v, err, "expected %g to %g, found %g", lo, hi,
                            d);
    *out = d;
    return 0;
}

int bl_node_bool(struct bl_node v, int *out, struct bl_err *err)
{
    if (bl_node_expect(v, BL_JSON_BOOL, err) < 0)
        return -1;
    *out = cJSON_IsTrue(v.item);
    return 0;
}

int bl_node_string(struct bl_node v, const char **out, struct bl_err *err)
{
    if (bl_node_expect(v, BL_JSON_STRING, err) < 0)
        return -1;
    *out = v.item->valuestring;
    return 0;
}

int bl_node_choice(struct bl_node v, const char *const *names, int *out,
                   struct bl_err *err)
{
    const char *s;
    int i = 0;

    if (bl_node_string(v, &s, err) < 0)
        return -1;
    while (names[i] && strcmp(s, names[i]))
        i++;
    if (!names[i])
        return bl_node_fail(v, err, "'%.*s' is not known (expected '%s')",
                            BL_SHOWN(60, s), names[0]);
    *out = i;
    return 0;
}

bool bl_node_same(struct bl_node a, struct bl_node b)
{
    enum bl_json_type type = bl_node_type(a);

    if (type != bl_node_type(b) || type >= BL_JSON_ARRAY)
        return false;
    if (type == BL_JSON_STRING)
        return !strcmp(a.item->valuestring, b.item->valuestring);
    if (type == BL_JSON_NUMBER)
        return a.item->valuedouble == b.item->valuedouble;
    return a.item->type == b.item->type;
}

static void put_number(struct bl_buf *b, double v)
{
    size_t from = b->len;
    int digits = 15;

    if (!isfinite(v)) {
        bl_buf_puts(b, v < 0 ? "-1e999" : "1e999");
        return;
    }
    do {
        b->len = from;
        bl_json_put_double(b, v, digits);
    } while (digits++ < 17
             && strtod_l(b->data + from, NULL, bl_json_locale()) != v);
}

void bl_node_put(struct bl_buf *b, struct bl_node v)
{
    enum bl_json_type type = bl_node_type(v);

    if (type == BL_JSON_STRING)
        bl_json_put_string(b, v.item->valuestring,
                           strlen(v.item->valuestring));
    else if (type == BL_JSON_NUMBER)
        put_number(b, v.item->valuedouble);
    else if (type == BL_JSON_BOOL)
        bl_buf_puts(b, cJSON_IsTrue(v.item) ? "true" : "false");
    else
        bl_buf_puts(b, bl_json_type_name(type));
}

/* ---- Members ---- */

size_t bl_node_count(struct bl_node v)
{
    return (size_t)cJSON_GetArraySize(v.item);
}

struct bl_node bl_node_first(struct bl_node v)
{
    return (struct bl_node){ v.document, v.item->child };
}

struct bl_node bl_node_next(struct bl_node v)
{
    return (struct bl_node){ v.document, v.item->next };
}

const char *bl_node_key(struct bl_node v)
{
    return v.item->string ? v.item->string : "";
}

/* ---- A member by name ---- */

int bl_member(struct bl_node object, const char *name, struct bl_node *out,
              struct bl_err *err)
{
    struct bl_node v, found = { NULL, NULL };

    if (bl_node_expect(object, BL_JSON_OBJECT, err) < 0)
        return -1;
    /* cJSON_GetObjectItemCaseSensitive() takes the first of two. */
    for (v = bl_node_first(object); v.item; v = bl_node_next(v)) {
        if (strcmp(v.item->string, name))
            continue;
        if (found.item)
            return bl_node_fail(found, err, "is given twice");
        found = v;
    }
    if (!found.item || bl_node_type(found) == BL_JSON_NULL)
        return 0;
    *out = found;
    return 1;
}

int bl_member_of(struct bl_node object, const char *name,
                 enum bl_json_type type, struct bl_node *out,
                 struct bl_err *err)
{
    struct bl_node v;
    int found = bl_member(object, name, &v, err);

    if (found <= 0)
        return found;
    if (bl_node_expect(v, type, err) < 0)
        return -1;
    *out = v;
    return 1;
}

int bl_member_integer(struct bl_node object, const char *name, int64_t lo,
                      int64_t hi, int64_t *out, struct bl_err *err)
{
    struct bl_node v;
    int found = bl_member(object, name, &v, err);

    if (found <= 0)
        return found;
    return bl_node_integer(v, lo, hi, out, err) < 0 ? -1 : 1;
}

int bl_member_size(struct bl_node object, const char *name, size_t lo,
                   size_t hi, size_t *out, struct bl_err *err)
{
    struct bl_node v;
    int found = bl_member(object, name, &v, err);

    if (found <= 0)
        return found;
    return bl_node_size(v, lo, hi, out, err) < 0 ? -1 : 1;
}

int bl_member_number(struct bl_node object, const char *name, double lo,
                     double hi, double *out, struct bl_err *err)
{
    struct bl_node v;
    int found = bl_member(object, name, &v, err);

    if (found <= 0)
        return found;
    return bl_node_number(v, lo, hi, out, err) < 0 ? -1 : 1;
}

int bl_member_bool(struct bl_node object, const char *name, int *out,
                   struct bl_err *err)
{
    struct bl_node v;
    int found = bl_member(object, name, &v, err);

    if (found <= 0)
        return found;
    return bl_node_bool(v, out, err) < 0 ? -1 : 1;
}

int bl_member_string(struct bl_node object, const char *name,
                     const char **out, struct bl_err *err)
{
    struct bl_node v;
    int found = bl_member(object, name, &v, err);

    if (found <= 0)
        return found;
    return bl_node_string(v, out, err) < 0 ? -1 : 1;
}

int bl_member_choice(struct bl_node object, const char *name,
                     const char *const *names, int *out, struct bl_err *err)
{
    struct bl_node v;
    int found = bl_member(object, name, &v, err);

    if (found <= 0)
        return found;
    return bl_node_choice(v, names, out, err) < 0 ? -1 : 1;
}

int bl_required(int found, struct bl_node object, const char *name,
                struct bl_err *err)
{
    if (found)
        return found < 0 ? -1 : 0;
    return bl_node_fail(object, err, "%s is missing", name);
}
