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
static int fail(struct machine *machine, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    bl_vfail(machine->err, BL_DATA, fmt, ap);
    va_end(ap);
    return -1;
}

/* ---- What opcodes are called ---- */

/* As Python's pickletools has them; pickle.c runs about half of them. */
const char *bl_pickle_opcode_name(unsigned char code)
{
    static const char *const names[256] = {
        [0x80] = "PROTO", [0x95] = "FRAME", ['.'] = "STOP", ['('] = "MARK",
        ['N'] = "NONE", [0x88] = "NEWTRUE", [0x89] = "NEWFALSE",
        ['J'] = "BININT", ['K'] = "BININT1", ['M'] = "BININT2",
        [0x8a] = "LONG1", ['G'] = "BINFLOAT", ['X'] = "BINUNICODE",
        [0x8c] = "SHORT_BINUNICODE", ['T'] = "BINSTRING",
        ['U'] = "SHORT_BINSTRING", [')'] = "EMPTY_TUPLE", ['t'] = "TUPLE",
        [0x85] = "TUPLE1", [0x86] = "TUPLE2", [0x87] = "TUPLE3",
        [']'] = "EMPTY_LIST", ['a'] = "APPEND", ['e'] = "APPENDS",
        ['}'] = "EMPTY_DICT", ['s'] = "SETITEM", ['u'] = "SETITEMS",
        ['q'] = "BINPUT", ['r'] = "LONG_BINPUT", [0x94] = "MEMOIZE",
        ['h'] = "BINGET", ['j'] = "LONG_BINGET", ['c'] = "GLOBAL",
        [0x93] = "STACK_GLOBAL", ['R'] = "REDUCE", ['b'] = "BUILD",
        ['Q'] = "BINPERSID", ['i'] = "INST", ['o'] = "OBJ", [0x81] = "NEWOBJ",
        [0x92] = "NEWOBJ_EX", [0x82] = "EXT1", [0x83] = "EXT2",
        [0x84] = "EXT4", ['P'] = "PERSID", ['0'] = "POP", ['1'] = "POP_MARK",
        ['2'] = "DUP", ['I'] = "INT", ['L'] = "LONG", ['F'] = "FLOAT",
        ['S'] = "STRING", ['V'] = "UNICODE", ['p'] = "PUT", ['g'] = "GET",
        ['d'] = "DICT", ['l'] = "LIST", [0x8b] = "LONG4", ['B'] = "BINBYTES",
        ['C'] = "SHORT_BINBYTES", [0x8d] = "BINUNICODE8", [0x8e] = "BINBYTES8",
        [0x8f] = "EMPTY_SET", [0x90] = "ADDITEMS", [0x91] = "FROZENSET",
        [0x96] = "BYTEARRAY8", [0x97] = "NEXT_BUFFER",
        [0x98] = "READONLY_BUFFER",
    };

    return names[code];
}

/* ---- Bytes ---- */

static int take(struct machine *machine, size_t size,
                const unsigned char **out)
{
    size_t left = machine->in->size - machine->pos;

    *out = machine->in->data + machine->pos;
    if (size > left)
        return fail(machine, "%zu bytes are needed, %zu are left", size, left);
    machine->pos += size;
    return 0;
}

/* An unsigned number of `size` bytes, little end first. */
static int take_number(struct machine *machine, size_t size, uint64_t *out)
{
    const unsigned char *bytes;

    if (take(machine, size, &bytes) < 0)
        return -1;
    *out = bl_le(bytes, size);
    return 0;
}

/* A line without its line feed. */
static int take_line(struct machine *machine, struct bl_span *out)
{
    const char *line = (const char *)machine->in->data + machine->pos;
    size_t left = machine->in->size - machine->pos;
    const char *end = memchr(line, '\n', BL_MIN(left, MAX_WORD));

    if (!end)
        return fail(machine, "a name does not end");
    *out = (struct bl_span){ line, (size_t)(end - line) };
    machine->pos += out->n + 1;
    return 0;
}

/* ---- Stack ---- */

static int push(struct machine *machine, value *v)
{
    if (machine->n == BL_PICKLE_MAX_STACK)
        return fail(machine, "too many values on the stack");
    BL_GROW(machine->stack, machine->n + 1, machine->cap);
    machine->stack[machine->n++] = v;
    return 0;
}

static size_t bottom(const struct machine *machine)
{
    return machine->n_marks ? machine->marks[machine->n_marks - 1] : 0;
}

static int need(struct machine *machine, size_t count)
{
    size_t have = machine->n - bottom(machine);

    if (have >= count)
        return 0;
    return fail(machine, "the stack has %zu values, %zu are "
                   "needed", have, count);
}

static int pop(struct machine *machine, value **v)
{
    if (need(machine, 1) < 0)
        return -1;
    *v = machine->stack[--machine->n];
    return 0;
}

/* The values above the topmost mark, which goes; they stay readable until
 * the next push. */
static int pop_mark(struct machine *machine, value ***v, size_t *n)
{
    *n = 0;
    *v = machine->stack;
    if (!machine->n_marks)
        return fail(machine, "there is no mark on the stack");
    *n = machine->n - bottom(machine);
    machine->n = machine->marks[--machine->n_marks];
    *v = machine->stack + machine->n;
    return 0;
}

static int expect(struct machine *machine, const value *object,
                  enum bl_pickle_kind kind)
{
    if (object->kind == kind)
        return 0;
    return fail(machine, "expected %s, found %s", bl_pickle_kind_name(kind),
                bl_pickle_kind_name(object->kind));
}

/* ---- Containers ---- */

static int deepen(struct machine *machine, value *outer, const value *inner)
{
    if (outer->depth <= inner->depth)
        outer->depth = inner->depth + 1;
    if (outer->depth > BL_PICKLE_MAX_DEPTH)
        return fail(machine, "values are nested more than %d deep",
                    BL_PICKLE_MAX_DEPTH);
    return 0;
}

/* Appends n pointers; a dict's length counts pairs. */
static int append(struct machine *machine, value *c, value *const *v,
                  size_t count)
{
    size_t unit = c->kind == BL_PICKLE_DICT ? 2 : 1;
    size_t had = c->seq.n * unit;

    for (size_t i = 0; i < count; i++)
        if (deepen(machine, c, v[i]) < 0)
            return -1;
    if (had + count > c->seq.cap) {
        value **old = c->seq.v;

        c->seq.cap = BL_MAX(2 * c->seq.cap, had + count);
        c->seq.v = bl_arena_alloc(machine->in->arena, c->seq.cap, sizeof *old);
        if (had)
            memcpy(c->seq.v, old, had * sizeof *old);
    }
    if (count)
        memcpy(c->seq.v + had, v, count * sizeof *v);
    c->seq.n += count / unit;
    return 0;
}

static int append_pairs(struct machine *machine, value *c, value *const *v,
                        size_t count)
{
    if (expect(machine, c, BL_PICKLE_DICT) < 0)
        return -1;
    if (count % 2)
        return fail(machine, "a key has no value");
    for (size_t i = 0; i < count; i += 2)
        if (v[i]->kind > BL_PICKLE_STRING)
            return fail(machine, "a %s cannot be a key",
                        bl_pickle_kind_name(v[i]->kind));
    return append(machine, c, v, count);
}

static int push_tuple(struct machine *machine, value *const *v, size_t count)
{
    value *t = bl_pickle_new(machine->in->arena, BL_PICKLE_TUPLE);

    t->depth = 1;
    return append(machine, t, v, count) < 0 ? -1 : push(machine, t);
}

/* Of the n values on top. */
static int op_small_tuple(struct machine *machine, size_t count)
{
    if (need(machine, count) < 0)
        return -1;
    machine->n -= count;
    return push_tuple(machine, machine->stack + machine->n, count);
}

static int op_tuple(struct machine *machine, size_t arg)
{
    value **v = NULL;
    size_t count = 0;

    (void)arg;
    return pop_mark(machine, &v, &count) < 0 ? -1
                                             : push_tuple(machine, v, count);
}

/* An empty list or dict, or None. */
static int op_new(struct machine *machine, size_t kind)
{
    return push(machine,
                bl_pickle_new(machine->in->arena, (enum bl_pickle_kind)kind));
}

static int op_append(struct machine *machine, size_t arg)
{
    value *v;

    (void)arg;
    if (pop(machine, &v) < 0 || need(machine, 1) < 0
        || expect(machine, machine->stack[machine->n - 1], BL_PICKLE_LIST) < 0)
        return -1;
    return append(machine, machine->stack[machine->n - 1], &v, 1);
}

static int op_appends(struct machine *machine, size_t arg)
{
    value **v = NULL;
    size_t count = 0;

    (void)arg;
    if (pop_mark(machine, &v, &count) < 0 || need(machine, 1) < 0
        || expect(machine, machine->stack[machine->n - 1], BL_PICKLE_LIST) < 0)
        return -1;
    return append(machine, machine->stack[machine->n - 1], v, count);
}

static int op_setitem(struct machine *machine, size_t arg)
{
    (void)arg;
    if (need(machine, 3) < 0)
        return -1;
    machine->n -= 2;
    return append_pairs(machine, machine->stack[machine->n - 1],
                        machine->stack + machine->n, 2);
}

static int op_setitems(struct machine *machine, size_t arg)
{
    value **v = NULL;
    size_t count = 0;

    (void)arg;
    if (pop_mark(machine, &v, &count) < 0 || need(machine, 1) < 0)
        return -1;
    return append_pairs(machine, machine->stack[machine->n - 1], v, count);
}

/* ---- Scalars ---- */

static int op_bool(struct machine *machine, size_t yes)
{
    value *v = bl_pickle_new(machine->in->arena, BL_PICKLE_BOOL);

    v->yes = yes;
    return push(machine, v);
}

static int push_int(struct machine *machine, int64_t number)
{
    value *v = bl_pickle_new(machine->in->arena, BL_PICKLE_INT);

    v->i = number;
    return push(machine, v);
}

static int op_int(struct machine *machine, size_t width)
{
    uint64_t number;

    if (take_number(machine, width, &number) < 0)
        return -1;
    return push_int(machine, width == 4 ? (int32_t)number : (int64_t)number);
}

static int op_long1(struct machine *machine, size_t arg)
{
    const unsigned char *bytes;
    uint64_t size, i;
    value *v;

    (void)arg;
    if (take_number(machine, 1, &size) < 0 || take(machine, size, &bytes) < 0)
        return -1;
    if (size <= 8) {
        i = size && bytes[size - 1] & 0x80 ? UINT64_MAX : 0;
        while (size-- > 0)
            i = i << 8 | bytes[size];
        return push_int(machine, (int64_t)i);
    }
    v = bl_pickle_new(machine->in->arena, BL_PICKLE_LONG);
    v->s = (struct bl_span){ (const char *)bytes, size };
    return push(machine, v);
}

static int op_binfloat(struct machine *machine, size_t arg)
{
    const unsigned char *bytes;
    uint64_t bits = 0;
    value *v;

    (void)arg;
    if (take(machine, 8, &bytes) < 0)
        return -1;
    for (size_t pattern = 0; pattern < 8; pattern++)
        bits = bits << 8 | bytes[pattern];
    v = bl_pickle_new(machine->in->arena, BL_PICKLE_FLOAT);
    memcpy(&v->f, &bits, sizeof v->f);
    return push(machine, v);
}

/* A string behind a length of `width` bytes. */
static int op_string(struct machine *machine, size_t width)
{
    const unsigned char *bytes;
    uint64_t size;
    value *v;

    if (take_number(machine, width, &size) < 0
        || take(machine, size, &bytes) < 0)
        return -1;
    if (bl_utf8_valid((const char *)bytes, size) != size)
        return fail(machine, "the string is not UTF-8");
    v = bl_pickle_new(machine->in->arena, BL_PICKLE_STRING);
    v->s = (struct bl_span){ (const char *)bytes, size };
    return push(machine, v);
}

/* ---- Memo ---- */

static int memo_put(struct machine *machine, size_t at)
{
    size_t grown;

    if (need(machine, 1) < 0)
        return -1;
    if (at >= BL_PICKLE_MAX_MEMO)
        return fail(machine, "memo %zu is out of range", at);
    if (at >= machine->n_memo) {
        grown = bl_grown(machine->n_memo, at + 1);
        machine->memo = bl_xrealloc(machine->memo, grown,
                                    sizeof *machine->memo);
        memset(machine->memo + machine->n_memo, 0,
               (grown - machine->n_memo) * sizeof *machine->memo);
        machine->n_memo = grown;
    }
    machine->memo[at] = machine->stack[machine->n - 1];
    machine->n_put++;
    return 0;
}

static int memo_get(struct machine *machine, size_t at)
{
    if (at >= machine->n_memo || !machine->memo[at])
        return fail(machine, "memo %zu was never set", at);
    return push(machine, machine->memo[at]);
}

static int op_put(struct machine *machine, size_t width)
{
    uint64_t at;

    return take_number(machine, width, &at) < 0 ? -1 : memo_put(machine, at);
}

static int op_memoize(struct machine *machine, size_t arg)
{
    (void)arg;
    return memo_put(machine, machine->n_put);
}

static int op_get(struct machine *machine, size_t width)
{
    uint64_t at;

    return take_number(machine, width, &at) < 0 ? -1 : memo_get(machine, at);
}

/* ---- Names and calls ---- */

static int push_name(struct machine *machine, struct bl_span module,
                     struct bl_span name)
{
    value *object = bl_pickle_new(machine->in->arena, BL_PICKLE_NAME);

    object->name = bl_pickle_lookup(module, name, machine->err);
    return object->name ? push(machine, object) : -1;
}

static int op_global(struct machine *machine, size_t arg)
{
    struct bl_span module, name;

    (void)arg;
    if (take_line(machine, &module) < 0 || take_line(machine, &name) < 0)
        return -1;
    return push_name(machine, module, name);
}

static int op_stack_global(struct machine *machine, size_t arg)
{
    value *module, *name;

    (void)arg;
    if (pop(machine, &name) < 0 || pop(machine, &module) < 0
        || expect(machine, module, BL_PICKLE_STRING) < 0
        || expect(machine, name, BL_PICKLE_STRING) < 0)
        return -1;
    return push_name(machine, module->s, name->s);
}

static int op_reduce(struct machine *machine, size_t arg)
{
    value *callee, *args, *object;

    (void)arg;
    if (pop(machine, &args) < 0 || pop(machine, &callee) < 0
        || expect(machine, callee, BL_PICKLE_NAME) < 0
        || expect(machine, args, BL_PICKLE_TUPLE) < 0
        || bl_pickle_call(machine->in, callee->name, args, &object,
                          machine->err) < 0)
        return -1;
    return push(machine, object);
}

static int op_binpersid(struct machine *machine, size_t arg)
{
    value *id, *object;

    (void)arg;
    if (pop(machine, &id) < 0
        || bl_pickle_persistent(machine->in, id, &object, machine->err) < 0)
        return -1;
    return push(machine, object);
}

static int op_build(struct machine *machine, size_t arg)
{
    value *state;

    (void)arg;
    if (pop(machine, &state) < 0 || need(machine, 1) < 0)
        return -1;
    return bl_pickle_build(machine->stack[machine->n - 1], state,
                           machine->err);
}

/* ---- The frame around it ---- */

static int op_mark(struct machine *machine, size_t arg)
{
    (void)arg;
    if (machine->n_marks == BL_PICKLE_MAX_MARKS)
        return fail(machine, "more than %d marks are open",
                    BL_PICKLE_MAX_MARKS);
    machine->marks[machine->n_marks++] = machine->n;
    return 0;
}

static int op_proto(struct machine *machine, size_t arg)
{
    uint64_t version;

    (void)arg;
    if (machine->pos != 1)
        return fail(machine, "expected only at the start");
    if (take_number(machine, 1, &version) < 0)
        return -1;
    if (version < 2 || version > 4)
        return fail(machine, "protocol %u is not read (2 to 4 "
                       "are)", (unsigned)version);
    return 0;
}

/* Frames only tell readers of streams how much to buffer. */
static int op_frame(struct machine *machine, size_t arg)
{
    uint64_t size;

    (void)arg;
    if (take_number(machine, 8, &size) < 0)
        return -1;
    if (size > machine->in->size - machine->pos)
        return fail(machine, "the frame is longer than the file");
    return 0;
}

static int op_stop(struct machine *machine, size_t arg)
{
    (void)arg;
    if (machine->n_marks || machine->n != 1)
        return fail(machine, "%zu values and %zu marks are left "
                       "(expected one value)", machine->n, machine->n_marks);
    machine->stopped = true;
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

/* Runs one opcode.  An opcode that has a name but no entry in ops[] is one
 * that could run code or that torch.save never writes; both are refused by
 * name.  Protocols 2 to 4, the only ones read, begin with PROTO. */
static int step(struct machine *machine)
{
    size_t at = machine->in->base + machine->pos;
    const unsigned char *code;
    const char *name;
    const struct op *op;
    int rc;

    if (machine->pos >= BL_PICKLE_MAX_BYTES)
        return fail(machine, "byte %zu: the pickle is longer "
                       "than %d bytes", at, BL_PICKLE_MAX_BYTES);
    if (take(machine, 1, &code) < 0)
        return fail(machine, "byte %zu: the pickle does not end",
                    at);
    op = &ops[*code];
    name = bl_pickle_opcode_name(*code);
    if (!name)
        return fail(machine, "byte %zu: opcode 0x%02x is unknown", at, *code);
    if (!op->run)
        rc = fail(machine, "not allowed in a file of tensors");
    else if (machine->pos == 1 && *code != 0x80)
        rc = fail(machine, "expected PROTO first");
    else
        rc = op->run(machine, op->arg);
    return rc < 0
               ? bl_err_prefix(machine->err, "byte %zu: opcode %s", at, name)
               : 0;
}

int bl_pickle_read(const struct bl_pickle *in, size_t *used, value **out,
                   struct bl_err *err)
{
    struct machine *machine = BL_NEW(struct machine);
    int rc = 0;

    machine->in = in;
    machine->err = err;
    machine->cap = 256;
    machine->stack = bl_xmalloc(machine->cap, sizeof *machine->stack);
    while (rc == 0 && !machine->stopped)
        rc = step(machine);
    if (rc == 0) {
        *out = machine->stack[0];
        *used = machine->pos;
    }
    free(machine->stack);
    free(machine->memo);
    free(machine);
    return rc;
}
