/* SPDX-License-Identifier: MIT */
/* fuzz-wikidump: any bytes as a dump, plain or .bz2.  Pages have an id and a
 * title, and all that they say is valid UTF-8; a dump that is refused is
 * BL_DATA; read twice, it is the same. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "feed.h"
#include "wiki/wikidump.h"

enum { MOST = 64 };             /* batches, of about a megabyte */

struct seen {
    size_t pages, bytes;
    int rc;
    uint64_t xml;
    bool cut;
};

static size_t span(struct bl_span s)
{
    CHECK(!s.n || s.p);
    CHECK(!s.p || bl_utf8_valid(s.p, s.n) == s.n);
    return s.n;
}

static void look(const struct bl_wikibatch *b, struct seen *seen)
{
    CHECK(b->n > 0 && b->site);
    for (size_t i = 0; i < b->n; i++) {
        const struct bl_wikipage_source *p = &b->pages[i];

        CHECK(p->title.p && p->id >= 0);
        seen->bytes += span(p->title) + span(p->redirect) + span(p->text);
    }
    seen->pages += b->n;
}

static struct seen read_dump(const char *path, struct bl_crew *crew)
{
    struct bl_err err = { .code = BL_OK };
    struct bl_dumpfile *f = bl_dumpfile_open(path, crew, &err);
    struct bl_wikidump *d = f ? bl_wikidump_open(f, &err) : NULL;
    struct bl_wikibatch b = { 0 };
    struct seen seen = { .rc = -1 };

    for (size_t i = 0; d && i < MOST; i++) {
        seen.rc = bl_wikidump_next(d, &b, &err);
        if (seen.rc != 1)
            break;
        look(&b, &seen);
    }
    CHECK(seen.rc >= 0 || err.code == BL_DATA);
    if (d) {
        seen.xml = bl_wikidump_bytes(d);
        seen.cut = seen.rc == 0 && bl_wikidump_cut(d);
        bl_wikisite_free(bl_wikidump_take_site(d));
    }
    bl_wikibatch_free(&b);
    bl_wikidump_close(d);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("dump", MFD_CLOEXEC);
    struct bl_crew *crew = bl_crew_new(1);
    struct seen a, b;
    char *path;

    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    path = bl_xasprintf("/proc/self/fd/%d", fd);
    if (bl_wikidump_here()) {
        a = read_dump(path, crew);
        b = read_dump(path, crew);
        CHECK(a.pages == b.pages && a.bytes == b.bytes && a.rc == b.rc);
        CHECK(a.xml == b.xml && a.cut == b.cut);
    }
    free(path);
    close(fd);
    bl_crew_free(crew);
    return 0;
}
