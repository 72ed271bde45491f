/* SPDX-License-Identifier: MIT */
/* pickle-value: what is made of a pickle, and what its opcodes are called. */
#include "config.h"

#include "tensor/pickle.h"

#include <string.h>

typedef struct bl_pickle_value value;

const char *bl_pickle_kind_name(enum bl_pickle_kind kind)
{
    static const char *const names[] = {
        "none", "boolean", "integer", "big integer", "float", "string",
        "tuple", "list", "dict", "name", "storage", "tensor"
    };

    return names[kind];
}

value *bl_pickle_new(struct bl_arena *a, enum bl_pickle_kind kind)
{
    value *v = bl_arena_alloc(a, 1, sizeof *v);

    memset(v, 0, sizeof *v);
    v->kind = kind;
    return v;
}

value *bl_pickle_find(const value *v, const char *key)
{
    value *found = NULL;

    if (v->kind != BL_PICKLE_DICT)
        return NULL;
    for (size_t i = 0; i < v->seq.n; i++) {
        const value *k = v->seq.v[2 * i];

        if (k->kind == BL_PICKLE_STRING && bl_span_is(k->s, key))
            found = v->seq.v[2 * i + 1];    /* as in Python, the last one */
    }
    return found;
}

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
