/* SPDX-License-Identifier: MIT */
/* The index file: what is written reads back; each way in which a file can
 * be wrong is refused with its own sentence, and the same file without that
 * fault is accepted. */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "search/index-file.h"
#include "tap.h"
#include "tensor/half.h"

enum { DIM = 20, N = 5, KB = 9 };

static char folder[] = "/tmp/test-index-XXXXXX", *path;
static float vectors[N][DIM];
static unsigned char *bytes;    /* the good file */
static size_t size;

static void put_file(const unsigned char *p, size_t n)
{
    FILE *f = fopen(path, "wb");

    if (!f || fwrite(p, 1, n, f) != n || fclose(f)) {
        puts("Bail out! cannot write");
        exit(99);
    }
}

static void make(enum bl_dtype dtype)
{
    struct bl_index_spec spec = { dtype, DIM, "0123456789abcdefXYZ",
                                  "fedcba9876543210", KB, N, NULL };
    struct bl_err err;
    struct bl_index_writer *w = bl_index_create(path, &spec, &err);
    struct bl_map m;
    bool good = w != NULL;

    for (size_t i = 0; good && i < N; i++)
        good = !bl_index_add(w, KB - 1 - i, vectors[i], &err);
    ok(good && bl_index_added(w) == N && bl_index_missing(w) == 0,
       "added %d as %s", N, bl_dtype_name(dtype));
    ok(good && !bl_index_commit(w, &err), "committed");
    if (bl_map_open(&m, path, &err) < 0)
        exit(99);
    free(bytes);
    size = m.size;
    bytes = bl_xmemdup(m.data, size);
    bl_map_close(&m);
}

static void reads_back(enum bl_dtype dtype, float tolerance)
{
    struct bl_index x;
    struct bl_err err = { .msg = "" };
    float v[64];
    bool good = true;

    make(dtype);
    ok(!bl_index_open(&x, path, &err) && !bl_index_verify(&x, &err),
       "opens and verifies %s", err.msg);
    ok(x.n == N && x.dim == DIM && x.dtype == dtype && x.n_segments == 1
       && x.kb_entities == KB && !strcmp(x.model, "0123456789abcdefXYZ")
       && !strcmp(x.kb, "fedcba9876543210"), "its header");
    for (size_t i = 0; i < N; i++) {
        bl_index_decode(&x, &x.segments[0], i, 1, v);
        good &= x.segments[0].rows[i] == KB - 1 - i;
        good &= (uintptr_t)(x.segments[0].vectors + i * x.stride) % 64 == 0;
        for (size_t j = 0; j < x.padded; j++) {
            float d = v[j] - (j < DIM ? vectors[i][j] : 0);

            good &= d <= tolerance && d >= -tolerance;
        }
    }
    ok(good, "its vectors");
    ok(!bl_index_check_kb(&x, "fedcba9876543210", KB, "k.kb", &err),
       "its catalogue is accepted");
    ok(bl_index_check_kb(&x, "fedcba9876543210", 8, "k.kb", &err) < 0
       && err.code == BL_DATA
       && strstr(err.msg, "': made for a catalogue of 9 entities, but 'k.kb' "
                 "has 8"), "another count is refused");
    ok(bl_index_check_kb(&x, "0edcba9876543210", KB, "k.kb", &err) < 0
       && strstr(err.msg, "': made for catalogue fedcba9876543210, but 'k.kb' "
                 "is 0edcba9876543210"), "another catalogue is refused");
    bl_index_close(&x);
}

/* Opens what bytes hold now; "" when it opens, else what comes after the
 * path.  verify: reads it all too. */
static const char *opens(const unsigned char *p, size_t n, bool verify)
{
    static struct bl_err err;
    struct bl_index x;

    put_file(p, n);
    if (bl_index_open(&x, path, &err) < 0)
        return err.code == BL_DATA ? err.msg + strlen(path) + 2 : "?";
    int rc = verify ? bl_index_verify(&x, &err) : 0;
    bl_index_close(&x);
    return rc < 0 ? err.msg + strlen(path) + 2 : "";
}

static void seal(unsigned char *p)
{
    struct bl_sha256 s;
    unsigned char *e = p + AT_TABLE;
    uint64_t from = get64(e), to = get64(e + AT_END);

    if (to <= size && from <= to) {
        bl_sha256_init(&s);
        bl_sha256_add(&s, p + from, (size_t)(to - from));
        bl_sha256_end(&s, e + AT_SEGMENT_SUM);
    }
    bl_sha256_header(p, BL_INDEX_HEADER, AT_SUM, p + AT_SUM);
}

/* One field of the header changed and the sums made right again. */
static void refuses(size_t at, size_t width, uint64_t value,
                    const char *says)
{
    unsigned char *p = bl_xmemdup(bytes, size);

    for (size_t i = 0; i < width; i++)
        p[at + i] = (unsigned char)(value >> 8 * i);
    seal(p);
    is_str(opens(p, size, false), says, says);
    free(p);
}

static void bad_headers(void)
{
    unsigned char *p;

    make(BL_DTYPE_F32);         /* 4096 + 5 * 128 + 64 = 4800 bytes */
    p = bl_xmemdup(bytes, size);
    seal(p);
    ok(!memcmp(p, bytes, size) && size == 4800, "sealing is what was done");
    is_str(opens(p, size, true), "", "the good twin");
    free(p);

    refuses(0, 3, 0x8a0280, ": a torch.save file, not a blink index; "
            "blink-index import makes an index from it");
    refuses(0, 1, 'X', ": not a blink index (offset 0: other magic bytes)");
    refuses(AT_VERSION, 4, 0, ": offset 8: format version 0, expected 1 or "
            "2");
    refuses(AT_VERSION, 4, 4, ": offset 8: format version 4, expected 1 or "
            "2");
    refuses(AT_VERSION, 4, 3, ": the changes of an index, which are used "
            "with it; name the index itself");
    refuses(AT_VERSION, 4, 2, ": offset 20: number type 1, expected 4 or 5");
    refuses(AT_BYTE_ORDER, 4, 0x0d0c0b0a, ": offset 12: written in "
            "big-endian byte order, expected little-endian");
    refuses(63, 1, 1, ": offset 60: reserved bytes that are not zero");
    refuses(224, 1, 1, ": offset 224: reserved bytes that are not zero");
    refuses(AT_TABLE + 63, 1, 1, ": offset 312: reserved bytes that are not "
            "zero");
    refuses(AT_TABLE + 127, 1, 1, ": offset 352: reserved bytes that are not "
            "zero");
    refuses(4095, 1, 1, ": offset 384: reserved bytes that are not zero");
    refuses(AT_BYTE_ORDER, 4, 7, ": offset 12: no byte order mark");
    refuses(AT_HEADER, 4, 64, ": offset 16: header of 64 bytes, expected "
            "4096");
    refuses(AT_DTYPE, 4, 4, ": offset 20: number type 4, expected 1, 2 or 3");
    refuses(AT_DTYPE, 4, 0, ": offset 20: number type 0, expected 1, 2 or 3");
    refuses(AT_DIM, 4, 0, ": offset 24: dimension 0, expected 1 to 65536");
    refuses(AT_DIM, 4, 0x80000001u,
            ": offset 24: dimension 2147483649, expected 1 to 65536");
    refuses(AT_STRIDE, 4, 80, ": offset 28: 80 bytes a vector, expected 128");
    refuses(AT_N, 8, 10, ": offset 32: 10 vectors for 9 entities");
    refuses(AT_N, 8, 6, ": offset 32: 6 vectors, but the segments hold 5");
    refuses(AT_ENTITIES, 8, (uint64_t)1 << 32,
            ": offset 32: 5 vectors for 4294967296 entities");
    refuses(AT_SIZE, 8, 4801, ": truncated: 4800 bytes, but the header says "
            "4801");
    refuses(AT_SIZE, 8, 4799, ": bytes at the end: 4800 bytes, but the "
            "header says 4799");
    refuses(AT_SEGMENTS, 4, 31, ": offset 56: 31 segments, expected at most "
            "30");
    refuses(AT_SEGMENTS, 4, 0, ": 4800 bytes, but its segments end at 4096");
    refuses(AT_MODEL, 1, 0, ": offset 64: no valid fingerprints");
    refuses(AT_KB + 2, 1, '\n', ": offset 64: no valid fingerprints");
    refuses(AT_TABLE + AT_COUNT, 8, (uint64_t)1 << 57, ": segment 0: "
            "144115188075855872 vectors of 128 bytes do not fit in 4800 "
            "bytes");
    refuses(AT_TABLE + AT_COUNT, 8, 4, ": segment 0: offsets do not follow "
            "from its 4 vectors");
    refuses(AT_TABLE + AT_ROWS, 8, 4096, ": segment 0: offsets do not follow "
            "from its 5 vectors");
}

static void bad_sizes(void)
{
    unsigned char *p = bl_xcalloc(size + 1, 1);
    size_t refused = 0;

    memcpy(p, bytes, size);
    is_str(opens(p, size + 1, false), ": bytes at the end: 4801 bytes, but "
           "the header says 4800", "one byte more");
    is_str(opens(p, 7, false), ": truncated: 7 bytes, but the header takes "
           "4096", "seven bytes");
    for (size_t n = 1; n < size; n += 13)
        refused += *opens(p, n, false) != '\0';
    ok(refused == (size + 11) / 13, "every truncation is refused");
    p[5000 % 4096] ^= 1;
    is_str(opens(p, size, false), ": offset 192: wrong checksum: the header "
           "is damaged", "a bit of the header");
    free(p);
}

static void bad_payload(void)
{
    unsigned char *p = bl_xmemdup(bytes, size);

    p[4100] ^= 1;
    is_str(opens(p, size, false), "", "opening does not read the vectors");
    is_str(opens(p, size, true), ": segment 0 (offset 4096 to 4800): wrong "
           "checksum: damaged", "verifying does");
    memcpy(p, bytes, size);
    put32(p + 4096 + 2 * 128, 0x7fc00000);
    seal(p);
    is_str(opens(p, size, true), ": vector 2: a value is not finite", "NaN");
    memcpy(p, bytes, size);
    put32(p + 4096 + 3 * 128 - 4, 0x3f800000);
    seal(p);
    is_str(opens(p, size, true), ": vector 2: its padding is not zero",
           "padding");
    memcpy(p, bytes, size);
    put32(p + 4096 + 5 * 128 + 4, 9);
    seal(p);
    is_str(opens(p, size, true), ": vector 1: row 9 of a catalogue of 9 "
           "entities", "a row too large");
    put32(p + 4096 + 5 * 128 + 4, KB - 1);
    seal(p);
    is_str(opens(p, size, true), ": vector 1: row 8 comes twice",
           "a row twice");
    put32(p + 4096 + 5 * 128 + 4, BL_INDEX_REMOVED);
    seal(p);
    is_str(opens(p, size, true), ": 4 vectors, but the header says 5",
           "a removed vector that is counted");
    put64(p + AT_N, 4);
    seal(p);
    is_str(opens(p, size, true), "", "and one that is not");
    free(p);
}

/* 4096 + 5 * 128, rows to 4800, codes 5 * 64 to 5120, scales to 5184, what
 * was lost to 5248. */
enum { CODES = 4800, SCALES = 5120, LOST = 5184, END = 5248 };

/* f32 with codes: each field of the file, and what may be wrong with it. */
static void both_headers(void)
{
    unsigned char *p;

    make(BL_DTYPE_F32_INT8);
    p = bl_xmemdup(bytes, size);
    seal(p);
    ok(!memcmp(p, bytes, size) && size == END, "codes lie behind the rows");
    is_str(opens(p, size, true), "", "f32 with int8");
    free(p);
    refuses(AT_VERSION, 4, 1, ": offset 20: number type 4, expected 1, 2 or "
            "3");
    refuses(AT_DTYPE, 4, 3, ": offset 20: number type 3, expected 4 or 5");
    refuses(AT_DTYPE, 4, 6, ": offset 20: number type 6, expected 4 or 5");
    refuses(AT_DTYPE, 4, 5, ": offset 28: 128 bytes a vector, expected 64");
    refuses(AT_TABLE + AT_CODES, 8, 4096, ": segment 0: offsets do not "
            "follow from its 5 vectors");
    refuses(AT_TABLE + AT_SCALES, 8, LOST, ": segment 0: offsets do not "
            "follow from its 5 vectors");
    refuses(AT_TABLE + AT_LOST, 8, 0, ": segment 0: offsets do not follow "
            "from its 5 vectors");
    refuses(AT_TABLE + AT_COUNT, 8, 8, ": segment 0: offsets do not follow "
            "from its 8 vectors");
}

/* `width` bytes of the payload changed and the sums made right again. */
static void verify_refuses(size_t at, size_t width, uint32_t value,
                           const char *says)
{
    unsigned char *p = bl_xmemdup(bytes, size);

    for (size_t i = 0; i < width; i++)
        p[at + i] = (unsigned char)(value >> 8 * i);
    is_str(opens(p, size, true), ": segment 0 (offset 4096 to 5248): wrong "
           "checksum: damaged", "codes are summed up, too");
    seal(p);
    is_str(opens(p, size, true), says, says);
    free(p);
}

static void both_payload(void)
{
    size_t refused = 0;
    uint32_t lost;

    verify_refuses(SCALES + 4, 4, 0x7f800000,
                   ": vector 1: its scale is not finite");
    verify_refuses(CODES + 2 * 64 + DIM, 1, 1,
                   ": vector 2: the padding of its codes is not zero");
    verify_refuses(LOST + 4, 4, 0x7fc00000,
                   ": vector 1: its codes lost 0.0445421501, but the file "
                   "says nan");
    /* One float below what the codes lost is too little; above is not. */
    lost = get32(bytes + LOST);
    verify_refuses(LOST, 4, lost - 1, ": vector 0: its codes lost "
                   "0.0491731987, but the file says 0.0491731986");
    verify_refuses(LOST, 4, lost + 9, "");
    for (size_t n = 1; n < size; n += 13)
        refused += *opens(bytes, n, false) != '\0';
    ok(refused == (size + 11) / 13, "every truncation is refused");
}

/* The same vectors in two segments. */
static void two_segments(void)
{
    unsigned char *p = bl_xcalloc(size + 64, 1), *e = p + AT_TABLE;
    struct extent a = extent_of(4096, 2, BL_DTYPE_F32, DIM);
    struct extent b = extent_of(a.end, 3, BL_DTYPE_F32, DIM);
    struct extent *x[] = { &a, &b };

    memcpy(p, bytes, 4096);
    memcpy(p + a.vectors, vectors[0], 2 * sizeof *vectors);
    put32(p + a.rows + 4, 1);
    put32(p + b.rows, 2);
    put32(p + b.rows + 4, 3);
    put32(p + b.rows + 8, 4);
    for (size_t i = 0; i < 2; i++, e += ENTRY) {
        put64(e + AT_VECTORS, x[i]->vectors);
        put64(e + AT_COUNT, i ? 3 : 2);
        put64(e + AT_ROWS, x[i]->rows);
        put64(e + AT_END, x[i]->end);
        bl_sha256_of(p + x[i]->vectors,
                     (size_t)(x[i]->end - x[i]->vectors),
                     e + AT_SEGMENT_SUM);
    }
    put32(p + AT_SEGMENTS, 2);
    put64(p + AT_SIZE, b.end);
    ok(b.end == size + 64, "two segments take one table more");
    bl_sha256_header(p, BL_INDEX_HEADER, AT_SUM, p + AT_SUM);
    /* 20 floats a vector, not 32: the padding of the first is not zero. */
    is_str(opens(p, size + 64, true), ": vector 0: its padding is not zero",
           "padding in a file of two segments");
    memset(p + a.vectors, 0, 256);
    bl_sha256_of(p + a.vectors, (size_t)(a.end - a.vectors),
                 p + AT_TABLE + AT_SEGMENT_SUM);
    bl_sha256_header(p, BL_INDEX_HEADER, AT_SUM, p + AT_SUM);
    is_str(opens(p, size + 64, true), "", "two segments are read");
    free(p);
}

static void bad_input(void)
{
    struct bl_index_spec spec = { BL_DTYPE_F16, DIM, "m", "k", KB, N,
                                  NULL };
    struct bl_err err;
    struct bl_index_writer *w = bl_index_create(path, &spec, &err);
    float v[DIM] = { 0 };

    ok(bl_index_add(w, 9, v, &err) < 0, "a row outside the catalogue");
    is_str(err.msg, "row 9 of a catalogue of 9 entities", "is refused");
    ok(!bl_index_add(w, 8, v, &err), "a row");
    ok(bl_index_add(w, 8, v, &err) < 0, "the same again");
    is_str(err.msg, "row 8: a second vector for one entity", "is refused");
    v[3] = 65520;
    ok(bl_index_add(w, 7, v, &err) < 0, "a number above f16");
    is_str(err.msg, "row 7: value 3 is 65520, too large for f16",
           "is refused");
    v[3] = 65519;
    ok(!bl_index_add(w, 7, v, &err), "the largest that fits");
    memcpy(v + 4, &(uint32_t){ 0x7f800000 }, 4);
    ok(bl_index_add(w, 6, v, &err) < 0 && err.code == BL_DATA, "infinity");
    is_str(err.msg, "row 6: value 4 is not finite", "is refused");
    bl_index_abort(w);
    is_str(opens(bytes, size, true), "", "the file stays until commit");
    spec.model = "";
    ok(!bl_index_create(path, &spec, &err) && err.code == BL_DATA,
       "no model name");
}

static void halves(void)
{
    bool good = true;

    for (uint32_t h = 0; h < 65536; h++)
        if ((h & 0x7c00) != 0x7c00)
            good &= bl_half_of_float(bl_half_to_float((uint16_t)h)) == h;
    ok(good, "every finite f16 survives");
    ok(bl_half_of_float(1.0f + 0x1p-11f) == 0x3c00
       && bl_half_of_float(1.0f + 0x3p-11f) == 0x3c02
       && bl_half_of_float(0x1p-25f) == 0
       && bl_half_of_float(-0x3p-25f) == 0x8002, "ties go to even");
}

int main(void)
{
    if (!mkdtemp(folder))
        return 99;
    path = bl_xasprintf("%s/k.blx", folder);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < DIM; j++)
            vectors[i][j] = (float)((i * 7 + j * 3) % 11) - 5.0f;
    reads_back(BL_DTYPE_F32, 0);
    reads_back(BL_DTYPE_F16, 0);
    reads_back(BL_DTYPE_INT8, 5.0f / 250);
    reads_back(BL_DTYPE_F32_INT8, 0);
    reads_back(BL_DTYPE_F16_INT8, 0);
    both_headers();
    both_payload();
    bad_headers();
    bad_sizes();
    bad_payload();
    two_segments();
    bad_input();
    halves();
    unlink(path);
    rmdir(folder);
    free(path);
    free(bytes);
    return tap_done();
}
