/* SPDX-License-Identifier: MIT */
/*
 * adamw: Adam with decoupled weight decay (Loshchilov and Hutter 2019) over
 * the flat arrays of a net, gradient clipping, and the learning rate's way.
 *
 *     m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2
 *     x = x - rate m' / (sqrt(v') + epsilon);  x = x - rate decay x
 *
 * m' and v' are m and v, divided by 1 - b^step if the bias is corrected.
 * The decay comes after the update, as in pytorch_transformers' AdamW, which
 * BLINK uses without correction and with epsilon 1e-6.
 */
#ifndef BL_ADAMW_H
#define BL_ADAMW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "train/params.h"

struct bl_adamw {
    double beta1, beta2, epsilon, decay;
    bool correct;
    uint64_t steps;             /* made so far */
    float *m, *v;               /* [net->n] */
};

/* Fills the struct; zero moments.  Free with bl_adamw_free(). */
void bl_adamw_init(struct bl_adamw *adamw, const struct bl_params *net);
void bl_adamw_free(struct bl_adamw *adamw);

/* One step with net->grads on the parameters that are moved. */
void bl_adamw_step(struct bl_adamw *adamw, struct bl_params *net, double rate);

/* The length of all gradients that are wanted together; when it is above
 * max (> 0), they are scaled down by max / (norm + 1e-6), as PyTorch's
 * clip_grad_norm_ does.  May be NaN or infinite: then nothing is scaled. */
double bl_params_clip(struct bl_params *net, double max);

/* Zeroes the gradients; moved_only: of the parameters that are moved. */
void bl_params_zero(struct bl_params *net, bool moved_only);

/* The factor of the learning rate at `step` (from 0): rising from 0 over
 * warmup steps, then falling to 0 at total. */
double bl_schedule(uint64_t step, uint64_t warmup, uint64_t total);

#endif
