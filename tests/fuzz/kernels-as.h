/* SPDX-License-Identifier: MIT */
/*
 * kernels-as: common/kernels.c compiled once more, for one instruction set
 * by name, so that all versions among which the loader picks can be called:
 *
 *     #define AS(x) v3_##x
 *     #define AS_TARGET __attribute__((target("avx2,fma")))
 *     #include "kernels-as.h"
 *
 * gives v3_look_up, v3_add_norm, v3_gelu and v3_attend.
 */
#undef BL_WIDE
#define BL_WIDE AS_TARGET
#define bl_kernel_look_up AS(look_up)
#define bl_kernel_add_norm AS(add_norm)
#define bl_kernel_gelu AS(gelu)
#define bl_kernel_attend AS(attend)
#define bl_kernel_attend_scratch AS(attend_scratch)
/* What is private there, and here stands beside its like. */
#define LANES AS(LANES)
#define QUERIES AS(QUERIES)
#define lanes AS(lanes)
#define padded AS(padded)
#define exp2_lanes AS(exp2_lanes)
#define gelu_lanes AS(gelu_lanes)
#define norm_row AS(norm_row)
#define add_row AS(add_row)
#define room AS(room)
#define pack AS(pack)
#define pack_queries AS(pack_queries)
#define multiply_4 AS(multiply_4)
#define score AS(score)
#define soften AS(soften)
#define mix AS(mix)

look_up_fn bl_kernel_look_up;
add_norm_fn bl_kernel_add_norm;
gelu_fn bl_kernel_gelu;
attend_fn bl_kernel_attend;
size_t bl_kernel_attend_scratch(size_t n, size_t d);

#include "../../common/kernels.c"

#undef bl_kernel_look_up
#undef bl_kernel_add_norm
#undef bl_kernel_gelu
#undef bl_kernel_attend
#undef bl_kernel_attend_scratch
#undef LANES
#undef QUERIES
#undef lanes
#undef padded
#undef exp2_lanes
#undef gelu_lanes
#undef norm_row
#undef add_row
#undef room
#undef pack
#undef pack_queries
#undef multiply_4
#undef score
#undef soften
#undef mix
#undef AS
#undef AS_TARGET
