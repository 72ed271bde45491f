/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/adamw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void bl_adamw_init(struct bl_adamw *a, const struct bl_params *net)
{
    *a = (struct bl_adamw){ .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8,
                            .decay = 0.01, .correct = true };
    a->m = bl_xcalloc(net->n, sizeof *a->m);
    a->v = bl_xcalloc(net->n, sizeof *a->v);
}

void bl_adamw_free(struct bl_adamw *a)
{
    free(a->m);
    free(a->v);
    *a = (struct bl_adamw){ .m = NULL };
}

/* Numbers of one step that are the same for all parameters. */
struct factors {
    float b1, b2, c1, c2;       /* beta and 1 - beta */
    float rate, root;           /* of m; 1 / sqrt(correction of v) */
    float epsilon, shrink;      /* what the decay takes off */
};

static void update(const struct factors *f, size_t n,
                   const float *restrict g, float *restrict m,
                   float *restrict v, float *restrict x)
{
    for (size_t i = 0; i < n; i++) {
        float mi = f->b1 * m[i] + f->c1 * g[i];
        float vi = f->b2 * v[i] + f->c2 * g[i] * g[i];
        float xi = x[i] - f->rate * mi
            / (sqrtf(vi) * f->root + f->epsilon);

        m[i] = mi;
        v[i] = vi;
        x[i] = xi - f->shrink * xi;
    }
}

void bl_adamw_step(struct bl_adamw *a, struct bl_params *net, double rate)
{
    double t = (double)++a->steps;
    double fix1 = a->correct ? 1 - pow(a->beta1, t) : 1;
    double fix2 = a->correct ? 1 - pow(a->beta2, t) : 1;
    struct factors f = {
        (float)a->beta1, (float)a->beta2, (float)(1 - a->beta1),
        (float)(1 - a->beta2), (float)(rate / fix1),
        (float)(1 / sqrt(fix2)), (float)a->epsilon, 0
    };

    for (size_t i = 0; i < net->n_params; i++) {
        const struct bl_param *p = &net->params[i];

        if (!p->moved)
            continue;
        f.shrink = p->decayed ? (float)(rate * a->decay) : 0;
        update(&f, p->n, net->grads + p->at, a->m + p->at, a->v + p->at,
               net->values + p->at);
    }
}

static double square_sum(const float *g, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)g[i] * (double)g[i];
    return sum;
}

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
        const struct bl_param *p = &net->params[i];

        for (size_t k = 0; p->wanted && k < p->n; k++)
            net->grads[p->at + k] *= factor;
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
