/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "wiki/bunzip.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#ifndef HAVE_BZ2

bool bl_bunzip_here(void)
{
    return false;
}

struct bl_bunzip *bl_bunzip_open(ssize_t (*in)(void *arg, void *p, size_t n,
                                               struct bl_err *err),
                                 void *arg, const char *name,
                                 struct bl_crew *pool, struct bl_err *err)
{
    (void)in;
    (void)arg;
    (void)pool;
    bl_fail(err, BL_SYSTEM, "'%s' is compressed by bzip2, and this program "
            "was built without libbz2: decompress it first", name);
    return NULL;
}

int bl_bunzip_next(struct bl_bunzip *z, struct bl_span *piece,
                   struct bl_err *err)
{
    (void)z;
    (void)piece;
    (void)err;
    return 0;
}

void bl_bunzip_close(struct bl_bunzip *z)
{
    (void)z;
}

#else

#include <bzlib.h>

/* How blocks and the ends of streams begin: 48 bits. */
static const uint64_t block_magic = 0x314159265359;
static const uint64_t end_magic = 0x177245385090;
static const uint64_t mask48 = 0xffffffffffff;

enum {
    READ = 1 << 18,             /* bytes asked for at once */
    MAX_BLOCK = 3 << 20,        /* bytes; 900,000 symbols of 20 bits */
    HEADER = 4,                 /* "BZh9" */
    TRAILER = 11,               /* end mark, sum, and a part of a byte */
    ALL_OUT = 48 << 20          /* a block decodes to less: 900,000 bytes,
                                 * runs of 255 from 5 */
};

/* One block, or (end) the sum at the end of a stream. */
struct job {
    struct bl_buf in;           /* header, bits of the block */
    uint64_t bits;              /* without the header */
    uint64_t at;                /* the byte of the file where it began */
    struct bl_buf out;
    uint32_t sum;
    bool end, bad;
};

struct bl_bunzip {
    ssize_t (*in)(void *arg, void *p, size_t n, struct bl_err *err);
    void *arg;
    const char *name;
    struct bl_crew_lane *lane;
    pthread_t thread;
    bool started;
    struct job *last;           /* whose output was given out */
    uint32_t sum;               /* of the blocks of the stream so far */
    struct bl_err err;          /* of the thread that reads */
    bool failed;
    /* Of that thread only: */
    struct bl_buf buf;          /* a part of the file */
    uint64_t base;              /* the file's bytes before it */
    uint64_t bit;               /* where the reading is, from buf.data on */
    bool ended;
    char level;
    bool candidate[256];        /* second bytes of the marks, any shift */
};

bool bl_bunzip_here(void)
{
    return true;
}

/* ---- Bits ---- */

static uint64_t be64(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    uint64_t v = 0;

    for (size_t i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

/* n <= 48 bits at a bit position; 8 bytes must be there. */
static uint64_t bits_at(const struct bl_buf *b, uint64_t bit, unsigned n)
{
    uint64_t v = be64(b->data + bit / 8);

    return v << (bit % 8) >> (64 - n);
}

static void put_bits(struct bl_buf *b, uint64_t *bit, uint64_t v, unsigned n)
{
    while (n-- > 0) {
        if (*bit % 8 == 0)
            bl_buf_putc(b, 0);
        if (v >> n & 1)
            b->data[*bit / 8] = (char)(b->data[*bit / 8] |
                                       0x80 >> (*bit % 8));
        ++*bit;
    }
}

/* ---- Decoding, in the threads of the pool ---- */

static int inflate(struct job *j, bz_stream *s)
{
    int rc;

    do {
        if (j->out.cap - j->out.len < 1 << 16)
            bl_buf_reserve(&j->out, j->out.len ? j->out.len : 1 << 20);
        s->next_out = j->out.data + j->out.len;
        s->avail_out = (unsigned)(j->out.cap - j->out.len);
        rc = BZ2_bzDecompress(s);
        j->out.len = (size_t)(s->next_out - j->out.data);
        if (j->out.len > ALL_OUT || (rc == BZ_OK && s->avail_in == 0
                                     && s->avail_out > 0))
            return -1;
    } while (rc == BZ_OK);
    return rc == BZ_STREAM_END ? 0 : -1;
}

static void decode(void *arg)
{
    struct job *j = arg;
    bz_stream s = { 0 };
    uint64_t bit = HEADER * 8 + j->bits;
    size_t len = j->in.len;

    if (j->end)
        return;
    j->in.len = (size_t)((bit + 7) / 8);
    put_bits(&j->in, &bit, end_magic, 48);
    put_bits(&j->in, &bit, j->sum, 32);
    j->bad = BZ2_bzDecompressInit(&s, 0, 0) != BZ_OK;
    if (j->bad)
        bl_oom(0);
    s.next_in = j->in.data;
    s.avail_in = (unsigned)j->in.len;
    j->bad = inflate(j, &s) < 0;
    BZ2_bzDecompressEnd(&s);
    j->in.len = len;
    if (!j->bad)
        bl_buf_free(&j->in);
}

static void free_job(struct job *j)
{
    if (!j)
        return;
    bl_buf_free(&j->in);
    bl_buf_free(&j->out);
    free(j);
}

/* ---- Finding blocks, in the thread that reads ---- */

static void make_table(struct bl_bunzip *z)
{
    for (unsigned k = 0; k < 8; k++) {
        z->candidate[block_magic >> (32 + k) & 0xff] = true;
        z->candidate[end_magic >> (32 + k) & 0xff] = true;
    }
}

/* 1, 0 at the end of the file, -1. */
static int more(struct bl_bunzip *z)
{
    ssize_t got;

    if (z->ended)
        return 0;
    bl_buf_reserve(&z->buf, READ);
    got = z->in(z->arg, z->buf.data + z->buf.len, READ, &z->err);
    if (got < 0)
        return -1;
    z->buf.len += (size_t)got;
    z->ended = got == 0;
    return got > 0;
}

/* Has n bits from the position on, and 8 bytes more for loads; at the end
 * of the file zeros are put behind it.  0 when there are not so many. */
static int want(struct bl_bunzip *z, uint64_t n)
{
    int rc = 1;

    while (z->bit + n + 64 > (uint64_t)z->buf.len * 8 && rc > 0)
        rc = more(z);
    if (rc < 0)
        return -1;
    if (z->bit + n > (uint64_t)z->buf.len * 8)
        return 0;
    bl_buf_reserve(&z->buf, 8);
    memset(z->buf.data + z->buf.len, 0, 8);
    return 1;
}

static void drop_read(struct bl_bunzip *z)
{
    size_t n = (size_t)(z->bit / 8);

    memmove(z->buf.data, z->buf.data + n, z->buf.len - n);
    z->buf.len -= n;
    z->base += n;
    z->bit %= 8;
}

static bool is_mark(uint64_t v)
{
    return v == block_magic || v == end_magic;
}

/* The mark that begins in the byte before i. */
static bool mark_in(const struct bl_bunzip *z, size_t i, uint64_t *bit)
{
    uint64_t v = be64(z->buf.data + i - 1);

    for (unsigned k = 0; k < 8; k++) {
        if (is_mark(v >> (16 - k) & mask48)) {
            *bit = (uint64_t)(i - 1) * 8 + k;
            return true;
        }
    }
    return false;
}

/* The first mark behind the position: 1, 0 when the file ends first, -1. */
static int find_mark(struct bl_bunzip *z, uint64_t *bit)
{
    size_t i = (size_t)(z->bit / 8) + 7;

    for (;;) {
        int rc;

        for (; i + 7 < z->buf.len; i++)
            if (z->candidate[(unsigned char)z->buf.data[i]]
                && mark_in(z, i, bit))
                return 1;
        if (z->buf.len > MAX_BLOCK)
            return bl_fail(&z->err, BL_DATA, "'%s' is damaged at byte %llu: a "
                                             "bzip2 block without an "
                                             "end", z->name,
                           (unsigned long long)z->base);
        rc = more(z);
        if (rc < 0)
            return -1;
        if (rc == 0)
            break;
    }
    /* The last mark may lie closer to the end than a load. */
    bl_buf_reserve(&z->buf, 8);
    memset(z->buf.data + z->buf.len, 0, 8);
    for (; i + 5 <= z->buf.len; i++)
        if (mark_in(z, i, bit) && *bit + 48 <= (uint64_t)z->buf.len * 8)
            return 1;
    return 0;
}

/* The bits from the position to `end`, behind a header of their own. */
static struct job *cut_block(struct bl_bunzip *z, uint64_t end)
{
    struct job *j = BL_NEW(struct job);
    unsigned shift = (unsigned)(z->bit % 8);
    const unsigned char *p =
        (const unsigned char *)z->buf.data + z->bit / 8;
    size_t n = (size_t)((end - z->bit + 7) / 8);
    char *out;

    j->bits = end - z->bit;
    j->at = z->base + z->bit / 8;
    j->sum = (uint32_t)bits_at(&z->buf, z->bit + 48, 32);
    bl_buf_reserve(&j->in, HEADER + n + TRAILER);
    memcpy(j->in.data, "BZh", 3);
    j->in.data[3] = z->level;
    out = j->in.data + HEADER;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(p[i] << shift | p[i + 1] >> (8 - shift));
    if (j->bits % 8)            /* the rest of the last byte is zero */
        out[n - 1] = (char)(out[n - 1] & (0xff00 >> (j->bits % 8)));
    j->in.len = HEADER + n;
    return j;
}

/* "BZh9": 1, 0 at the end of the file (or of what is bzip2 in it). */
static int read_header(struct bl_bunzip *z)
{
    const char *p;
    int rc = want(z, 32);

    if (rc <= 0)
        return rc;
    p = z->buf.data + z->bit / 8;
    if (memcmp(p, "BZh", 3) || p[3] < '1' || p[3] > '9')
        return 0;
    z->level = p[3];
    z->bit += 32;
    return 1;
}

static int fail_mark(struct bl_bunzip *z)
{
    return bl_fail(&z->err, BL_DATA, "'%s' is damaged at byte %llu: no bzip2 "
                                     "block starts there", z->name,
                   (unsigned long long)(z->base + z->bit / 8));
}

/* The end of a stream: its sum, then the next byte. */
static int read_end(struct bl_bunzip *z)
{
    struct job *j = BL_NEW(struct job);

    j->end = true;
    j->at = z->base + z->bit / 8;
    j->sum = (uint32_t)bits_at(&z->buf, z->bit + 48, 32);
    z->bit += 80;
    z->bit += (8 - z->bit % 8) % 8;
    if (bl_crew_lane_put(z->lane, j))
        return 1;
    free_job(j);
    return 0;
}

/* One stream: 1, 0 when the file ends (or nobody wants more), -1. */
static int read_stream(struct bl_bunzip *z)
{
    int rc = read_header(z);

    while (rc > 0 && (rc = want(z, 80)) > 0) {
        uint64_t v = bits_at(&z->buf, z->bit, 48), end;
        struct job *j;

        if (v == end_magic)
            return read_end(z);
        if (v != block_magic)
            return fail_mark(z);
        rc = find_mark(z, &end);
        if (rc <= 0)
            break;
        j = cut_block(z, end);
        z->bit = end;
        drop_read(z);
        if (!bl_crew_lane_put(z->lane, j)) {
            free_job(j);
            rc = 0;
        }
    }
    return rc;
}

static void *read_streams(void *arg)
{
    struct bl_bunzip *z = arg;
    int rc;

    do
        rc = read_stream(z);
    while (rc > 0);
    z->failed = rc < 0;
    bl_crew_lane_end(z->lane);
    return NULL;
}

struct bl_bunzip *bl_bunzip_open(ssize_t (*in)(void *arg, void *p, size_t n,
                                               struct bl_err *err),
                                 void *arg, const char *name,
                                 struct bl_crew *pool, struct bl_err *err)
{
    struct bl_bunzip *z = BL_NEW(struct bl_bunzip);

    z->in = in;
    z->arg = arg;
    z->name = name;
    make_table(z);
    z->lane = bl_crew_lane_new(pool, 2 * bl_crew_threads(pool) + 1, decode);
    z->started = pthread_create(&z->thread, NULL, read_streams, z) == 0;
    if (!z->started) {
        bl_fail(err, BL_SYSTEM, "cannot start a thread to read '%s'", name);
        bl_crew_lane_end(z->lane);
        bl_bunzip_close(z);
        return NULL;
    }
    return z;
}

/* ---- Giving out, in the caller's thread ---- */

static int fail_block(const struct bl_bunzip *z, const struct job *j,
                      struct bl_err *err)
{
    return bl_fail(err, BL_DATA, "'%s' is damaged at byte %llu: %s", z->name,
                   (unsigned long long)j->at, j->end
                   ? "the checksum of a bzip2 stream is wrong"
                   : "a bzip2 block cannot be decoded");
}

/* The bits of a mark may also stand in the midst of a block, once in 2^48
 * places: what was cut there belongs together. */
static int join_next(struct bl_bunzip *z, struct job *j)
{
    struct job *next = bl_crew_lane_take(z->lane);
    uint64_t bit = HEADER * 8 + j->bits;

    if (!next || next->end || !next->bad) {
        free_job(next);
        return -1;
    }
    j->in.len = (size_t)((bit + 7) / 8);
    for (uint64_t i = 0; i < next->bits; i++) {
        size_t at = HEADER + (size_t)(i / 8);

        put_bits(&j->in, &bit,
                 (unsigned char)next->in.data[at] >> (7 - i % 8) & 1, 1);
    }
    j->bits += next->bits;
    free_job(next);
    bl_buf_clear(&j->out);
    decode(j);
    return j->bad ? -1 : 0;
}

/* What the job says of the stream: 1 with output, 0 none, -1. */
static int look(struct bl_bunzip *z, struct job *j, struct bl_err *err)
{
    if (j->end) {
        bool good = j->sum == z->sum;

        z->sum = 0;
        return good ? 0 : fail_block(z, j, err);
    }
    if (j->bad && join_next(z, j) < 0)
        return fail_block(z, j, err);
    z->sum = (z->sum << 1 | z->sum >> 31) ^ j->sum;
    return 1;
}

int bl_bunzip_next(struct bl_bunzip *z, struct bl_span *piece,
                   struct bl_err *err)
{
    int rc = 0;

    while (rc == 0) {
        free_job(z->last);
        z->last = bl_crew_lane_take(z->lane);
        if (!z->last) {
            if (z->failed)
                *err = z->err;
            return z->failed ? -1 : 0;
        }
        rc = look(z, z->last, err);
    }
    *piece = (struct bl_span){ z->last->out.data, z->last->out.len };
    return rc;
}

void bl_bunzip_close(struct bl_bunzip *z)
{
    struct job *j;

    if (!z)
        return;
    bl_crew_lane_stop(z->lane);
    while ((j = bl_crew_lane_take(z->lane)))
        free_job(j);
    if (z->started)
        pthread_join(z->thread, NULL);
    free_job(z->last);
    bl_crew_lane_free(z->lane);
    bl_buf_free(&z->buf);
    free(z);
}

#endif
