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
 * print.  Memory that runs out ends the process (mem.h).
 */
#ifndef BL_BLINK_H
#define BL_BLINK_H

#include "err.h"
#include "mem.h"
#include "buf.h"
#include "arena.h"
#include "utf8.h"
#include "unicode.h"

#include "json.h"
#include "lines.h"
#include "record.h"
#include "vector.h"
#include "candidates.h"

#include "file.h"
#include "opts.h"
#include "paths.h"
#include "sha256.h"
#include "safetensors.h"
#include "fold.h"
#include "kb.h"

#include "words.h"
#include "wordpiece.h"
#include "input.h"
#include "model.h"
#include "encoder.h"

#include "topk.h"
#include "index.h"
#include "calibration.h"
#include "rank.h"
#include "label.h"
#include "metrics.h"

#endif
