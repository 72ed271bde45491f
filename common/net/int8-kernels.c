/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "net/int8-kernels.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

/* ---- Plain C ---- */

static void multiply_row(const uint8_t *x, const int8_t *w, size_t width,
                         int32_t sums[BL_INT8_OUTS])
{
    memset(sums, 0, BL_INT8_OUTS * sizeof *sums);
    for (size_t at = 0; at < width; at += 4, w += 4 * BL_INT8_OUTS)
        for (size_t i = 0; i < BL_INT8_OUTS; i++)
            sums[i] += x[at] * w[4 * i] + x[at + 1] * w[4 * i + 1]
                + x[at + 2] * w[4 * i + 2] + x[at + 3] * w[4 * i + 3];
}

void bl_int8_multiply_c(const uint8_t *x, size_t stride, size_t n,
                        const int8_t *w, size_t width, size_t blocks,
                        int32_t *sums, size_t sums_stride)
{
    for (size_t j = 0; j < blocks; j++)
        for (size_t i = 0; i < n; i++)
            multiply_row(x + i * stride, w + j * width * BL_INT8_OUTS, width,
                         sums + i * sums_stride + j * BL_INT8_OUTS);
}

void bl_int8_dot_c(const uint8_t *x, size_t m, const int8_t *rows, size_t n,
                   size_t width, int32_t *sums)
{
    for (size_t i = 0; i < n; i++, rows += width)
        for (size_t j = 0; j < m; j++, sums++) {
            *sums = 0;
            for (size_t k = 0; k < width; k++)
                *sums += (x[j * width + k] - 128) * rows[k];
        }
}

/* ---- Which there are ---- */

static bool always(void)
{
    return true;
}

#if defined(__x86_64__)
/* What must be there before it makes sense to try.  The processor's word is
 * believed when it says no. */
static bool has_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2");
}

static bool has_avx512(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f")
        && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl");
}

/* The tiles' 8 KiB are part of a thread's state only where the kernel was
 * asked for them. */
static bool ask_for_tiles(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };

    return has_avx2() && !syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM,
                                  XFEATURE_XTILEDATA);
}
#endif

static const struct choice {
    struct bl_int8_kernel kernel;
    bool (*possible)(void);
} choices[] = {
#if defined(__x86_64__)
    { { "amx", "AMX", bl_int8_multiply_amx, bl_int8_dot_vnni, NULL },
      ask_for_tiles },
    { { "vnni", "AVX-512 VNNI", bl_int8_multiply_vnni,
        bl_int8_dot_vnni, bl_int8_reach_vnni },
      has_avx512 },
    { { "avxvnni", "AVX-VNNI", bl_int8_multiply_avxvnni,
        bl_int8_dot_avx2, NULL },
      has_avx2 },
    { { "avx2", "AVX2", bl_int8_multiply_avx2, bl_int8_dot_avx2, NULL },
      has_avx2 },
#elif defined(__aarch64__)
    { { "neon", "NEON dot products", bl_int8_multiply_neon,
        bl_int8_dot_c, NULL },
      always },
#endif
    { { "c", "plain C", bl_int8_multiply_c, bl_int8_dot_c, NULL }, always }
};

enum { N_CHOICES = BL_COUNT(choices) };

/* ---- The trial ---- */

/* Sizes with whole tiles and rests of each kernel. */
enum { ROWS = 35, BLOCKS = 5, WIDTH = 2 * BL_INT8_INS };

struct trial {
    uint8_t x[ROWS][WIDTH];
    int8_t w[BLOCKS][WIDTH * BL_INT8_OUTS];
    int32_t want[ROWS][BLOCKS * BL_INT8_OUTS];
    int32_t sums[ROWS][BLOCKS * BL_INT8_OUTS];
    int32_t want_dots[BLOCKS][BL_INT8_DOTS], dots[BLOCKS][BL_INT8_DOTS];
};

static struct {
    pthread_once_t once;
    bool runs[N_CHOICES];
} tried = { .once = PTHREAD_ONCE_INIT };

static _Thread_local sigjmp_buf *volatile back;

static void illegal(int sig)
{
    if (back)
        siglongjmp(*back, 1);
    signal(sig, SIG_DFL);       /* another thread's: not ours to catch */
}

/* Numbers with all bytes, the extremes together included. */
static void fill_trial(struct trial *t)
{
    uint32_t state = 1;
    unsigned char *x = &t->x[0][0];
    signed char *w = &t->w[0][0];

    for (size_t i = 0; i < sizeof t->x; i++) {
        state = state * 1664525 + 1013904223;
        x[i] = i % 7 ? (unsigned char)(state >> 24) : 255;
    }
    for (size_t i = 0; i < sizeof t->w; i++) {
        state = state * 1664525 + 1013904223;
        w[i] = i % 5 ? (signed char)((int)(state >> 24) - 128) : 127;
    }
}

static void try_kernel(struct trial *t, const struct bl_int8_kernel *k,
                       int32_t *sums, int32_t *dots)
{
    k->dot(&t->x[0][0], BL_INT8_DOTS, &t->w[0][0], BLOCKS, WIDTH, dots);
    k->multiply(&t->x[0][0], WIDTH, ROWS, &t->w[0][0], WIDTH, BLOCKS, sums,
                (size_t)BLOCKS * BL_INT8_OUTS);
}

static bool runs_without_fault(struct trial *t,
                               const struct bl_int8_kernel *k)
{
    struct sigaction catch = { .sa_handler = illegal }, before;
    sigjmp_buf here;
    bool good = false;

    sigemptyset(&catch.sa_mask);
    if (sigaction(SIGILL, &catch, &before))
        return false;
    if (!sigsetjmp(here, 1)) {
        back = &here;
        try_kernel(t, k, &t->sums[0][0], &t->dots[0][0]);
        good = true;
    }
    back = NULL;
    sigaction(SIGILL, &before, NULL);
    return good;
}

static void try_all(void)
{
    struct trial *t = calloc(1, sizeof *t);

    tried.runs[N_CHOICES - 1] = true;       /* plain C */
    if (!t)
        return;
    fill_trial(t);
    try_kernel(t, &choices[N_CHOICES - 1].kernel, &t->want[0][0],
               &t->want_dots[0][0]);
    for (size_t i = 0; i + 1 < N_CHOICES; i++) {
        memset(t->sums, 0, sizeof t->sums);
        tried.runs[i] = choices[i].possible()
            && runs_without_fault(t, &choices[i].kernel)
            && !memcmp(t->sums, t->want, sizeof t->sums)
            && !memcmp(t->dots, t->want_dots, sizeof t->dots);
    }
    free(t);
}

const struct bl_int8_kernel *bl_int8_kernel_at(size_t i)
{
    pthread_once(&tried.once, try_all);
    for (size_t j = 0; j < N_CHOICES; j++)
        if (tried.runs[j] && i-- == 0)
            return &choices[j].kernel;
    return NULL;
}

const struct bl_int8_kernel *bl_int8_kernel(struct bl_err *err)
{
    const char *name = getenv("BLINK_CPU");

    if (!name || !*name)
        return bl_int8_kernel_at(0);
    pthread_once(&tried.once, try_all);
    for (size_t i = 0; i < N_CHOICES; i++) {
        if (strcmp(name, choices[i].kernel.name))
            continue;
        if (tried.runs[i])
            return &choices[i].kernel;
        bl_fail(err, BL_USAGE, "BLINK_CPU=%s: this machine does not run %s",
                name, choices[i].kernel.what);
        return NULL;
    }
    bl_fail(err, BL_USAGE, "BLINK_CPU: expected amx, vnni, avxvnni, avx2, "
            "neon or c, as this processor has, found '%.*s'",
            BL_SHOWN(32, name));
    return NULL;
}
