/* SPDX-License-Identifier: MIT */
/*
 * pickle: Python's pickles, read as data and never run.
 *
 *     struct bl_pickle in = { .data = p, .size = n, .arena = &arena };
 *     struct bl_pickle_value *v;
 *     if (bl_pickle_read(&in, &used, &v, &err) < 0) ...
 *
 * A pickle is a program that may call anything.  This reader knows the
 * opcodes that torch.save writes (protocols 2 to 4) and the handful of names
 * that a file of tensors needs; each of them makes a plain value here.  Any
 * other opcode or name is refused with its byte offset, before anything that
 * depends on it is read.  Stack, memo, nesting and the number of opcodes are
 * bounded, so that time and memory are linear in a few MiB at most.
 *
 * Values live in the caller's arena; strings point into the bytes read.
 */
#ifndef BL_PICKLE_H
#define BL_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "tensor/torch-tensor.h"

enum {
    BL_PICKLE_MAX_BYTES = 2 << 20,      /* of one pickle; that of BERT
                                         * large, twice, has 130 KB */
    BL_PICKLE_MAX_STACK = 1 << 16,
    BL_PICKLE_MAX_MARKS = 256,          /* open at once */
    BL_PICKLE_MAX_MEMO = 1 << 20,
    BL_PICKLE_MAX_DEPTH = 64            /* containers within containers */
};

enum bl_pickle_kind {
    BL_PICKLE_NONE, BL_PICKLE_BOOL, BL_PICKLE_INT, BL_PICKLE_LONG,
    BL_PICKLE_FLOAT, BL_PICKLE_STRING, BL_PICKLE_TUPLE, BL_PICKLE_LIST,
    BL_PICKLE_DICT, BL_PICKLE_NAME, BL_PICKLE_STORAGE, BL_PICKLE_TENSOR
};

struct bl_pickle_value {
    enum bl_pickle_kind kind;
    unsigned depth;             /* 0: no container */
    bool ordered;               /* a dict that is an OrderedDict */
    bool walked;                /* free for whoever walks the values */
    union {
        bool yes;
        int64_t i;              /* INT: fits 64 bits */
        double f;
        struct bl_span s;       /* STRING: UTF-8; LONG: its bytes, little
                                 * end first, two's complement */
        struct {                /* TUPLE, LIST: n values; DICT: n pairs of */
            struct bl_pickle_value **v;     /* key, value */
            size_t n, cap;
        } seq;
        const struct bl_pickle_name *name;
        struct bl_torch_storage *storage;
        struct bl_torch_tensor *tensor;
    };
};

struct bl_pickle {
    const unsigned char *data;
    size_t size;                /* may be more than the pickle */
    size_t base;                /* offset of data[0], for messages */
    size_t file_size;           /* what a storage cannot exceed */
    struct bl_arena *arena;
    struct bl_torch_storages *storages; /* NULL: none are allowed */
};

/* Reads one pickle, up to its STOP; *used is its length.  -1 with BL_DATA
 * naming the opcode and its offset. */
int bl_pickle_read(const struct bl_pickle *in, size_t *used,
                   struct bl_pickle_value **out, struct bl_err *err);

/* "none", "string", "tuple" ...; static storage. */
const char *bl_pickle_kind_name(enum bl_pickle_kind kind);

/* "REDUCE"; NULL for a byte that is no opcode; static storage. */
const char *bl_pickle_opcode_name(unsigned char code);

/* The value of a string key; NULL when it is no dict or has none. */
struct bl_pickle_value *bl_pickle_find(const struct bl_pickle_value *dict,
                                       const char *key);

/* ---- For pickle.c alone: the names and what calling them makes ---- */

struct bl_pickle_value *bl_pickle_new(struct bl_arena *arena,
                                      enum bl_pickle_kind kind);
/* NULL with BL_DATA when the name is not on the list. */
const struct bl_pickle_name *bl_pickle_lookup(struct bl_span module,
                                              struct bl_span name,
                                              struct bl_err *err);
/* A call of `name` with a tuple of arguments; a persistent id; a BUILD. */
int bl_pickle_call(const struct bl_pickle *in,
                   const struct bl_pickle_name *name,
                   const struct bl_pickle_value *args,
                   struct bl_pickle_value **out, struct bl_err *err);
int bl_pickle_persistent(const struct bl_pickle *in,
                         const struct bl_pickle_value *id,
                         struct bl_pickle_value **out, struct bl_err *err);
int bl_pickle_build(const struct bl_pickle_value *object,
                    const struct bl_pickle_value *state, struct bl_err *err);

#endif
