/* SPDX-License-Identifier: MIT */
/* fuzz-title: what links name.  A title with blanks, with underscores and with
 * its blanks doubled has one key; keys and addresses are valid, and an address
 * is ASCII without blanks. */
#include "base/utf8.h"
#include "feed.h"
#include "text/charref.h"
#include "wiki/wikititle.h"

struct answer {
    enum bl_wiki_kind kind;
    int ns;
    struct bl_buf key;
};

static struct answer ask(const struct bl_wikisite *site, struct bl_span title)
{
    struct answer a = { .key = BL_BUF_INIT };

    a.kind = bl_wikititle_key(site, title, &a.key, &a.ns);
    CHECK(bl_utf8_valid(a.key.data, a.key.len) == a.key.len);
    CHECK(a.kind != BL_WIKI_PAGE || a.key.len > 0);
    return a;
}

/* The title with each blank written as this. */
static void same(const struct bl_wikisite *site, struct bl_span title,
                 const char *blank)
{
    struct answer a = ask(site, title), b;
    struct bl_buf other = BL_BUF_INIT;

    for (size_t i = 0; i < title.n; i++) {
        if (title.p[i] == ' ' || title.p[i] == '_')
            bl_buf_puts(&other, blank);
        else
            bl_buf_putc(&other, title.p[i]);
    }
    b = ask(site, (struct bl_span){ other.data, other.len });
    CHECK(a.kind == b.kind && a.key.len == b.key.len
          && (!a.key.len || !memcmp(a.key.data, b.key.data, a.key.len)));
    bl_buf_free(&a.key);
    bl_buf_free(&b.key);
    bl_buf_free(&other);
}

static void check_url(const struct bl_wikisite *site, struct bl_span title)
{
    struct bl_buf url = BL_BUF_INIT;

    if (bl_wikisite_url(site, title, &url))
        for (size_t i = 8; i < url.len; i++)
            CHECK(url.data[i] > ' ' && url.data[i] < 0x7f);
    bl_buf_free(&url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_wikisite *site = bl_wikisite_new();
    struct feed f = { data, size, 1 };
    struct bl_span title = feed_piece(&f), name = feed_piece(&f);
    struct bl_buf out = BL_BUF_INIT;

    bl_wikisite_base(site, BL_SPAN_LIT("https://a.org/wiki/Main"));
    if (bl_utf8_valid(name.p, name.n) == name.n)
        bl_wikisite_namespace(site, 100, name);
    if (f.n)
        bl_wikisite_case(site, BL_SPAN_LIT("case-sensitive"));
    if (bl_utf8_valid(title.p, title.n) == title.n) {
        same(site, title, " ");
        same(site, title, "_");
        same(site, title, "  ");
        check_url(site, title);
        CHECK(bl_html_entity(title.p, title.n, &out) <= title.n);
        CHECK(bl_utf8_valid(out.data, out.len) == out.len);
    }
    bl_buf_free(&out);
    bl_wikisite_free(site);
    return 0;
}
