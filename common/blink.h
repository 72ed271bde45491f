/* SPDX-License-Identifier: MIT */
/*
 * blink: every public header of libblink, in the order of its layers.
 *
 *     #include <blink/blink.h>
 *
 *     struct bl_err err;
 *     struct bl_kb *kb = bl_kb_open("k.kb", &err);
 *     if (!kb)
 *         fprintf(stderr, "%s\n", err.msg);
 *
 *     cc client.c $(pkg-config --cflags --libs blink)
 *
 * Library calls return 0, or -1 (NULL) with a sentence in *err; they never
 * print.  Memory that runs out ends the process (mem.h).  C++ can include
 * all of them (decls.h); type-generic macros (BL_MIN, BL_GROW) are for C.
 */
#ifndef BL_BLINK_H
#define BL_BLINK_H

#include "base/bug.h"
#include "base/decls.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/buf.h"
#include "base/arena.h"
#include "base/utf8.h"
#include "text/unicode.h"

#include "json/json.h"
#include "json/lines.h"
#include "json/record.h"
#include "json/vector.h"
#include "json/candidates.h"

#include "base/file.h"
#include "cli/opts.h"
#include "base/paths.h"
#include "base/sha256.h"
#include "tensor/safetensors.h"
#include "text/fold.h"
#include "kb/kb-lexical.h"
#include "kb/kb.h"
#include "kb/names.h"

#include "text/words.h"
#include "text/wordpiece.h"
#include "text/input.h"
#include "model/role.h"
#include "model/model.h"
#include "net/encoder.h"
#include "cli/engine-opts.h"

#include "search/topk.h"
#include "search/index.h"
#include "link/gather.h"
#include "link/part.h"
#include "link/calibration.h"
#include "link/rank.h"
#include "eval/label.h"
#include "eval/metrics.h"

#endif
