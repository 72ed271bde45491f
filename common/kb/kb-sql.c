/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb-sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "kb/kb.h"

enum {
    HEADER = 100,               /* bytes of SQLite's own file header */
    AT_PAGE_SIZE = 16, AT_CHANGES = 24, AT_PAGES = 28, AT_USER_VERSION = 60,
    AT_APPLICATION_ID = 68, AT_VALID_FOR = 92
};

static uint32_t get32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
           (uint32_t)bytes[2] << 8 | bytes[3];
}

/* SQLite notices that a file is cut only when it happens to read there, so the
 * size that the header promises is compared with the file's first.  Offsets
 * and rules are those of sqlite.org/fileformat2.html, 1.3: a page size of 1
 * means 65536, and the number of pages counts only if the change counter
 * equals the version-valid-for number. */
static int check_size(const unsigned char *header, uint64_t size,
                      const char *path, struct bl_err *err)
{
    uint64_t page = (uint64_t)header[AT_PAGE_SIZE] << 8
        | header[AT_PAGE_SIZE + 1];
    uint64_t pages = get32(header + AT_PAGES);

    if (page == 1)
        page = 65536;
    if (get32(header + AT_CHANGES) != get32(header + AT_VALID_FOR))
        return 0;
    if (size < page * pages)
        return bl_fail(err, BL_DATA, "'%s' is cut short: its header says "
                       "%llu bytes, the file has %llu", path,
                       (unsigned long long)(page * pages),
                       (unsigned long long)size);
    return 0;
}

static bool is_table(const char *path)
{
    size_t n = strlen(path);

    return n > 4 && (!strcasecmp(path + n - 4, ".csv")
                     || !strcasecmp(path + n - 4, ".tsv"));
}

/* What is taken for a catalogue by mistake is called what it is. */
static int check_header(const unsigned char *header, ssize_t got,
                        uint64_t size, const char *path, struct bl_err *err)
{
    uint32_t version;

    if (got > 0 && memchr("{[", header[0], 2))
        return bl_fail(err, BL_DATA, "'%s' is JSON, not a catalogue; blink-kb "
                                     "build makes a catalogue from it", path);
    if (got > 0 && bl_is_pointer(header, (size_t)got))
        return bl_fail(err, BL_DATA, "'%s' is a Git LFS pointer, not the "
                       "file: 'git lfs pull' fetches it", path);
    if ((got < HEADER || memcmp(header, "SQLite format 3", 16))
        && is_table(path))
        return bl_fail(err, BL_DATA, "'%s' is a table, not a catalogue; "
                       "blink-kb build makes a catalogue from it", path);
    if (got < HEADER || memcmp(header, "SQLite format 3", 16))
        return bl_fail(err, BL_DATA, "'%s' is not a catalogue: it does not "
                                     "start like an SQLite file", path);
    if (get32(header + AT_APPLICATION_ID) != BL_KB_APPLICATION_ID)
        return bl_fail(err, BL_DATA, "'%s' is an SQLite file, but not a "
                                     "catalogue of blink-kb", path);
    version = get32(header + AT_USER_VERSION);
    if (version != BL_KB_FORMAT)
        return bl_fail(err, BL_DATA, "'%s' has catalogue format %lu, this "
                       "program reads format %d", path,
                       (unsigned long)version, BL_KB_FORMAT);
    return check_size(header, size, path, err);
}

/* Looks at the file before SQLite does, for messages that say what it is. */
static int check_file(const char *path, uint64_t *size, struct bl_err *err)
{
    unsigned char header[HEADER];
    struct stat st;
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return bl_fail_file(err, "cannot open catalogue '%s'",
                             path);
    if (fstat(fd, &st) < 0) {
        bl_fail_file(err, "cannot read '%s'", path);
        close(fd);
        return -1;
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return bl_fail(err, BL_DATA, "'%s' is %s, not a catalogue", path,
                       S_ISDIR(st.st_mode) ? "a directory"
                       : "a pipe, socket or device");
    }
    *size = (uint64_t)st.st_size;
    got = bl_pread(fd, header, sizeof header, 0);
    if (got < 0)
        bl_fail_file(err, "cannot read '%s'", path);
    close(fd);
    if (got < 0)
        return -1;
    return check_header(header, got, (uint64_t)st.st_size, path, err);
}

static sqlite3_file *file_of(struct bl_sql *conn)
{
    sqlite3_file *file = NULL;

    if (sqlite3_file_control(conn->db, "main", SQLITE_FCNTL_FILE_POINTER,
                             &file) != SQLITE_OK || !file || !file->pMethods)
        return NULL;
    return file;
}

/* SQLite then says that the file is damaged, or that a read was short. */
static bool has_shrunk(struct bl_sql *conn)
{
    sqlite3_file *file = conn->mode == BL_SQL_READ ? file_of(conn) : NULL;
    sqlite3_int64 now;

    return file && file->pMethods->xFileSize(file, &now) == SQLITE_OK
        && (uint64_t)now < conn->size;
}

/* SQLite takes EIO for a sign of a damaged file and says only that
 * (os_unix.c: SQLITE_IOERR_CORRUPTFS); the errno of the last read or write is
 * 0 when that succeeded. */
static int disk_error(struct bl_sql *conn)
{
    int number = 0;

    if (sqlite3_file_control(conn->db, "main", SQLITE_FCNTL_LAST_ERRNO,
                             &number) != SQLITE_OK
        || bl_errno_code(number) != BL_SYSTEM)
        return 0;
    return number;
}

/* What all connections of a process that reads may have together, in bytes.
 * FTS5 reads blocks through sqlite3_blob_open(), which asks for as many bytes
 * as a row says that it has, whatever SQLITE_LIMIT_LENGTH says, and goes round
 * pages that point in a circle until it has them: of a file of 80 kB it took
 * 900 MB and 13 seconds for each query.  A builder may have more, because its
 * journal is in memory. */
enum { MOST_MEMORY = 256 << 20 };

/* Sorts failures by whose fault they are, which decides the exit status: no
 * memory ends the process as everywhere; disk, locks and permissions are the
 * system's; all else means that the file is not what it should be.  SHORT_READ
 * is an IOERR, but says that the file was cut, so it is looked at first. */
int bl_sql_fail(struct bl_sql *conn, struct bl_err *err)
{
    bool refused = errno == ENOMEM;
    int rc = sqlite3_extended_errcode(conn->db);

    /* Without asking malloc(), which would have set errno, SQLite says so at
     * MOST_MEMORY, and FTS5 of sizes that cannot be (3.46). */
    if ((rc & 0xff) == SQLITE_NOMEM && conn->mode == BL_SQL_READ && !refused)
        return bl_fail(err, BL_DATA, "'%s' is damaged: a value in it says "
                       "that it is larger than any can be", conn->path);
    if ((rc & 0xff) == SQLITE_NOMEM)
        bl_oom(0);
    if (has_shrunk(conn))
        return bl_fail(err, BL_SYSTEM, "cannot read '%s': the file became "
                       "shorter while it was in use", conn->path);
    if ((rc & 0xff) == SQLITE_CORRUPT && disk_error(conn))
        return bl_fail(err, BL_SYSTEM, "cannot read '%s': %s", conn->path,
                       strerror(disk_error(conn)));
    if (rc == SQLITE_IOERR_SHORT_READ)
        return bl_fail(err, BL_DATA, "'%s' is cut short", conn->path);
    switch (rc & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return bl_fail(err, BL_SYSTEM, "'%s': %s", conn->path,
                       sqlite3_errmsg(conn->db));
    case SQLITE_CANTOPEN:
        return bl_fail(err, bl_errno_code(sqlite3_system_errno(conn->db)),
                       "cannot open '%s': %s", conn->path,
                       strerror(sqlite3_system_errno(conn->db)));
    case SQLITE_READONLY:
        return bl_fail(err, BL_SYSTEM, "'%s' cannot be written: %s",
                       conn->path, sqlite3_errmsg(conn->db));
    case SQLITE_INTERRUPT:
        return bl_fail(err, BL_DATA, "'%s' is damaged: to read it takes more "
                       "steps than a file of %llu bytes can need; its pages "
                       "may point in a circle", conn->path,
                       (unsigned long long)conn->size);
    default:
        return bl_fail(err, BL_DATA, "'%s' is damaged: %s", conn->path,
                       sqlite3_errmsg(conn->db));
    }
}

int bl_sql_exec(struct bl_sql *conn, const char *sql, struct bl_err *err)
{
    conn->ticks = 0;
    if (sqlite3_exec(conn->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return bl_sql_fail(conn, err);
    return 0;
}

/* ---- What a file of others may do ---- */

enum {
    TICK = 4096,                /* steps of SQLite's machine */
    STEPS_A_BYTE = 64,
    SLACK = 1 << 16,            /* bytes that are added to a small file's */
    CACHE = 64 << 20            /* not yet written, while a file grows */
};

/* SQLite calls this after each TICK steps and stops if it returns nonzero.  A
 * row takes some ten steps to read and at least as many bytes, so an honest
 * statement stays far below STEPS_A_BYTE, also where it sorts or joins.  A
 * tree whose pages point in a circle has no end. */
static int on_tick(void *arg)
{
    struct bl_sql *conn = arg;
    uint64_t slack = conn->mode == BL_SQL_READ ? SLACK : CACHE;
    struct stat st;

    conn->ticks++;
    if (conn->ticks / STEPS_A_BYTE < (conn->size + slack) / TICK)
        return 0;
    if (conn->mode == BL_SQL_READ || stat(conn->file, &st) < 0)
        return 1;
    conn->size = (uint64_t)st.st_size;
    return conn->ticks / STEPS_A_BYTE >= (conn->size + slack) / TICK;
}

static bool one_of(const char *const *words, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (word && !strcmp(words[i], word))
            return true;
    return false;
}

/* What the statements of kb.c, and FTS5's own for them, do; SQLite asks when
 * it prepares a statement. */
static int authorize(void *arg, int action, const char *one, const char *two,
                     const char *database, const char *from)
{
    static const char *const functions[] = {
        "bl_lexical", "bm25", "coalesce", "count", "fts5", "instr", "match",
        "max", "sum" };
    static const char *const pragmas[] = {
        "cell_size_check", "data_version", "integrity_check", "mmap_size",
        "query_only", "temp_store" };

    (void)arg;
    (void)database;
    (void)from;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
        return SQLITE_OK;
    case SQLITE_CREATE_TABLE:
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
        /* FTS5 tells SQLite of its columns so; a connection that only reads
         * writes nothing for all that. */
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return one_of(functions, BL_COUNT(functions), two) ? SQLITE_OK
                                                           : SQLITE_DENY;
    case SQLITE_PRAGMA:
        return one_of(pragmas, BL_COUNT(pragmas), one) ? SQLITE_OK
                                                       : SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}

/* A value is part of the file, so none is longer; what is looked up may be. */
static void limit(sqlite3 *db, uint64_t size)
{
    enum { LONGEST = 1000000000, SHORTEST = 1 << 20 };

    sqlite3_limit(db, SQLITE_LIMIT_LENGTH,
                  (int)BL_MIN(BL_MAX(size, (uint64_t)SHORTEST),
                              (uint64_t)LONGEST));
    sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 1 << 16);
    sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 100);
    sqlite3_limit(db, SQLITE_LIMIT_COMPOUND_SELECT, 4);
    sqlite3_limit(db, SQLITE_LIMIT_VDBE_OP, 1 << 16);
    sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 1);
    sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_set_authorizer(db, authorize, NULL);
}

/* A catalogue is foreign data: nothing in its schema may run functions with
 * side effects. */
static void harden(sqlite3 *db)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
}

static const char *mode_pragmas(enum bl_sql_mode mode)
{
    switch (mode) {
    case BL_SQL_READ:
        return "PRAGMA query_only=1; PRAGMA cell_size_check=1;"
               "PRAGMA mmap_size=1099511627776; PRAGMA temp_store=2;";
    default:
        /* The file is a temporary one, so its journal need not outlive a
         * crash; OFF, the other way to have none on disk, is refused by
         * a defensive connection. */
        return "PRAGMA page_size=4096; PRAGMA journal_mode=MEMORY;"
               "PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;"
               "PRAGMA cache_size=-65536;";
    }
}

/* Only a URI can say "immutable", which makes SQLite read without locks.  The
 * "file:./" also makes ":memory:" and the like names of ordinary files. */
static void put_uri(struct bl_buf *uri, const char *path,
                    enum bl_sql_mode mode)
{
    bl_buf_puts(uri, path[0] == '/' ? "file:" : "file:./");
    for (; *path; path++) {
        if (strchr("?#%", *path))
            bl_buf_printf(uri, "%%%02X", (unsigned)(unsigned char)*path);
        else
            bl_buf_putc(uri, *path);
    }
    if (mode == BL_SQL_READ)
        bl_buf_puts(uri, "?immutable=1");
}

static int open_db(struct bl_sql *conn, const char *path,
                   enum bl_sql_mode mode, struct bl_err *err)
{
    struct bl_buf uri = BL_BUF_INIT;
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                SQLITE_OPEN_URI;
    int rc;

    flags |= mode == BL_SQL_READ ? SQLITE_OPEN_READONLY
                                 : SQLITE_OPEN_READWRITE;
    put_uri(&uri, path, mode);
    sqlite3_hard_heap_limit64(mode == BL_SQL_READ ? MOST_MEMORY : 0);
    rc = sqlite3_open_v2(uri.data, &conn->db, flags, NULL);
    bl_buf_free(&uri);
    if (!conn->db)
        bl_oom(0);
    if (rc != SQLITE_OK)
        return bl_sql_fail(conn, err);
    harden(conn->db);
    sqlite3_progress_handler(conn->db, TICK, on_tick, conn);
    if (mode == BL_SQL_READ)
        limit(conn->db, conn->size);
    return bl_sql_exec(conn, mode_pragmas(mode), err);
}

/* Has the memory watched at which SQLite maps the file: all of it, up to a
 * limit.  SQLite maps it at its first read and leaves it so, because the file
 * does not change. */
static void watch(struct bl_sql *conn)
{
    sqlite3_file *file = file_of(conn);
    sqlite3_int64 most = -1;
    void *start = NULL;

    if (!file || file->pMethods->iVersion < 3
        || sqlite3_file_control(conn->db, "main", SQLITE_FCNTL_MMAP_SIZE,
                                &most) != SQLITE_OK
        || file->pMethods->xFetch(file, 0, 1, &start) != SQLITE_OK || !start)
        return;
    file->pMethods->xUnfetch(file, 0, start);
    conn->map = (struct bl_map){ start, (size_t)BL_MIN(conn->size,
                                 (uint64_t)most), conn->path };
    bl_map_watch(&conn->map);
}

int bl_sql_open(struct bl_sql *conn, const char *path, const char *name,
                enum bl_sql_mode mode, struct bl_err *err)
{
    *conn = (struct bl_sql){
        .path = bl_xstrdup(name ? name : path), .file = bl_xstrdup(path),
        .mode = mode
    };
    if ((mode != BL_SQL_NEW && check_file(path, &conn->size, err) < 0)
        || open_db(conn, path, mode, err) < 0) {
        bl_sql_close(conn);
        return -1;
    }
    if (mode == BL_SQL_READ)
        watch(conn);
    return 0;
}

void bl_sql_close(struct bl_sql *conn)
{
    for (size_t i = 0; i < BL_SQL_SLOTS; i++)
        sqlite3_finalize(conn->stmt[i]);
    if (conn->map.data)
        bl_map_unwatch(&conn->map);
    sqlite3_close(conn->db);
    free(conn->path);
    free(conn->file);
    *conn = (struct bl_sql){ 0 };
}

sqlite3_stmt *bl_sql_stmt(struct bl_sql *conn, unsigned slot, const char *sql,
                          struct bl_err *err)
{
    BL_ASSERT(slot < BL_SQL_SLOTS);
    conn->ticks = 0;
    if (conn->stmt[slot])
        sqlite3_reset(conn->stmt[slot]);
    else if (sqlite3_prepare_v3(conn->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                &conn->stmt[slot], NULL) != SQLITE_OK)
        bl_sql_fail(conn, err);
    return conn->stmt[slot];
}

int bl_sql_step(struct bl_sql *conn, sqlite3_stmt *st, struct bl_err *err)
{
    int rc = sqlite3_step(st);

    if (rc == SQLITE_ROW)
        return 1;
    if (rc == SQLITE_DONE) {
        sqlite3_reset(st);
        return 0;
    }
    bl_sql_fail(conn, err);
    sqlite3_reset(st);
    return -1;
}

void bl_sql_text(sqlite3_stmt *st, int index, struct bl_span text)
{
    if (text.p)
        sqlite3_bind_text64(st, index, text.p, text.n, SQLITE_STATIC,
                            SQLITE_UTF8);
    else
        sqlite3_bind_null(st, index);
}

/* Text of a foreign file may not be UTF-8, but what the programs print must
 * be. */
static struct bl_span repaired(const char *p, size_t n, struct bl_arena *arena)
{
    struct bl_buf fixed = BL_BUF_INIT;
    struct bl_span text;

    bl_utf8_repair(&fixed, p, n);
    text = (struct bl_span){ bl_arena_strndup(arena, fixed.data, fixed.len),
                             fixed.len };
    bl_buf_free(&fixed);
    return text;
}

struct bl_span bl_sql_column(sqlite3_stmt *st, int index,
                             struct bl_arena *arena)
{
    const char *text = (const char *)sqlite3_column_text(st, index);
    size_t len = (size_t)sqlite3_column_bytes(st, index);

    if (!text)
        return (struct bl_span){ NULL, 0 };
    if (bl_utf8_valid(text, len) != len)
        return repaired(text, len, arena);
    return (struct bl_span){ bl_arena_strndup(arena, text, len), len };
}

static int digest_rows(struct bl_sql *conn, sqlite3_stmt *st,
                       struct bl_sha256 *sum, size_t *count,
                       struct bl_err *err)
{
    int rc;

    for (*count = 0; (rc = bl_sql_step(conn, st, err)) == 1; ++*count) {
        int64_t row = sqlite3_column_int64(st, 0);
        const void *id = sqlite3_column_text(st, 1);

        if (row != (int64_t)*count || !id)
            return bl_fail(err, BL_DATA, "'%s' is damaged: row %zu expected, "
                           "row %lld found", conn->path, *count,
                           (long long)row);
        bl_sha256_add(sum, id, (size_t)sqlite3_column_bytes(st, 1));
        bl_sha256_add(sum, "", 1);
    }
    return rc;
}

int bl_sql_fingerprint(struct bl_sql *conn, char hex[BL_SHA256_HEX],
                       size_t *count, struct bl_err *err)
{
    unsigned char digest[BL_SHA256_SIZE];
    struct bl_sha256 sum;
    sqlite3_stmt *st;
    int rc = -1;

    if (sqlite3_prepare_v2(conn->db, "SELECT row, id FROM entity ORDER BY row",
                           -1, &st, NULL) != SQLITE_OK)
        return bl_sql_fail(conn, err);
    bl_sha256_init(&sum);
    rc = digest_rows(conn, st, &sum, count, err);
    sqlite3_finalize(st);
    bl_sha256_end(&sum, digest);
    bl_sha256_hex(digest, sizeof digest, hex);
    return rc;
}
