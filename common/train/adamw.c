/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/adamw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void bl_adamw_init(struct bl_adamw *adamw, const struct bl_params *net)
{
    *adamw = (struct bl_adamw){ .beta1 = 0.9, .beta2 = 0.999,
        .epsilon = 1e-8, .decay = 0.01, .correct = true };
    adamw->m = bl_xcalloc(net->n, sizeof *adamw->m);
    adamw->v = bl_xcalloc(net->n, sizeof *adamw->v);
}

void bl_adamw_free(struct bl_adamw *adamw)
{
    free(adamw->m);
    free(adamw->v);
    *adamw = (struct bl_adamw){ .m = NULL };
}

/* Numbers of one step that are the same for all parameters. */
struct factors {
    float b1, b2, c1, c2;       /* beta and 1 - beta */
    float rate, root;           /* of m; 1 / sqrt(correction of v) */
    float epsilon, shrink;      /* what the decay takes off */
};

static void update(const struct factors *factors, size_t n,
                   const float *restrict g, float *restrict m,
                   float *restrict v, float *restrict x)
{
    for (size_t i = 0; i < n; i++) {
        float mi = factors->b1 * m[i] + factors->c1 * g[i];
        float vi = factors->b2 * v[i] + factors->c2 * g[i] * g[i];
        float xi = x[i] - factors->rate * mi
            / (sqrtf(vi) * factors->root + factors->epsilon);

        m[i] = mi;
        v[i] = vi;
        x[i] = xi - factors->shrink * xi;
    }
}

/* The corrections of the bias are the same for all parameters: that of m is
 * put into the rate and that of v into a factor of its root, which leaves
 * update() one division. */
void bl_adamw_step(struct bl_adamw *adamw, struct bl_params *net, double rate)
{
    double steps = (double)++adamw->steps;
    double fix1 = adamw->correct ? 1 - pow(adamw->beta1, steps) : 1;
    double fix2 = adamw->correct ? 1 - pow(adamw->beta2, steps) : 1;
    struct factors factors = {
        (float)adamw->beta1, (float)adamw->beta2, (float)(1 - adamw->beta1),
        (float)(1 - adamw->beta2), (float)(rate / fix1),
        (float)(1 / sqrt(fix2)), (float)adamw->epsilon, 0
    };

    for (size_t i = 0; i < net->n_params; i++) {
        const struct bl_param *param = &net->params[i];

        if (!param->moved)
            continue;
        factors.shrink = param->decayed ? (float)(rate * adamw->decay) : 0;
        update(&factors, param->n, net->grads + param->at,
               adamw->m + param->at, adamw->v + param->at,
               net->values + param->at);
    }
}

static double square_sum(const float *grads, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)grads[i] * (double)grads[i];
    return sum;
}

/* Gradients of parameters that do not move count too, as in BLINK, which
 * clips all the model's parameters.  The sum is a double, because that of
 * some hundred million squares would lose the small ones as a float. */
double bl_params_clip(struct bl_params *net, double max)
{
    double sum = 0, norm;
    float factor;

    for (size_t i = 0; i < net->n_params; i++)
        if (net->params[i].wanted)
            sum += square_sum(net->grads + net->params[i].at,
                              net->params[i].n);
    norm = sqrt(sum);
    if (!isfinite(norm) || max <= 0 || max / (norm + 1e-6) >= 1)
        return norm;
    factor = (float)(max / (norm + 1e-6));
    for (size_t i = 0; i < net->n_params; i++) {
        const struct bl_param *param = &net->params[i];

        for (size_t k = 0; param->wanted && k < param->n; k++)
            net->grads[param->at + k] *= factor;
    }
    return norm;
}

void bl_params_zero(struct bl_params *net, bool moved_only)
{
    for (size_t i = 0; i < net->n_params; i++)
        if (net->params[i].moved || !moved_only)
            memset(net->grads + net->params[i].at, 0,
                   net->params[i].n * sizeof *net->grads);
}

double bl_schedule(uint64_t step, uint64_t warmup, uint64_t total)
{
    double left;

    if (step < warmup)
        return (double)step / (double)warmup;
    if (step >= total)
        return 0;
    left = (double)(total - warmup);
    return (double)(total - step) / BL_MAX(left, 1);
}
