/* SPDX-License-Identifier: MIT */
/* fuzz-bunzip: any bytes as a .bz2, against libbz2 reading it from end to
 * end.  What libbz2 finds whole comes out the same, and what comes out
 * without an error is what libbz2 begins with.  Byte 0 chooses the size of
 * the pieces in which the file is read. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "wiki/bunzip.h"

#ifdef HAVE_BZ2
#include <bzlib.h>
#endif

enum { MOST = 16 << 20, PIECE = 1 << 16 };  /* bytes of output looked at */

#ifdef HAVE_BZ2

struct source {
    const uint8_t *p;
    size_t n, piece;
};

static ssize_t take(void *arg, void *p, size_t n, struct bl_err *err)
{
    struct source *s = arg;

    (void)err;
    if (n > s->piece)
        n = s->piece;
    if (n > s->n)
        n = s->n;
    if (n)
        memcpy(p, s->p, n);
    s->p += n;
    s->n -= n;
    return (ssize_t)n;
}

/* One stream at the start of s; its bytes are taken from s. */
static int slow_stream(struct source *s, struct bl_buf *out)
{
    bz_stream z = { 0 };
    int rc;

    CHECK(BZ2_bzDecompressInit(&z, 0, 0) == BZ_OK);
    z.next_in = (char *)(uintptr_t)s->p;
    z.avail_in = (unsigned)s->n;
    do {
        bl_buf_reserve(out, PIECE);
        z.next_out = out->data + out->len;
        z.avail_out = PIECE;
        rc = BZ2_bzDecompress(&z);
        out->len = (size_t)(z.next_out - out->data);
    } while (rc == BZ_OK && (z.avail_in || !z.avail_out) && out->len < MOST);
    s->p += s->n - z.avail_in;
    s->n = z.avail_in;
    BZ2_bzDecompressEnd(&z);
    return rc;
}

/* True when the file is whole. */
static bool slow_read(struct source s, struct bl_buf *out)
{
    int rc = BZ_STREAM_END;

    while (rc == BZ_STREAM_END && s.n >= 4 && !memcmp(s.p, "BZh", 3)
           && s.p[3] >= '1' && s.p[3] <= '9')
        rc = slow_stream(&s, out);
    return rc == BZ_STREAM_END;
}

static void compare(struct source s, const struct bl_buf *want, bool whole)
{
    struct bl_crew *crew = bl_crew_new(1);
    struct bl_err err = { .code = BL_OK };
    struct bl_bunzip *z = bl_bunzip_open(take, &s, "x", crew, &err);
    struct bl_span piece;
    size_t at = 0;
    int rc;

    CHECK(z);
    while ((rc = bl_bunzip_next(z, &piece, &err)) == 1) {
        CHECK(piece.n <= want->len - at);
        CHECK(!piece.n || !memcmp(piece.p, want->data + at, piece.n));
        at += piece.n;
    }
    CHECK(rc == 0 || err.code == BL_DATA);
    if (whole)
        CHECK(rc == 0 && at == want->len);
    bl_bunzip_close(z);
    bl_crew_free(crew);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_buf want = BL_BUF_INIT;
    struct source s;
    bool whole;

    if (size < 1)
        return 0;
    s = (struct source){ data + 1, size - 1, data[0] * 8u + 1 };
    whole = slow_read(s, &want);
    if (want.len < MOST)
        compare(s, &want, whole);
    bl_buf_free(&want);
    return 0;
}

#else

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    return 0;
}

#endif
