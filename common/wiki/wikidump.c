/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "wiki/wikidump.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void bl_wikibatch_free(struct bl_wikibatch *b)
{
    free(b->pages);
    bl_buf_free(&b->data);
    *b = (struct bl_wikibatch){ 0 };
}

#ifndef HAVE_EXPAT

bool bl_wikidump_here(void)
{
    return false;
}

struct bl_wikidump *bl_wikidump_open(struct bl_dumpfile *file,
                                     struct bl_err *err)
{
    bl_dumpfile_close(file);
    bl_fail(err, BL_SYSTEM, "Wikipedia dumps cannot be read: this program "
            "was built without libexpat");
    return NULL;
}

int bl_wikidump_next(struct bl_wikidump *d, struct bl_wikibatch *b,
                     struct bl_err *err)
{
    (void)d;
    (void)b;
    (void)err;
    return 0;
}

const char *bl_wikidump_cut(const struct bl_wikidump *d)
{
    (void)d;
    return NULL;
}

uint64_t bl_wikidump_bytes(const struct bl_wikidump *d)
{
    (void)d;
    return 0;
}

struct bl_wikisite *bl_wikidump_take_site(struct bl_wikidump *d)
{
    (void)d;
    return NULL;
}

void bl_wikidump_close(struct bl_wikidump *d)
{
    (void)d;
}

#else

#include <expat.h>

enum {
    FEED = 1 << 16,             /* bytes given to expat at once */
    FULL = 1 << 20, MANY = 512, /* what ends a batch: bytes, pages */
    MAX_TEXT = 16 << 20,
    MAX_FIELD = 1 << 16,        /* of a title, an id, ... */
    MAX_TOKEN = 8 << 20,        /* one tag */
    MAX_DEPTH = 8
};

/* What the text between tags belongs to. */
enum field { NOTHING, TITLE, NS, ID, TEXT, MODEL, BASE, CASE, NAMESPACE };

/* Pages are offsets in the batch's data while that grows. */
struct place { size_t at, n; };

struct bl_wikidump {
    struct bl_dumpfile *file;
    struct bl_wikisite *site;
    XML_Parser parser;
    struct bl_span piece;       /* of the file, not yet parsed */
    uint64_t bytes;             /* given to the parser */
    struct bl_wikibatch *batch;
    struct place *places;       /* [3 * n]: title, redirect, text */
    size_t cap_places;
    unsigned depth;
    bool in_page, in_revision, in_siteinfo, root, ended;
    enum field field;
    struct bl_buf value;        /* of the field, unless it is the text */
    int ns_key;                 /* of the <namespace> that is open */
    /* The page that is being read. */
    struct bl_wikipage_source page;
    struct place title, redirect, text;
    bool has_id, has_redirect, other_model;
    struct bl_buf bytes_of_page;        /* what the places are in */
    struct bl_err stop;         /* why a handler stopped the parser */
    char *cut;
};

bool bl_wikidump_here(void)
{
    return true;
}

/* ---- Handlers ---- */

/* Where the parser is in the dump's text.  Newer expat deprecates the
 * function whose result is a long, which has 32 bits on some machines. */
static uint64_t byte_index(const struct bl_wikidump *d)
{
#if HAVE_DECL_XML_GETCURRENTBYTEINDEX64
    return (uint64_t)XML_GetCurrentByteIndex64(d->parser);
#else
    return (uint64_t)XML_GetCurrentByteIndex(d->parser);
#endif
}

static void stop(struct bl_wikidump *d, const char *why)
{
    if (d->stop.code == BL_OK)
        bl_fail(&d->stop, BL_DATA, "'%s' is refused at byte %" PRIu64
                ": %s", bl_dumpfile_name(d->file), byte_index(d), why);
    XML_StopParser(d->parser, XML_FALSE);
}

static const char *attribute(const XML_Char **a, const char *name)
{
    for (; a[0]; a += 2)
        if (!strcmp(a[0], name))
            return a[1];
    return NULL;
}

static struct place put(struct bl_wikidump *d, const char *p, size_t n)
{
    struct place at = { d->bytes_of_page.len, n };

    bl_buf_put(&d->bytes_of_page, p, n);
    return at;
}

static void start_page(struct bl_wikidump *d)
{
    d->in_page = true;
    d->page = (struct bl_wikipage_source){ 0 };
    d->title = d->redirect = d->text = (struct place){ 0, 0 };
    d->has_id = d->has_redirect = d->other_model = false;
    bl_buf_clear(&d->bytes_of_page);
}

/* Inside of <page>; ids of revisions and users are not the page's. */
static void start_in_page(struct bl_wikidump *d, const char *name,
                          const XML_Char **a)
{
    if (!strcmp(name, "title")) {
        d->field = TITLE;
    } else if (!strcmp(name, "ns")) {
        d->field = NS;
    } else if (!strcmp(name, "id")) {
        d->field = d->has_id ? NOTHING : ID;
    } else if (!strcmp(name, "redirect")) {
        const char *target = attribute(a, "title");

        d->has_redirect = target != NULL;
        if (target)
            d->redirect = put(d, target, strlen(target));
    } else if (!strcmp(name, "revision") || !strcmp(name, "upload")) {
        d->in_revision = true;
    }
}

static void start_in_revision(struct bl_wikidump *d, const char *name)
{
    if (!strcmp(name, "text")) {
        d->field = TEXT;
        if (d->text.n)          /* an older revision's */
            d->bytes_of_page.len = d->text.at;
        d->text = (struct place){ d->bytes_of_page.len, 0 };
    } else if (!strcmp(name, "model")) {
        d->field = MODEL;
    }
}

static void start_in_siteinfo(struct bl_wikidump *d, const char *name,
                              const XML_Char **a)
{
    if (!strcmp(name, "base")) {
        d->field = BASE;
    } else if (!strcmp(name, "case")) {
        d->field = CASE;
    } else if (!strcmp(name, "namespace")) {
        const char *key = attribute(a, "key");

        d->field = NAMESPACE;
        d->ns_key = key ? (int)strtol(key, NULL, 10) : 0;
    }
}

static void on_start(void *arg, const XML_Char *name, const XML_Char **a)
{
    struct bl_wikidump *d = arg;

    if (++d->depth > MAX_DEPTH) {
        stop(d, "elements that are nested too deeply");
        return;
    }
    d->field = NOTHING;
    bl_buf_clear(&d->value);
    if (d->depth == 1) {
        d->root = !strcmp(name, "mediawiki");
        if (!d->root)
            stop(d, "not a MediaWiki dump, which starts with <mediawiki>");
    } else if (d->depth == 2) {
        d->in_siteinfo = !strcmp(name, "siteinfo");
        if (!strcmp(name, "page"))
            start_page(d);
    } else if (d->in_siteinfo) {
        start_in_siteinfo(d, name, a);
    } else if (d->in_page && d->depth == 3) {
        start_in_page(d, name, a);
    } else if (d->in_revision && d->depth == 4) {
        start_in_revision(d, name);
    }
}

static int64_t value_number(const struct bl_wikidump *d)
{
    return d->value.len ? strtoll(d->value.data, NULL, 10) : 0;
}

static void end_field(struct bl_wikidump *d)
{
    struct bl_span v = { d->value.data, d->value.len };

    switch (d->field) {
    case TITLE:
        d->title = put(d, v.p, v.n);
        break;
    case NS:
        d->page.ns = (int)value_number(d);
        break;
    case ID:
        d->page.id = value_number(d);
        d->has_id = true;
        break;
    case MODEL:
        d->other_model = !bl_span_is(v, "wikitext");
        break;
    case BASE:
        bl_wikisite_base(d->site, v);
        break;
    case CASE:
        bl_wikisite_case(d->site, v);
        break;
    case NAMESPACE:
        if (v.n)
            bl_wikisite_namespace(d->site, d->ns_key, v);
        break;
    default:
        break;
    }
}

static void end_page(struct bl_wikidump *d)
{
    struct bl_wikibatch *b = d->batch;
    size_t base = b->data.len;
    struct place *at;

    d->in_page = false;
    if (!d->title.n || !d->has_id) {
        stop(d, "a page without title or id");
        return;
    }
    BL_GROW(b->pages, b->n + 1, b->cap);
    BL_GROW(d->places, 3 * (b->n + 1), d->cap_places);
    at = d->places + 3 * b->n;
    bl_buf_put(&b->data, d->bytes_of_page.data, d->bytes_of_page.len);
    at[0] = (struct place){ base + d->title.at, d->title.n };
    at[1] = (struct place){ base + d->redirect.at, d->redirect.n };
    at[2] = (struct place){ base + d->text.at,
                            d->other_model ? 0 : d->text.n };
    /* Marks that there is one; the place follows when the batch is full. */
    d->page.redirect.p = d->has_redirect ? "" : NULL;
    b->pages[b->n++] = d->page;
}

static void on_end(void *arg, const XML_Char *name)
{
    struct bl_wikidump *d = arg;

    (void)name;
    end_field(d);
    d->field = NOTHING;
    if (d->depth == 2 && d->in_page)
        end_page(d);
    if (d->depth == 2)
        d->in_siteinfo = false;
    if (d->depth == 3)
        d->in_revision = false;
    d->depth--;
}

static void on_text(void *arg, const XML_Char *p, int len)
{
    struct bl_wikidump *d = arg;
    size_t n = (size_t)len;

    if (d->field == TEXT) {
        if (n > MAX_TEXT - d->text.n)
            n = 0;              /* whole characters: what expat gives */
        bl_buf_put(&d->bytes_of_page, p, n);
        d->text.n += n;
    } else if (d->field != NOTHING) {
        if (d->value.len + n > MAX_FIELD)
            stop(d, "a title or number of more than 64 KiB");
        else
            bl_buf_put(&d->value, p, n);
    }
}

static void on_doctype(void *arg, const XML_Char *name, const XML_Char *sys,
                       const XML_Char *pub, int internal)
{
    (void)name;
    (void)sys;
    (void)pub;
    (void)internal;
    stop(arg, "a document type, which dumps do not have");
}

/* ---- Open and close ---- */

struct bl_wikidump *bl_wikidump_open(struct bl_dumpfile *file,
                                     struct bl_err *err)
{
    struct bl_wikidump *d = BL_NEW(struct bl_wikidump);

    (void)err;
    d->file = file;
    d->site = bl_wikisite_new();
    d->parser = XML_ParserCreate(NULL);
    if (!d->parser)
        bl_oom(0);
    XML_SetUserData(d->parser, d);
    XML_SetElementHandler(d->parser, on_start, on_end);
    XML_SetCharacterDataHandler(d->parser, on_text);
    XML_SetStartDoctypeDeclHandler(d->parser, on_doctype);
    return d;
}

void bl_wikidump_close(struct bl_wikidump *d)
{
    if (!d)
        return;
    bl_dumpfile_close(d->file);
    bl_wikisite_free(d->site);
    XML_ParserFree(d->parser);
    bl_buf_free(&d->value);
    bl_buf_free(&d->bytes_of_page);
    free(d->places);
    free(d->cut);
    free(d);
}

/* ---- Reading ---- */

static bool ended_early(enum XML_Error code)
{
    return code == XML_ERROR_NO_ELEMENTS || code == XML_ERROR_PARTIAL_CHAR
        || code == XML_ERROR_UNCLOSED_TOKEN
        || code == XML_ERROR_UNCLOSED_CDATA_SECTION;
}

static int note_cut(struct bl_wikidump *d, struct bl_err *err)
{
    const char *name = bl_dumpfile_name(d->file);
    struct place t = d->title;

    if (!d->bytes && bl_dumpfile_done(d->file))
        return bl_fail(err, BL_DATA, "'%s': its first bzip2 block is "
                                     "truncated or damaged, so none of its "
                                     "XML can be read",
                       name);
    if (!d->root)
        return bl_fail(err, BL_DATA, "'%s' is not a MediaWiki dump: it ends "
                                     "at byte "
                                     "%" PRIu64 ", before <mediawiki>", name,
                       d->bytes);
    if (d->in_page && t.n)
        d->cut = bl_xasprintf("'%s' ends at byte %" PRIu64 " of its XML, "
                              "in the page '%.*s'", name, d->bytes,
                              (int)t.n, d->bytes_of_page.data + t.at);
    else
        d->cut = bl_xasprintf("'%s' ends at byte %" PRIu64 " of its XML, "
                              "before </mediawiki>", name, d->bytes);
    return 0;
}

static int parse(struct bl_wikidump *d, const char *p, size_t n,
                 struct bl_err *err)
{
    enum XML_Error code;

    d->bytes += n;
    if (XML_Parse(d->parser, p, (int)n, n == 0) != XML_STATUS_ERROR) {
        if (d->bytes - byte_index(d) > MAX_TOKEN)
            return bl_fail(err, BL_DATA, "'%s' is refused at byte %" PRIu64
                           ": a tag of more than 8 MiB",
                           bl_dumpfile_name(d->file), d->bytes);
        return 0;
    }
    if (d->stop.code != BL_OK) {
        *err = d->stop;
        return -1;
    }
    code = XML_GetErrorCode(d->parser);
    if (code == XML_ERROR_NO_MEMORY)
        bl_oom(0);
    if (n == 0 && ended_early(code))
        return note_cut(d, err);
    return bl_fail(err, BL_DATA, "'%s' is malformed XML at byte %" PRIu64
                   ": %s", bl_dumpfile_name(d->file), byte_index(d),
                   XML_ErrorString(code));
}

/* One more portion of the file. */
static int feed(struct bl_wikidump *d, struct bl_err *err)
{
    size_t n;

    if (d->piece.n == 0) {
        int rc = bl_dumpfile_next(d->file, &d->piece, err);

        if (rc < 0)
            return -1;
        if (rc == 0) {
            d->piece.n = 0;
            rc = parse(d, "", 0, err);
            d->ended = true;
            return rc;
        }
    }
    n = BL_MIN(d->piece.n, FEED);
    if (parse(d, d->piece.p, n, err) < 0)
        return -1;
    d->piece.p += n;
    d->piece.n -= n;
    return 0;
}

static struct bl_span span_at(const struct bl_wikibatch *b, struct place at)
{
    return (struct bl_span){ at.n ? b->data.data + at.at : "", at.n };
}

/* Now that the bytes no longer move. */
static void place_spans(struct bl_wikidump *d, struct bl_wikibatch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        struct bl_wikipage_source *p = &b->pages[i];
        const struct place *at = d->places + 3 * i;

        p->title = span_at(b, at[0]);
        if (p->redirect.p)
            p->redirect = span_at(b, at[1]);
        p->text = span_at(b, at[2]);
    }
}

int bl_wikidump_next(struct bl_wikidump *d, struct bl_wikibatch *b,
                     struct bl_err *err)
{
    b->n = 0;
    b->site = d->site;
    bl_buf_clear(&b->data);
    d->batch = b;
    while (!d->ended && b->data.len < FULL && b->n < MANY)
        if (feed(d, err) < 0)
            return -1;
    place_spans(d, b);
    return b->n > 0 || !d->ended;
}

const char *bl_wikidump_cut(const struct bl_wikidump *d)
{
    return d->cut;
}

uint64_t bl_wikidump_bytes(const struct bl_wikidump *d)
{
    return d->bytes;
}

struct bl_wikisite *bl_wikidump_take_site(struct bl_wikidump *d)
{
    struct bl_wikisite *site = d->site;

    d->site = NULL;
    return site;
}

#endif
