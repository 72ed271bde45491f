/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "wiki/wikititle.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/unicode.h"
#include "base/utf8.h"

enum { LONGEST_TITLE = 255, NS_MEDIA = -2, NS_FILE = 6, NS_CATEGORY = 14,
       MAX_NAMES = 512 };

struct name {
    char *text;                 /* lower case, blanks */
    size_t n;
    int ns;
};

struct bl_wikisite {
    struct name *name;          /* [n_names] */
    size_t n_names;
    char *prefix;               /* "https://en.wikipedia.org/wiki/", or NULL */
    bool case_sensitive;
};

/* ---- Setting up ---- */

static void fold_name(struct bl_buf *out, struct bl_span name)
{
    size_t start = out->len;

    bl_uni_lower(out, name.p, name.n);
    for (size_t i = start; i < out->len; i++)
        if (out->data[i] == '_')
            out->data[i] = ' ';
}

void bl_wikisite_namespace(struct bl_wikisite *site, int ns,
                           struct bl_span name)
{
    struct bl_buf b = BL_BUF_INIT;

    if (name.n == 0 || name.n > LONGEST_TITLE || site->n_names >= MAX_NAMES)
        return;
    fold_name(&b, name);
    site->name = bl_xrealloc(site->name, site->n_names + 1,
                             sizeof *site->name);
    site->name[site->n_names++] = (struct name){ b.data, b.len, ns };
}

struct bl_wikisite *bl_wikisite_new(void)
{
    static const struct { const char *name; int ns; } english[] = {
        { "Media", -2 }, { "Special", -1 }, { "Talk", 1 }, { "User", 2 },
        { "User talk", 3 }, { "Project", 4 }, { "Project talk", 5 },
        { "File", 6 }, { "Image", 6 }, { "File talk", 7 },
        { "Image talk", 7 }, { "MediaWiki", 8 }, { "MediaWiki talk", 9 },
        { "Template", 10 }, { "Template talk", 11 }, { "Help", 12 },
        { "Help talk", 13 }, { "Category", 14 }, { "Category talk", 15 },
    };
    struct bl_wikisite *site = BL_NEW(struct bl_wikisite);

    for (size_t i = 0; i < BL_COUNT(english); i++)
        bl_wikisite_namespace(site, english[i].ns,
                              bl_span_of(english[i].name));
    return site;
}

void bl_wikisite_free(struct bl_wikisite *site)
{
    if (!site)
        return;
    for (size_t i = 0; i < site->n_names; i++)
        free(site->name[i].text);
    free(site->name);
    free(site->prefix);
    free(site);
}

void bl_wikisite_base(struct bl_wikisite *site, struct bl_span url)
{
    static const char web[] = "http";
    const char *slash = url.n ? memrchr(url.p, '/', url.n) : NULL;

    free(site->prefix);
    site->prefix = NULL;
    if (slash && url.n > 8 && !memcmp(url.p, web, sizeof web - 1))
        site->prefix = bl_xasprintf("%.*s", (int)(slash - url.p + 1), url.p);
}

void bl_wikisite_case(struct bl_wikisite *site, struct bl_span value)
{
    site->case_sensitive = bl_span_is(value, "case-sensitive");
}

/* ---- Titles ---- */

static bool hex_pair(const char *p, size_t n, char *out)
{
    int v = 0;

    if (n < 3)
        return false;
    for (size_t i = 1; i < 3; i++) {
        char c = p[i] | 0x20;

        if (p[i] >= '0' && p[i] <= '9')
            v = v * 16 + p[i] - '0';
        else if (c >= 'a' && c <= 'f')
            v = v * 16 + c - 'a' + 10;
        else
            return false;
    }
    *out = (char)v;
    return true;
}

/* "%C3%A9" to bytes; left alone when they are no UTF-8. */
static void decode_percent(struct bl_buf *b, size_t start)
{
    struct bl_buf out = BL_BUF_INIT;
    char c;

    for (size_t i = start; i < b->len; i++) {
        c = b->data[i];
        if (c == '%' && hex_pair(b->data + i, b->len - i, &c))
            i += 2;
        bl_buf_putc(&out, c);
    }
    if (out.len && bl_utf8_valid(out.data, out.len) == out.len) {
        b->len = start;
        bl_buf_put(b, out.data, out.len);
    }
    bl_buf_free(&out);
}

static bool blank(char c)
{
    return c == ' ' || c == '_' || c == '\t' || c == '\n';
}

static size_t nbsp(const char *p, size_t n)
{
    return n >= 2 && !memcmp(p, "\xc2\xa0", 2) ? 2 : 0;
}

/* Blanks become single ones, none at the ends. */
static void squeeze(struct bl_buf *b, size_t start)
{
    size_t out = start;
    bool gap = false;

    for (size_t i = start; i < b->len; i++) {
        size_t wide = nbsp(b->data + i, b->len - i);

        if (wide || blank(b->data[i])) {
            gap = out > start;
            i += wide ? 1 : 0;
            continue;
        }
        if (gap)
            b->data[out++] = ' ';
        gap = false;
        b->data[out++] = b->data[i];
    }
    b->len = out;
}

/* Appends the text of a target: decoded, without section, single blanks. */
static void put_plain(struct bl_buf *b, struct bl_span s)
{
    size_t start = b->len;
    bool percent = false;

    bl_buf_reserve(b, s.n + 1);
    for (size_t i = 0; i < s.n && s.p[i] != '#'; i++) {
        size_t used = 0;

        if (s.p[i] == '&')
            used = bl_html_entity(s.p + i, s.n - i, b);
        percent |= s.p[i] == '%';
        if (used)
            i += used - 1;
        else
            bl_buf_putc(b, s.p[i]);
    }
    if (percent)
        decode_percent(b, start);
    squeeze(b, start);
}

static bool good(const char *p, size_t n)
{
    if (n == 0 || n > LONGEST_TITLE)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] < 0x20 || strchr("<>[]{}|", p[i]))
            return false;
    return true;
}

/* Makes the first letter of what begins at `start` small. */
static void lower_first(const struct bl_wikisite *site, struct bl_buf *b,
                        size_t start)
{
    struct bl_buf low = BL_BUF_INIT;
    unsigned len;

    if (site->case_sensitive || b->len == start)
        return;
    if ((unsigned char)b->data[start] < 0x80) {
        if (b->data[start] >= 'A' && b->data[start] <= 'Z')
            b->data[start] = (char)(b->data[start] | 0x20);
        return;
    }
    bl_utf8_decode(b->data + start, b->len - start, &len);
    bl_uni_lower(&low, b->data + start, len);
    bl_buf_put(&low, b->data + start + len, b->len - start - len);
    b->len = start;
    bl_buf_put(b, low.data, low.len);
    bl_buf_free(&low);
}

/* The namespace of a folded prefix. */
static bool find_namespace(const struct bl_wikisite *site,
                           struct bl_span prefix, int *ns)
{
    for (size_t i = site->n_names; i-- > 0; ) {
        const struct name *m = &site->name[i];

        if (m->n == prefix.n && !memcmp(m->text, prefix.p, prefix.n)) {
            *ns = m->ns;
            return true;
        }
    }
    return false;
}

/* Takes "Prefix:" off what begins at `start` when it means something. */
static enum bl_wiki_kind read_prefix(const struct bl_wikisite *site,
                                     struct bl_buf *b, size_t start,
                                     bool shown, int *ns)
{
    const char *p = b->data + start;
    const char *colon = memchr(p, ':', b->len - start);
    struct bl_buf folded = BL_BUF_INIT;
    struct bl_span prefix = { p, colon ? (size_t)(colon - p) : 0 };
    enum bl_wiki_kind kind = BL_WIKI_PAGE;
    size_t used = prefix.n + 1;

    if (!prefix.n)
        return kind;
    while (prefix.n && prefix.p[prefix.n - 1] == ' ')
        prefix.n--;
    fold_name(&folded, prefix);
    prefix = (struct bl_span){ folded.data, folded.len };
    if (find_namespace(site, prefix, ns)) {
        used += used < b->len - start && p[used] == ' ';
        memmove(b->data + start, p + used, b->len - start - used);
        b->len -= used;
        if (!shown && (*ns == NS_FILE || *ns == NS_CATEGORY))
            kind = BL_WIKI_HIDDEN;
    } else if (bl_wiki_is_language(prefix)) {
        kind = shown ? BL_WIKI_OUTSIDE : BL_WIKI_HIDDEN;
    } else if (bl_wiki_is_interwiki(prefix)) {
        kind = BL_WIKI_OUTSIDE;
    }
    bl_buf_free(&folded);
    return kind;
}

static void put_mark(struct bl_buf *b, size_t start, int ns)
{
    struct bl_buf rest = BL_BUF_INIT;

    if (ns == 0)
        return;
    bl_buf_put(&rest, b->data + start, b->len - start);
    b->len = start;
    bl_buf_printf(b, "\1%d\1", ns);
    bl_buf_put(b, rest.data, rest.len);
    bl_buf_free(&rest);
}

enum bl_wiki_kind bl_wikititle_key(const struct bl_wikisite *site,
                                   struct bl_span target, struct bl_buf *key,
                                   int *ns)
{
    size_t start = key->len;
    enum bl_wiki_kind kind;
    bool shown;

    *ns = 0;
    while (target.n && blank(target.p[0])) {
        target.p++;
        target.n--;
    }
    shown = target.n && target.p[0] == ':';
    if (shown)
        target = (struct bl_span){ target.p + 1, target.n - 1 };
    if (target.n > 16 * LONGEST_TITLE)
        return BL_WIKI_NONE;
    put_plain(key, target);
    kind = read_prefix(site, key, start, shown, ns);
    if (kind == BL_WIKI_PAGE && !good(key->data + start, key->len - start))
        kind = BL_WIKI_NONE;
    if (kind != BL_WIKI_PAGE) {
        key->len = start;
        return kind;
    }
    lower_first(site, key, start);
    put_mark(key, start, *ns);
    return kind;
}

bool bl_wikititle_page_key(const struct bl_wikisite *site,
                           struct bl_span title, int ns, struct bl_buf *key)
{
    size_t start = key->len;
    int seen = 0;

    if (title.n > 16 * LONGEST_TITLE)
        return false;
    bl_buf_put_span(key, title);
    if (!key->data)
        return false;
    squeeze(key, start);
    if (ns != 0)
        read_prefix(site, key, start, true, &seen);
    if (key->len == start || key->len - start > LONGEST_TITLE) {
        key->len = start;
        return false;
    }
    lower_first(site, key, start);
    put_mark(key, start, ns);
    return true;
}

bool bl_wikisite_url(const struct bl_wikisite *site, struct bl_span title,
                     struct bl_buf *out)
{
    if (!site->prefix)
        return false;
    bl_buf_puts(out, site->prefix);
    for (size_t i = 0; i < title.n; i++) {
        char c = title.p[i];

        if (c == ' ')
            bl_buf_putc(out, '_');
        else if ((unsigned char)c < 0x80 && !strchr("\"%<>?[\\]^`{|}#", c))
            bl_buf_putc(out, c);
        else
            bl_buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
    return true;
}

/* ---- Pages that are no articles ---- */

/* What stands in "Title (...)" in the wikis that have such a custom. */
static const char *const disambiguation_words[] = {
    "disambiguation", "disambig", "begriffsklärung", "homonymie",
    "desambiguación", "desambiguação", "desambiguació", "disambigua",
    "doorverwijspagina", "ujednoznacznienie", "значения", "значення",
    "olika betydelser", "flertydig", "andre betydninger", "täsmennyssivu",
    "rozcestník", "rozlišovacia stránka", "egyértelműsítő lap",
    "dezambiguizare", "anlam ayrımı", "消歧义", "消歧義", "曖昧さ回避",
    "동음이의", "توضيح", "ابهام‌زدایی", "פירושונים", "định hướng",
    "disambiguasi", "nyahkekaburan", "apartigilo", "razločitev",
    "razdvojba", "вишезначна одредница", "пояснение", "argipena",
    "homónimos", "αποσαφήνιση", "nuorodinis",
};

static const char *const list_starts[] = {
    "list of ", "lists of ", "liste der ", "liste von ", "liste des ",
    "liste de ", "liste d'", "lista de ", "lista di ", "lista över ",
    "lista dei ", "lista delle ", "lijst van ", "liste over ",
    "список ", "luettelo ", "seznam ", "listo de ",
};

static const char *const disambiguation_names[] = {
    "dab", "disamb", "hndis", "hndab", "geodis", "mathdab", "schooldis",
    "roaddis", "roaddab", "numberdis", "letter-number combination "
    "disambiguation", "chinese title disambiguation", "begriffsklärung",
    "homonymie", "homonyme", "patronyme", "toponymie", "desambiguación",
    "desambiguação", "desambiguació", "desambig", "disambigua", "dp",
    "doorverwijspagina", "ujednoznacznienie", "неоднозначность",
    "многозначность", "багатозначність", "неоднозначность",
    "förgrening", "gren", "flertydig", "peker", "flertydig2",
    "täsmennyssivu", "rozcestník", "rozlišovacia stránka", "egyért",
    "dezambiguizare", "anlamayrımı", "消歧义", "消歧義", "aimai",
    "曖昧さ回避", "동음이의", "توضيح", "ابهام زدایی", "ابهام‌زدایی",
    "פירושונים", "định hướng", "trang định hướng", "apartigilo",
    "αποσαφήνιση", "вишезначна одредница", "пояснение", "razločitev",
    "argi", "homónimos", "surname-dab", "hospitaldis", "biology "
    "disambiguation", "tndis", "wp disambig", "species latin name "
    "disambiguation", "place name disambiguation", "airport disambiguation",
    "human name disambiguation", "call sign disambiguation", "genus "
    "disambiguation", "mil-unit-dis", "ship disambiguation", "station "
    "disambiguation", "opus disambiguation", "phonetics disambiguation",
    "road disambiguation", "school disambiguation", "mathematical "
    "disambiguation", "military unit disambiguation", "music "
    "disambiguation", "template disambiguation", "caselaw disambiguation",
    "geodab", "hospital disambiguation", "latin name disambiguation",
};

static const char *const list_names[] = {
    "shipindex", "sia", "set index article", "set index", "mountainindex",
    "lakeindex", "roadindex", "sportindex", "plant common name",
    "fungus common name", "chemistry index", "stormindex",
    "given name index", "enzyme index", "ship index", "mountain index",
    "river index",
};

/* The name in lower case with single blanks, where it is worth a look. */
static bool folded(struct bl_span s, struct bl_buf *b)
{
    if (s.n == 0 || s.n > LONGEST_TITLE)
        return false;
    bl_buf_reserve(b, s.n + 1);
    fold_name(b, s);
    squeeze(b, 0);
    return b->len > 0;
}

static bool has_prefix(const struct bl_buf *b, const char *s)
{
    size_t n = strlen(s);

    return b->len >= n && !memcmp(b->data, s, n);
}

static bool in_list(const struct bl_buf *b, const char *const *list,
                    size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(list[i]) == b->len && has_prefix(b, list[i]))
            return true;
    return false;
}

#define IN(b, list) in_list((b), (list), BL_COUNT(list))

bool bl_wiki_disambiguation_title(struct bl_span title)
{
    const char *open = title.n ? memrchr(title.p, '(', title.n) : NULL;
    struct bl_buf b = BL_BUF_INIT;
    bool yes = false;

    if (open && title.p[title.n - 1] == ')')
        yes = folded((struct bl_span){ open + 1,
                       title.n - (size_t)(open + 1 - title.p) - 1 }, &b)
            && IN(&b, disambiguation_words);
    bl_buf_free(&b);
    return yes;
}

bool bl_wiki_list_title(struct bl_span title)
{
    struct bl_buf b = BL_BUF_INIT;
    bool yes = false;

    if (folded(title, &b))
        for (size_t i = 0; i < BL_COUNT(list_starts); i++)
            yes |= has_prefix(&b, list_starts[i]);
    bl_buf_free(&b);
    return yes;
}

bool bl_wiki_disambiguation_template(struct bl_span name)
{
    struct bl_buf b = BL_BUF_INIT;
    bool yes = false;

    if (folded(name, &b)) {
        yes = IN(&b, disambiguation_names);
        /* "disambig-cleanup" is one, "disambiguation needed" is a mark on a
         * link. */
        if (has_prefix(&b, "disambig"))
            yes = !memmem(b.data, b.len, "needed", 6)
                && !memmem(b.data, b.len, "-inline", 7);
    }
    bl_buf_free(&b);
    return yes;
}

bool bl_wiki_list_template(struct bl_span name)
{
    struct bl_buf b = BL_BUF_INIT;
    bool yes = folded(name, &b) && IN(&b, list_names);

    bl_buf_free(&b);
    return yes;
}
