/* SPDX-License-Identifier: MIT */
/*
 * bench-peaks: what this machine can do at most, for bench-scan and
 * bench-roofline of scripts/bench.d.
 *
 *     bench-peaks f32|int8|read THREADS [MIB]
 *
 * f32: multiplications and additions of floats in registers; int8: of bytes,
 * by the instructions of the kernel that would run (BLINK_CPU forces one);
 * read: adding up MIB of memory (default 1024), each thread its own part.
 * Prints GFLOP/s, GOP/s or GB/s, the best of TRIALS by the clock, then as if
 * each thread had had a core to itself (by its processor time), and what was
 * measured.
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "cli/prog.h"
#include "net/int8-kernels.h"
#include "net/simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { TRIALS = 7, ROUNDS = 4000000, CHAINS = 12, MAX_THREADS = 256 };

/* A loop: does `rounds` rounds, or reads p[n]; returns operations or bytes. */
typedef double work_fn(size_t rounds, const unsigned char *p, size_t n);

/* CHAINS sums that do not wait for each other; the compiler may not look
 * into them. */
#define CHAIN(type, zero, step, where) \
    type s[CHAINS]; \
    _Pragma("GCC unroll 12") \
    for (int i = 0; i < CHAINS; i++) \
        s[i] = (zero); \
    for (size_t k = 0; k < rounds; k++) { \
        _Pragma("GCC unroll 12") \
        for (int i = 0; i < CHAINS; i++) { \
            s[i] = (step); \
            __asm__ volatile("" : where(s[i])); \
        } \
    } \
    (void)p; \
    (void)n

/* ---- Floats ---- */

#if defined(__x86_64__)
__attribute__((target("avx512f")))
static double f32_avx512(size_t rounds, const unsigned char *p, size_t n)
{
    __m512 a = _mm512_set1_ps(0.5f);
    CHAIN(__m512, a, _mm512_fmadd_ps(a, a, s[i]), "+v");
    return (double)rounds * CHAINS * 32;
}

__attribute__((target("avx2,fma")))
static double f32_avx2(size_t rounds, const unsigned char *p, size_t n)
{
    __m256 a = _mm256_set1_ps(0.5f);
    CHAIN(__m256, a, _mm256_fmadd_ps(a, a, s[i]), "+x");
    return (double)rounds * CHAINS * 16;
}
#endif

/* Four floats at a time, as every processor of 64 bits can. */
static double f32_plain(size_t rounds, const unsigned char *p, size_t n)
{
    typedef float four __attribute__((vector_size(16)));
    four a = { 0.5f, 0.5f, 0.5f, 0.5f }, s[CHAINS];

    memset(s, 0, sizeof s);
    for (size_t k = 0; k < rounds; k++)
        for (int i = 0; i < CHAINS; i++)
            s[i] = s[i] * a + a;
    (void)p;
    (void)n;
    return s[0][0] < 3 ? (double)rounds * CHAINS * 8 : 0;
}

/* ---- Bytes ---- */

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512vnni")))
static double int8_vnni(size_t rounds, const unsigned char *p, size_t n)
{
    __m512i a = _mm512_set1_epi8(1);
    CHAIN(__m512i, a, _mm512_dpbusd_epi32(s[i], a, a), "+v");
    return (double)rounds * CHAINS * 128;
}

__attribute__((target("avx2,avxvnni")))
static double int8_avxvnni(size_t rounds, const unsigned char *p, size_t n)
{
    __m256i a = _mm256_set1_epi8(1);
    CHAIN(__m256i, a, _mm256_dpbusd_avx_epi32(s[i], a, a), "+x");
    return (double)rounds * CHAINS * 64;
}

/* As its kernel does: two instructions for 16 products. */
__attribute__((target("avx2")))
static double int8_avx2(size_t rounds, const unsigned char *p, size_t n)
{
    __m256i a = _mm256_set1_epi16(1);
    CHAIN(__m256i, a, _mm256_add_epi32(s[i], _mm256_madd_epi16(s[i], a)),
          "+x");
    return (double)rounds * CHAINS * 32;
}

/* Four tiles of sums, as its kernel has. */
__attribute__((target("amx-tile,amx-int8")))
static double int8_amx(size_t rounds, const unsigned char *p, size_t n)
{
    struct {
        uint8_t palette, start, zero[14];
        uint16_t line[16];
        uint8_t rows[16];
    } c = { .palette = 1 };

    for (int i = 0; i < 8; i++) {
        c.line[i] = 64;
        c.rows[i] = 16;
    }
    _tile_loadconfig(&c);
    _tile_zero(4);
    _tile_zero(5);
    _tile_zero(6);
    _tile_zero(7);
    for (size_t k = 0; k < rounds / 16; k++) {
        _tile_dpbusd(0, 4, 6);
        _tile_dpbusd(1, 4, 7);
        _tile_dpbusd(2, 5, 6);
        _tile_dpbusd(3, 5, 7);
    }
    _tile_release();
    (void)p;
    (void)n;
    return (double)(rounds / 16) * 4 * 2 * 16 * 16 * 64;
}
#endif

/* The plain kernel on a block in the nearest cache. */
static double int8_plain(size_t rounds, const unsigned char *p, size_t n)
{
    enum { WIDTH = 256 };
    static _Thread_local uint8_t x[WIDTH];
    static _Thread_local int8_t w[WIDTH * BL_INT8_OUTS];
    const struct bl_int8_kernel *k = bl_int8_kernel(NULL);
    int32_t sums[BL_INT8_OUTS];

    rounds /= 1000;
    for (size_t i = 0; i < rounds; i++)
        k->multiply(x, WIDTH, 1, w, WIDTH, 1, sums, BL_INT8_OUTS);
    (void)p;
    (void)n;
    return (double)rounds * 2 * WIDTH * BL_INT8_OUTS;
}

/* ---- Memory ---- */

BL_WIDE
static double read_all(size_t rounds, const unsigned char *p, size_t n)
{
    enum { AT_ONCE = 4 };
    bl_lanes_int s[AT_ONCE], v;
    int32_t some;

    memset(s, 0, sizeof s);
    for (size_t i = 0; i + sizeof s <= n; i += sizeof s)
        for (size_t k = 0; k < AT_ONCE; k++) {
            memcpy(&v, p + i + k * sizeof v, sizeof v);
            s[k] ^= v;
        }
    s[0] ^= s[1] ^ s[2] ^ s[3];
    memcpy(&some, &s[0], sizeof some);
    return some == 12345 ? 0 : (double)n * (double)(rounds > 0);
}

/* ---- Threads ---- */

struct part {
    pthread_t thread;
    pthread_barrier_t *start;
    work_fn *work;
    size_t rounds, n;
    const unsigned char *p;
    double done[TRIALS], began[TRIALS], ended[TRIALS], cpu[TRIALS];
};

/* In 10^9 a second. */
struct rate {
    double wall, cpu;
};

static double cpu_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *run(void *arg)
{
    struct part *t = arg;

    for (int i = 0; i < TRIALS; i++) {
        pthread_barrier_wait(t->start);
        t->began[i] = bl_now();
        t->cpu[i] = cpu_now();
        t->done[i] = t->work(t->rounds, t->p, t->n);
        t->cpu[i] = cpu_now() - t->cpu[i];
        t->ended[i] = bl_now();
    }
    return NULL;
}

static struct rate rate_of(const struct part *parts, size_t threads, int k)
{
    double done = 0, began = parts[0].began[k], ended = 0;
    struct rate r = { 0, 0 };

    for (size_t i = 0; i < threads; i++) {
        const struct part *t = &parts[i];

        done += t->done[k];
        r.cpu += t->done[k] / t->cpu[k] / 1e9;
        began = BL_MIN(t->began[k], began);
        ended = BL_MAX(t->ended[k], ended);
    }
    r.wall = done / (ended - began) / 1e9;
    return r;
}

/* The best of all threads together. */
static struct rate measure(work_fn *work, size_t threads,
                           const unsigned char *p, size_t n)
{
    static struct part parts[MAX_THREADS];
    size_t share = n / threads / 4096 * 4096;
    struct rate best = { 0, 0 };
    pthread_barrier_t start;

    if (pthread_barrier_init(&start, NULL, (unsigned)threads))
        return best;
    for (size_t i = 0; i < threads; i++) {
        parts[i] = (struct part){ .start = &start, .work = work,
                                  .rounds = ROUNDS, .n = share,
                                  .p = p ? p + i * share : NULL };
        if (i + 1 < threads
            && pthread_create(&parts[i].thread, NULL, run, &parts[i]))
            exit(4);
    }
    run(&parts[threads - 1]);
    for (size_t i = 0; i + 1 < threads; i++)
        pthread_join(parts[i].thread, NULL);
    pthread_barrier_destroy(&start);
    for (int k = 0; k < TRIALS; k++) {
        struct rate r = rate_of(parts, threads, k);

        best.wall = BL_MAX(r.wall, best.wall);
        best.cpu = BL_MAX(r.cpu, best.cpu);
    }
    return best;
}

static void print(struct rate r, const char *name)
{
    printf("%.1f %.1f %s\n", r.wall, r.cpu, name);
}

static void f32(size_t threads)
{
    work_fn *work = f32_plain;
    const char *name = "16 bytes at once";

#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) {
        work = f32_avx512;
        name = "AVX-512";
    } else if (__builtin_cpu_supports("fma")) {
        work = f32_avx2;
        name = "AVX2 FMA";
    }
#endif
    print(measure(work, threads, NULL, 0), name);
}

static void int8(size_t threads)
{
    struct bl_err err;
    const struct bl_int8_kernel *k = bl_int8_kernel(&err);
    work_fn *work = int8_plain;

    if (!k)
        bl_die(&err);
#if defined(__x86_64__)
    if (!strcmp(k->name, "amx"))
        work = int8_amx;
    else if (!strcmp(k->name, "vnni"))
        work = int8_vnni;
    else if (!strcmp(k->name, "avxvnni"))
        work = int8_avxvnni;
    else if (!strcmp(k->name, "avx2"))
        work = int8_avx2;
#endif
    print(measure(work, threads, NULL, 0), k->what);
}

static void memory(size_t threads, size_t mib)
{
    size_t n = mib << 20;
    unsigned char *p = bl_xaligned(n, 1);

    memset(p, 1, n);
    print(measure(read_all, threads, p, n), "memory");
    free(p);
}

int main(int argc, char **argv)
{
    size_t threads, mib;

    bl_prog_init("bench-peaks");
    if (argc < 3 || argc > 4)
        bl_die_usage("expected f32|int8|read THREADS [MIB]");
    threads = strtoull(argv[2], NULL, 10);
    mib = argc > 3 ? strtoull(argv[3], NULL, 10) : 1024;
    if (threads < 1 || threads > MAX_THREADS || mib < 1 || mib > 1 << 20)
        bl_die_usage("expected 1 to 256 threads and 1 to 1,048,576 MiB");
    if (!strcmp(argv[1], "f32"))
        f32(threads);
    else if (!strcmp(argv[1], "int8"))
        int8(threads);
    else if (!strcmp(argv[1], "read"))
        memory(threads, mib);
    else
        bl_die_usage("expected f32, int8 or read, found '%s'", argv[1]);
    return bl_prog_finish(0);
}
