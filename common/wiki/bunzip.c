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

struct bl_bunzip *bl_bunzip_open(ssize_t (*in)(void *arg, void *data,
                                               size_t size,
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

int bl_bunzip_next(struct bl_bunzip *bunzip, struct bl_span *piece,
                   struct bl_err *err)
{
    (void)bunzip;
    (void)piece;
    (void)err;
    return 0;
}

void bl_bunzip_close(struct bl_bunzip *bunzip)
{
    (void)bunzip;
}

#else

#include <bzlib.h>

/* The 48 bits that begin a block (pi) and the end of a stream (its root). */
static const uint64_t block_magic = 0x314159265359;
static const uint64_t end_magic = 0x177245385090;
static const uint64_t mask48 = 0xffffffffffff;

enum {
    READ = 1 << 18,             /* bytes asked for at once */
    MAX_BLOCK = 3 << 20,        /* bytes; 900,000 symbols of 20 bits */
    HEADER = 4,                 /* "BZh9" */
    TRAILER = 11,               /* end mark, sum, and a part of a byte */
    ALL_OUT = 48 << 20          /* bytes a block decodes to: of 900,000 before
                                 * the last step, 5 make 255 at the most */
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

static uint64_t be64(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    uint64_t value = 0;

    for (size_t i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* n_bits <= 48 bits at a bit position; 8 bytes must be there. */
static uint64_t bits_at(const struct bl_buf *buf, uint64_t bit,
                        unsigned n_bits)
{
    uint64_t word = be64(buf->data + bit / 8);

    return word << (bit % 8) >> (64 - n_bits);
}

/* Appends bits at *bit, which is the end of buf. */
static void put_bits(struct bl_buf *buf, uint64_t *bit, uint64_t value,
                     unsigned n_bits)
{
    while (n_bits-- > 0) {
        if (*bit % 8 == 0)
            bl_buf_putc(buf, 0);
        if (value >> n_bits & 1)
            buf->data[*bit / 8] = (char)(buf->data[*bit / 8] |
                                         0x80 >> (*bit % 8));
        ++*bit;
    }
}

/* ---- Decoding, in the threads of the pool ---- */

/* Decodes the stream whole.  It fails when input runs out before the stream's
 * end, and at ALL_OUT bytes, so that a crafted file cannot fill the memory. */
static int inflate(struct job *job, bz_stream *stream)
{
    int rc;

    do {
        if (job->out.cap - job->out.len < 1 << 16)
            bl_buf_reserve(&job->out, job->out.len ? job->out.len : 1 << 20);
        stream->next_out = job->out.data + job->out.len;
        stream->avail_out = (unsigned)(job->out.cap - job->out.len);
        rc = BZ2_bzDecompress(stream);
        job->out.len = (size_t)(stream->next_out - job->out.data);
        if (job->out.len > ALL_OUT || (rc == BZ_OK && stream->avail_in == 0
                                       && stream->avail_out > 0))
            return -1;
    } while (rc == BZ_OK);
    return rc == BZ_STREAM_END ? 0 : -1;
}

/* Makes a stream of the block, as libbz2 takes nothing less: behind it go the
 * end mark and the sum of a stream, which with one block is the block's own,
 * and which libbz2 compares.  If decoding fails the input is kept, because
 * join_next() may need it. */
static void decode(void *arg)
{
    struct job *job = arg;
    bz_stream stream = { 0 };
    uint64_t bit = HEADER * 8 + job->bits;
    size_t len = job->in.len;

    if (job->end)
        return;
    job->in.len = (size_t)((bit + 7) / 8);
    put_bits(&job->in, &bit, end_magic, 48);
    put_bits(&job->in, &bit, job->sum, 32);
    job->bad = BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK;
    if (job->bad)
        bl_oom(0);
    stream.next_in = job->in.data;
    stream.avail_in = (unsigned)job->in.len;
    job->bad = inflate(job, &stream) < 0;
    BZ2_bzDecompressEnd(&stream);
    job->in.len = len;
    if (!job->bad)
        bl_buf_free(&job->in);
}

static void free_job(struct job *job)
{
    if (!job)
        return;
    bl_buf_free(&job->in);
    bl_buf_free(&job->out);
    free(job);
}

/* ---- Finding blocks, in the thread that reads ---- */

/* A mark can begin at any bit.  The byte after the one in which it begins is
 * all of the mark, so it has one of at most 16 values; find_mark() looks
 * closer only there. */
static void make_table(struct bl_bunzip *bunzip)
{
    for (unsigned shift = 0; shift < 8; shift++) {
        bunzip->candidate[block_magic >> (32 + shift) & 0xff] = true;
        bunzip->candidate[end_magic >> (32 + shift) & 0xff] = true;
    }
}

/* Reads on: 1, 0 at the end of the file, -1. */
static int more(struct bl_bunzip *bunzip)
{
    ssize_t got;

    if (bunzip->ended)
        return 0;
    bl_buf_reserve(&bunzip->buf, READ);
    got = bunzip->in(bunzip->arg, bunzip->buf.data + bunzip->buf.len, READ,
                     &bunzip->err);
    if (got < 0)
        return -1;
    bunzip->buf.len += (size_t)got;
    bunzip->ended = got == 0;
    return got > 0;
}

/* Makes sure that n_bits are in the buffer from the position on, and 8 bytes
 * behind them, as bits_at() loads so many; at the end of the file they are
 * zeros. 1, 0 when the file has not so many bits, -1. */
static int want(struct bl_bunzip *bunzip, uint64_t n_bits)
{
    int rc = 1;

    while (bunzip->bit + n_bits + 64 > (uint64_t)bunzip->buf.len * 8 && rc > 0)
        rc = more(bunzip);
    if (rc < 0)
        return -1;
    if (bunzip->bit + n_bits > (uint64_t)bunzip->buf.len * 8)
        return 0;
    bl_buf_reserve(&bunzip->buf, 8);
    memset(bunzip->buf.data + bunzip->buf.len, 0, 8);
    return 1;
}

static void drop_read(struct bl_bunzip *bunzip)
{
    size_t whole = (size_t)(bunzip->bit / 8);

    memmove(bunzip->buf.data, bunzip->buf.data + whole,
            bunzip->buf.len - whole);
    bunzip->buf.len -= whole;
    bunzip->base += whole;
    bunzip->bit %= 8;
}

static bool is_mark(uint64_t bits)
{
    return bits == block_magic || bits == end_magic;
}

/* Whether a mark begins in the byte before `at`; its bit in *bit. */
static bool mark_in(const struct bl_bunzip *bunzip, size_t at, uint64_t *bit)
{
    uint64_t bits = be64(bunzip->buf.data + at - 1);

    for (unsigned shift = 0; shift < 8; shift++) {
        if (is_mark(bits >> (16 - shift) & mask48)) {
            *bit = (uint64_t)(at - 1) * 8 + shift;
            return true;
        }
    }
    return false;
}

/* The first mark behind the position: 1, 0 when the file ends first, -1. */
static int find_mark(struct bl_bunzip *bunzip, uint64_t *bit)
{
    size_t at = (size_t)(bunzip->bit / 8) + 7;

    for (;;) {
        int rc;

        for (; at + 7 < bunzip->buf.len; at++)
            if (bunzip->candidate[(unsigned char)bunzip->buf.data[at]]
                && mark_in(bunzip, at, bit))
                return 1;
        if (bunzip->buf.len > MAX_BLOCK)
            return bl_fail(&bunzip->err, BL_DATA, "'%s' is damaged at byte "
                           "%llu: a bzip2 block without an end",
                           bunzip->name, (unsigned long long)bunzip->base);
        rc = more(bunzip);
        if (rc < 0)
            return -1;
        if (rc == 0)
            break;
    }
    /* The last mark may lie closer to the end than a load. */
    bl_buf_reserve(&bunzip->buf, 8);
    memset(bunzip->buf.data + bunzip->buf.len, 0, 8);
    for (; at + 5 <= bunzip->buf.len; at++)
        if (mark_in(bunzip, at, bit)
            && *bit + 48 <= (uint64_t)bunzip->buf.len * 8)
            return 1;
    return 0;
}

/* Takes the bits from the position to `end` out as a job, moved to start at a
 * byte and behind a header of their own. */
static struct job *cut_block(struct bl_bunzip *bunzip, uint64_t end)
{
    struct job *job = BL_NEW(struct job);
    unsigned shift = (unsigned)(bunzip->bit % 8);
    const unsigned char *from =
        (const unsigned char *)bunzip->buf.data + bunzip->bit / 8;
    size_t n_bytes = (size_t)((end - bunzip->bit + 7) / 8);
    char *out;

    job->bits = end - bunzip->bit;
    job->at = bunzip->base + bunzip->bit / 8;
    job->sum = (uint32_t)bits_at(&bunzip->buf, bunzip->bit + 48, 32);
    bl_buf_reserve(&job->in, HEADER + n_bytes + TRAILER);
    memcpy(job->in.data, "BZh", 3);
    job->in.data[3] = bunzip->level;
    out = job->in.data + HEADER;
    for (size_t i = 0; i < n_bytes; i++)
        out[i] = (char)(from[i] << shift | from[i + 1] >> (8 - shift));
    if (job->bits % 8)          /* put_bits() goes on in a byte with zeros */
        out[n_bytes - 1] = (char)(out[n_bytes - 1]
                                  & (0xff00 >> (job->bits % 8)));
    job->in.len = HEADER + n_bytes;
    return job;
}

/* Reads "BZh9": 1, 0 at the end of the file, and also where something else
 * follows a stream, which bzip2(1) ignores as well. */
static int read_header(struct bl_bunzip *bunzip)
{
    const char *from;
    int rc = want(bunzip, 32);

    if (rc <= 0)
        return rc;
    from = bunzip->buf.data + bunzip->bit / 8;
    if (memcmp(from, "BZh", 3) || from[3] < '1' || from[3] > '9')
        return 0;
    bunzip->level = from[3];
    bunzip->bit += 32;
    return 1;
}

static int fail_mark(struct bl_bunzip *bunzip)
{
    return bl_fail(&bunzip->err, BL_DATA, "'%s' is damaged at byte %llu: no "
                   "bzip2 block starts there", bunzip->name,
                   (unsigned long long)(bunzip->base + bunzip->bit / 8));
}

/* Puts the sum of a stream into the lane, where it comes out behind its
 * blocks.  The next stream begins at the next whole byte. */
static int read_end(struct bl_bunzip *bunzip)
{
    struct job *job = BL_NEW(struct job);

    job->end = true;
    job->at = bunzip->base + bunzip->bit / 8;
    job->sum = (uint32_t)bits_at(&bunzip->buf, bunzip->bit + 48, 32);
    bunzip->bit += 80;
    bunzip->bit += (8 - bunzip->bit % 8) % 8;
    if (bl_crew_lane_put(bunzip->lane, job))
        return 1;
    free_job(job);
    return 0;
}

/* One stream: 1, 0 when the file ends (or nobody wants more), -1. */
static int read_stream(struct bl_bunzip *bunzip)
{
    int rc = read_header(bunzip);

    while (rc > 0 && (rc = want(bunzip, 80)) > 0) {
        uint64_t mark = bits_at(&bunzip->buf, bunzip->bit, 48), end;
        struct job *job;

        if (mark == end_magic)
            return read_end(bunzip);
        if (mark != block_magic)
            return fail_mark(bunzip);
        rc = find_mark(bunzip, &end);
        if (rc <= 0)
            break;
        job = cut_block(bunzip, end);
        bunzip->bit = end;
        drop_read(bunzip);
        if (!bl_crew_lane_put(bunzip->lane, job)) {
            free_job(job);
            rc = 0;
        }
    }
    return rc;
}

static void *read_streams(void *arg)
{
    struct bl_bunzip *bunzip = arg;
    int rc;

    do
        rc = read_stream(bunzip);
    while (rc > 0);
    bunzip->failed = rc < 0;
    bl_crew_lane_end(bunzip->lane);
    return NULL;
}

struct bl_bunzip *bl_bunzip_open(ssize_t (*in)(void *arg, void *data,
                                               size_t size,
                                               struct bl_err *err),
                                 void *arg, const char *name,
                                 struct bl_crew *pool, struct bl_err *err)
{
    struct bl_bunzip *bunzip = BL_NEW(struct bl_bunzip);

    bunzip->in = in;
    bunzip->arg = arg;
    bunzip->name = name;
    make_table(bunzip);
    bunzip->lane = bl_crew_lane_new(pool, 2 * bl_crew_threads(pool) + 1,
                                    decode);
    bunzip->started =
        pthread_create(&bunzip->thread, NULL, read_streams, bunzip) == 0;
    if (!bunzip->started) {
        bl_fail(err, BL_SYSTEM, "cannot start a thread to read '%s'", name);
        bl_crew_lane_end(bunzip->lane);
        bl_bunzip_close(bunzip);
        return NULL;
    }
    return bunzip;
}

/* ---- Giving out, in the caller's thread ---- */

static int fail_block(const struct bl_bunzip *bunzip, const struct job *job,
                      struct bl_err *err)
{
    return bl_fail(err, BL_DATA, "'%s' is damaged at byte %llu: %s",
                   bunzip->name, (unsigned long long)job->at,
                   job->end ? "the checksum of a bzip2 stream is wrong"
                            : "a bzip2 block cannot be decoded");
}

/* The bits of a mark may also be in the middle of a block, by chance at one of
 * 2^48 places.  Then the block was cut in two there and neither part can be
 * decoded: they are joined and tried again. */
static int join_next(struct bl_bunzip *bunzip, struct job *job)
{
    struct job *next = bl_crew_lane_take(bunzip->lane);
    uint64_t bit = HEADER * 8 + job->bits;

    if (!next || next->end || !next->bad) {
        free_job(next);
        return -1;
    }
    job->in.len = (size_t)((bit + 7) / 8);
    for (uint64_t i = 0; i < next->bits; i++) {
        size_t at = HEADER + (size_t)(i / 8);

        put_bits(&job->in, &bit,
                 (unsigned char)next->in.data[at] >> (7 - i % 8) & 1, 1);
    }
    job->bits += next->bits;
    free_job(next);
    bl_buf_clear(&job->out);
    decode(job);
    return job->bad ? -1 : 0;
}

/* Takes one job of the lane: 1 with output, 0 without, -1.  The sum of a
 * stream is that of its blocks, each rotated in by one bit. */
static int look(struct bl_bunzip *bunzip, struct job *job, struct bl_err *err)
{
    if (job->end) {
        bool good = job->sum == bunzip->sum;

        bunzip->sum = 0;
        return good ? 0 : fail_block(bunzip, job, err);
    }
    if (job->bad && join_next(bunzip, job) < 0)
        return fail_block(bunzip, job, err);
    bunzip->sum = (bunzip->sum << 1 | bunzip->sum >> 31) ^ job->sum;
    return 1;
}

int bl_bunzip_next(struct bl_bunzip *bunzip, struct bl_span *piece,
                   struct bl_err *err)
{
    int rc = 0;

    while (rc == 0) {
        free_job(bunzip->last);
        bunzip->last = bl_crew_lane_take(bunzip->lane);
        if (!bunzip->last) {
            if (bunzip->failed)
                *err = bunzip->err;
            return bunzip->failed ? -1 : 0;
        }
        rc = look(bunzip, bunzip->last, err);
    }
    *piece = (struct bl_span){ bunzip->last->out.data, bunzip->last->out.len };
    return rc;
}

void bl_bunzip_close(struct bl_bunzip *bunzip)
{
    struct job *job;

    if (!bunzip)
        return;
    bl_crew_lane_stop(bunzip->lane);
    while ((job = bl_crew_lane_take(bunzip->lane)))
        free_job(job);
    if (bunzip->started)
        pthread_join(bunzip->thread, NULL);
    free_job(bunzip->last);
    bl_crew_lane_free(bunzip->lane);
    bl_buf_free(&bunzip->buf);
    free(bunzip);
}

#endif
