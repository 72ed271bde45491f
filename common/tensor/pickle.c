/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "tensor/pickle.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { MAX_WORD = 200 };        /* bytes of a module's or a name's line */

typedef struct bl_pickle_value value;

/* The machine of one pickle.  A mark is remembered as the height of the
 * stack below it; nothing is popped past the topmost one. */
struct machine {
    const struct bl_pickle *in;
    size_t pos;                 /* next byte */
    value **stack;
    size_t n, cap;
    size_t marks[BL_PICKLE_MAX_MARKS], n_marks;
    value **memo;
    size_t n_memo;              /* slots; unset ones are NULL */
    size_t n_put;               /* for MEMOIZE, which numbers by itself */
    bool stopped;
    struct bl_err *err;
};

/* One opcode; `arg` is what its table entry says: the width of the number
 * that follows, or how many values it takes. */
typedef int op_fn(struct machine *, size_t arg);

static const struct op {
    op_fn *run;                 /* NULL: refused */
    size_t arg;
} ops[256];

__attribute__((format(printf, 2, 3)))
static int fail(struct machine *m, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    bl_vfail(m->err, BL_DATA, fmt, ap);
    va_end(ap);
    return -1;
}

/* ---- Bytes ---- */

static int take(struct machine *m, size_t n, const unsigned char **p)
{
    size_t left = m->in->size - m->pos;

    *p = m->in->data + m->pos;
    if (n > left)
        return fail(m, "%zu bytes are needed, %zu are left", n, left);
    m->pos += n;
    return 0;
}

/* An unsigned number of n bytes, little end first. */
static int take_number(struct machine *m, size_t n, uint64_t *out)
{
    const unsigned char *p;

    if (take(m, n, &p) < 0)
        return -1;
    *out = bl_le(p, n);
    return 0;
}

/* A line without its line feed. */
static int take_line(struct machine *m, struct bl_span *out)
{
    const char *p = (const char *)m->in->data + m->pos;
    size_t left = m->in->size - m->pos;
    const char *end = memchr(p, '\n', BL_MIN(left, MAX_WORD));

    if (!end)
        return fail(m, "a name does not end");
    *out = (struct bl_span){ p, (size_t)(end - p) };
    m->pos += out->n + 1;
    return 0;
}

/* ---- Stack ---- */

static int push(struct machine *m, value *v)
{
    if (m->n == BL_PICKLE_MAX_STACK)
        return fail(m, "too many values on the stack");
    BL_GROW(m->stack, m->n + 1, m->cap);
    m->stack[m->n++] = v;
    return 0;
}

static size_t bottom(const struct machine *m)
{
    return m->n_marks ? m->marks[m->n_marks - 1] : 0;
}

static int need(struct machine *m, size_t n)
{
    size_t have = m->n - bottom(m);

    if (have >= n)
        return 0;
    return fail(m, "the stack has %zu values, %zu are "
                   "needed", have, n);
}

static int pop(struct machine *m, value **v)
{
    if (need(m, 1) < 0)
        return -1;
    *v = m->stack[--m->n];
    return 0;
}

/* The values above the topmost mark, which goes; they stay readable until
 * the next push. */
static int pop_mark(struct machine *m, value ***v, size_t *n)
{
    *n = 0;
    *v = m->stack;
    if (!m->n_marks)
        return fail(m, "there is no mark on the stack");
    *n = m->n - bottom(m);
    m->n = m->marks[--m->n_marks];
    *v = m->stack + m->n;
    return 0;
}

static int expect(struct machine *m, const value *v, enum bl_pickle_kind kind)
{
    if (v->kind == kind)
        return 0;
    return fail(m, "expected %s, found %s",
                   bl_pickle_kind_name(kind), bl_pickle_kind_name(v->kind));
}

/* ---- Containers ---- */

static int deepen(struct machine *m, value *outer, const value *inner)
{
    if (outer->depth <= inner->depth)
        outer->depth = inner->depth + 1;
    if (outer->depth > BL_PICKLE_MAX_DEPTH)
        return fail(m, "values are nested more than %d deep",
                       BL_PICKLE_MAX_DEPTH);
    return 0;
}

/* Appends n pointers; a dict's length counts pairs. */
static int append(struct machine *m, value *c, value *const *v, size_t n)
{
    size_t unit = c->kind == BL_PICKLE_DICT ? 2 : 1;
    size_t had = c->seq.n * unit;

    for (size_t i = 0; i < n; i++)
        if (deepen(m, c, v[i]) < 0)
            return -1;
    if (had + n > c->seq.cap) {
        value **old = c->seq.v;

        c->seq.cap = BL_MAX(2 * c->seq.cap, had + n);
        c->seq.v = bl_arena_alloc(m->in->arena, c->seq.cap, sizeof *old);
        if (had)
            memcpy(c->seq.v, old, had * sizeof *old);
    }
    if (n)
        memcpy(c->seq.v + had, v, n * sizeof *v);
    c->seq.n += n / unit;
    return 0;
}

static int append_pairs(struct machine *m, value *c, value *const *v,
                        size_t n)
{
    if (expect(m, c, BL_PICKLE_DICT) < 0)
        return -1;
    if (n % 2)
        return fail(m, "a key has no value");
    for (size_t i = 0; i < n; i += 2)
        if (v[i]->kind > BL_PICKLE_STRING)
            return fail(m, "a %s cannot be a key",
                           bl_pickle_kind_name(v[i]->kind));
    return append(m, c, v, n);
}

static int push_tuple(struct machine *m, value *const *v, size_t n)
{
    value *t = bl_pickle_new(m->in->arena, BL_PICKLE_TUPLE);

    t->depth = 1;
    return append(m, t, v, n) < 0 ? -1 : push(m, t);
}

/* Of the n values on top. */
static int op_small_tuple(struct machine *m, size_t n)
{
    if (need(m, n) < 0)
        return -1;
    m->n -= n;
    return push_tuple(m, m->stack + m->n, n);
}

static int op_tuple(struct machine *m, size_t arg)
{
    value **v = NULL;
    size_t n = 0;

    (void)arg;
    return pop_mark(m, &v, &n) < 0 ? -1 : push_tuple(m, v, n);
}

/* An empty list or dict, or None. */
static int op_new(struct machine *m, size_t kind)
{
    return push(m, bl_pickle_new(m->in->arena, (enum bl_pickle_kind)kind));
}

static int op_append(struct machine *m, size_t arg)
{
    value *v;

    (void)arg;
    if (pop(m, &v) < 0 || need(m, 1) < 0
        || expect(m, m->stack[m->n - 1], BL_PICKLE_LIST) < 0)
        return -1;
    return append(m, m->stack[m->n - 1], &v, 1);
}

static int op_appends(struct machine *m, size_t arg)
{
    value **v = NULL;
    size_t n = 0;

    (void)arg;
    if (pop_mark(m, &v, &n) < 0 || need(m, 1) < 0
        || expect(m, m->stack[m->n - 1], BL_PICKLE_LIST) < 0)
        return -1;
    return append(m, m->stack[m->n - 1], v, n);
}

static int op_setitem(struct machine *m, size_t arg)
{
    (void)arg;
    if (need(m, 3) < 0)
        return -1;
    m->n -= 2;
    return append_pairs(m, m->stack[m->n - 1], m->stack + m->n, 2);
}

static int op_setitems(struct machine *m, size_t arg)
{
    value **v = NULL;
    size_t n = 0;

    (void)arg;
    if (pop_mark(m, &v, &n) < 0 || need(m, 1) < 0)
        return -1;
    return append_pairs(m, m->stack[m->n - 1], v, n);
}

/* ---- Scalars ---- */

static int op_bool(struct machine *m, size_t yes)
{
    value *v = bl_pickle_new(m->in->arena, BL_PICKLE_BOOL);

    v->yes = yes;
    return push(m, v);
}

static int push_int(struct machine *m, int64_t i)
{
    value *v = bl_pickle_new(m->in->arena, BL_PICKLE_INT);

    v->i = i;
    return push(m, v);
}

static int op_int(struct machine *m, size_t width)
{
    uint64_t n;

    if (take_number(m, width, &n) < 0)
        return -1;
    return push_int(m, width == 4 ? (int32_t)n : (int64_t)n);
}

static int op_long1(struct machine *m, size_t arg)
{
    const unsigned char *p;
    uint64_t n, i;
    value *v;

    (void)arg;
    if (take_number(m, 1, &n) < 0 || take(m, n, &p) < 0)
        return -1;
    if (n <= 8) {
        i = n && p[n - 1] & 0x80 ? UINT64_MAX : 0;
        while (n-- > 0)
            i = i << 8 | p[n];
        return push_int(m, (int64_t)i);
    }
    v = bl_pickle_new(m->in->arena, BL_PICKLE_LONG);
    v->s = (struct bl_span){ (const char *)p, n };
    return push(m, v);
}

static int op_binfloat(struct machine *m, size_t arg)
{
    const unsigned char *p;
    uint64_t bits = 0;
    value *v;

    (void)arg;
    if (take(m, 8, &p) < 0)
        return -1;
    for (size_t i = 0; i < 8; i++)
        bits = bits << 8 | p[i];
    v = bl_pickle_new(m->in->arena, BL_PICKLE_FLOAT);
    memcpy(&v->f, &bits, sizeof v->f);
    return push(m, v);
}

/* A string behind a length of `width` bytes. */
static int op_string(struct machine *m, size_t width)
{
    const unsigned char *p;
    uint64_t n;
    value *v;

    if (take_number(m, width, &n) < 0 || take(m, n, &p) < 0)
        return -1;
    if (bl_utf8_valid((const char *)p, n) != n)
        return fail(m, "the string is not UTF-8");
    v = bl_pickle_new(m->in->arena, BL_PICKLE_STRING);
    v->s = (struct bl_span){ (const char *)p, n };
    return push(m, v);
}

/* ---- Memo ---- */

static int memo_put(struct machine *m, size_t at)
{
    size_t grown;

    if (need(m, 1) < 0)
        return -1;
    if (at >= BL_PICKLE_MAX_MEMO)
        return fail(m, "memo %zu is out of range", at);
    if (at >= m->n_memo) {
        grown = bl_grown(m->n_memo, at + 1);
        m->memo = bl_xrealloc(m->memo, grown, sizeof *m->memo);
        memset(m->memo + m->n_memo, 0,
               (grown - m->n_memo) * sizeof *m->memo);
        m->n_memo = grown;
    }
    m->memo[at] = m->stack[m->n - 1];
    m->n_put++;
    return 0;
}

static int memo_get(struct machine *m, size_t at)
{
    if (at >= m->n_memo || !m->memo[at])
        return fail(m, "memo %zu was never set", at);
    return push(m, m->memo[at]);
}

static int op_put(struct machine *m, size_t width)
{
    uint64_t at;

    return take_number(m, width, &at) < 0 ? -1 : memo_put(m, at);
}

static int op_memoize(struct machine *m, size_t arg)
{
    (void)arg;
    return memo_put(m, m->n_put);
}

static int op_get(struct machine *m, size_t width)
{
    uint64_t at;

    return take_number(m, width, &at) < 0 ? -1 : memo_get(m, at);
}

/* ---- Names and calls ---- */

static int push_name(struct machine *m, struct bl_span module,
                     struct bl_span name)
{
    value *v = bl_pickle_new(m->in->arena, BL_PICKLE_NAME);

    v->name = bl_pickle_lookup(module, name, m->err);
    return v->name ? push(m, v) : -1;
}

static int op_global(struct machine *m, size_t arg)
{
    struct bl_span module, name;

    (void)arg;
    if (take_line(m, &module) < 0 || take_line(m, &name) < 0)
        return -1;
    return push_name(m, module, name);
}

static int op_stack_global(struct machine *m, size_t arg)
{
    value *module, *name;

    (void)arg;
    if (pop(m, &name) < 0 || pop(m, &module) < 0
        || expect(m, module, BL_PICKLE_STRING) < 0
        || expect(m, name, BL_PICKLE_STRING) < 0)
        return -1;
    return push_name(m, module->s, name->s);
}

static int op_reduce(struct machine *m, size_t arg)
{
    value *callee, *args, *v;

    (void)arg;
    if (pop(m, &args) < 0 || pop(m, &callee) < 0
        || expect(m, callee, BL_PICKLE_NAME) < 0
        || expect(m, args, BL_PICKLE_TUPLE) < 0
        || bl_pickle_call(m->in, callee->name, args, &v, m->err) < 0)
        return -1;
    return push(m, v);
}

static int op_binpersid(struct machine *m, size_t arg)
{
    value *id, *v;

    (void)arg;
    if (pop(m, &id) < 0
        || bl_pickle_persistent(m->in, id, &v, m->err) < 0)
        return -1;
    return push(m, v);
}

static int op_build(struct machine *m, size_t arg)
{
    value *state;

    (void)arg;
    if (pop(m, &state) < 0 || need(m, 1) < 0)
        return -1;
    return bl_pickle_build(m->stack[m->n - 1], state, m->err);
}

/* ---- The frame around it ---- */

static int op_mark(struct machine *m, size_t arg)
{
    (void)arg;
    if (m->n_marks == BL_PICKLE_MAX_MARKS)
        return fail(m, "more than %d marks are open",
                       BL_PICKLE_MAX_MARKS);
    m->marks[m->n_marks++] = m->n;
    return 0;
}

static int op_proto(struct machine *m, size_t arg)
{
    uint64_t n;

    (void)arg;
    if (m->pos != 1)
        return fail(m, "expected only at the start");
    if (take_number(m, 1, &n) < 0)
        return -1;
    if (n < 2 || n > 4)
        return fail(m, "protocol %u is not read (2 to 4 "
                       "are)", (unsigned)n);
    return 0;
}

/* Frames only tell readers of streams how much to buffer. */
static int op_frame(struct machine *m, size_t arg)
{
    uint64_t n;

    (void)arg;
    if (take_number(m, 8, &n) < 0)
        return -1;
    if (n > m->in->size - m->pos)
        return fail(m, "the frame is longer than the file");
    return 0;
}

static int op_stop(struct machine *m, size_t arg)
{
    (void)arg;
    if (m->n_marks || m->n != 1)
        return fail(m, "%zu values and %zu marks are left "
                       "(expected one value)", m->n, m->n_marks);
    m->stopped = true;
    return 0;
}

static const struct op ops[256] = {
    [0x80] = { op_proto, 0 }, [0x95] = { op_frame, 0 }, ['.'] = { op_stop, 0 },
    ['('] = { op_mark, 0 }, ['N'] = { op_new, BL_PICKLE_NONE },
    [0x88] = { op_bool, true }, [0x89] = { op_bool, false },
    ['J'] = { op_int, 4 }, ['K'] = { op_int, 1 }, ['M'] = { op_int, 2 },
    [0x8a] = { op_long1, 0 }, ['G'] = { op_binfloat, 0 },
    ['X'] = { op_string, 4 }, [0x8c] = { op_string, 1 },
    ['T'] = { op_string, 4 }, ['U'] = { op_string, 1 },
    [')'] = { op_small_tuple, 0 }, ['t'] = { op_tuple, 0 },
    [0x85] = { op_small_tuple, 1 }, [0x86] = { op_small_tuple, 2 },
    [0x87] = { op_small_tuple, 3 }, [']'] = { op_new, BL_PICKLE_LIST },
    ['a'] = { op_append, 0 }, ['e'] = { op_appends, 0 },
    ['}'] = { op_new, BL_PICKLE_DICT }, ['s'] = { op_setitem, 0 },
    ['u'] = { op_setitems, 0 }, ['q'] = { op_put, 1 }, ['r'] = { op_put, 4 },
    [0x94] = { op_memoize, 0 }, ['h'] = { op_get, 1 }, ['j'] = { op_get, 4 },
    ['c'] = { op_global, 0 }, [0x93] = { op_stack_global, 0 },
    ['R'] = { op_reduce, 0 }, ['b'] = { op_build, 0 },
    ['Q'] = { op_binpersid, 0 },
};

static int step(struct machine *m)
{
    size_t at = m->in->base + m->pos;
    const unsigned char *code;
    const char *name;
    const struct op *op;
    int rc;

    if (m->pos >= BL_PICKLE_MAX_BYTES)
        return fail(m, "byte %zu: the pickle is longer "
                       "than %d bytes", at, BL_PICKLE_MAX_BYTES);
    if (take(m, 1, &code) < 0)
        return fail(m, "byte %zu: the pickle does not end",
                       at);
    op = &ops[*code];
    name = bl_pickle_opcode_name(*code);
    if (!name)
        return fail(m, "byte %zu: opcode 0x%02x is unknown", at, *code);
    if (!op->run)
        rc = fail(m, "not allowed in a file of tensors");
    else if (m->pos == 1 && *code != 0x80)
        rc = fail(m, "expected PROTO first");
    else
        rc = op->run(m, op->arg);
    return rc < 0 ? bl_err_prefix(m->err, "byte %zu: opcode %s", at, name)
        : 0;
}

int bl_pickle_read(const struct bl_pickle *in, size_t *used, value **out,
                   struct bl_err *err)
{
    struct machine *m = BL_NEW(struct machine);
    int rc = 0;

    m->in = in;
    m->err = err;
    m->cap = 256;
    m->stack = bl_xmalloc(m->cap, sizeof *m->stack);
    while (!rc && !m->stopped)
        rc = step(m);
    if (!rc) {
        *out = m->stack[0];
        *used = m->pos;
    }
    free(m->stack);
    free(m->memo);
    free(m);
    return rc;
}
