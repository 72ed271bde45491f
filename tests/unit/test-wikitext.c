/* SPDX-License-Identifier: MIT */
/* Wikitext to text, titles to keys, and the sorter that joins them. */
#include "config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/sorter.h"
#include "tap.h"
#include "wiki/wikitext.h"

static const struct { const char *source, *text; } table[] = {
    { "", "" },
    { "'''A''' is ''b'' and '''''c'''''.", "A is b and c.\n" },
    { "l'''homme''' and it''s", "lhomme and its\n" },
    { "L'''amour'' ", "L'amour\n" },
    { "a [[b]] [[c|d]] [[e (f)|]] [[g]]s.", "a b d e gs.\n" },
    { "x ({{IPA|a}}; {{b}}) y", "x y\n" },
    { "x ({{IPA|a}}; born 1900, {{b}}) y", "x (born 1900) y\n" },
    { "x {{a}}, y{{b}}. z {{c}} w", "x, y. z w\n" },
    { "f() is kept", "f() is kept\n" },
    { "{{a|{{b|{{c}}}}|{{{d|e}}}}}x", "x\n" },
    { "{{lang|fr|mot}} {{lang-de|Wort}} {{nowrap|a b}}",
      "mot Wort a b\n" },
    { "{{convert|5|km|mi}} {{convert|5|-|6|mi}} {{frac|1|2}} {{c.|1900}}",
      "5 km 5\xe2\x80\x93""6 miles 1/2 c. 1900\n" },
    { "{{as of|2010|5}} {{As of|2011|lc=y}}", "As of May 2010 as of 2011\n" },
    { "a<ref>b</ref><ref name=c/> d<ref>e", "a de\n" },
    { "a<!-- b -->c <!-- d", "ac\n" },
    { "<nowiki>[[a]] ''b''</nowiki>", "[[a]] ''b''\n" },
    { "a<br>b<br/>c 10<sup>6</sup> H<sub>2</sub>O <b class=x>d</b>",
      "a b c 10^6 H2O d\n" },
    { "a < b, c > d, <unknown>", "a < b, c > d, <unknown>\n" },
    { "E <math>x+1</math> <math>\\frac{a}{b}</math>, y", "E x+1, y\n" },
    { "a\nb\n\nc\n== d ==\ne\n* f\n# g\n: h\n----\ni",
      "a b\nc\nd\ne\nf\ng\nh\ni\n" },
    { "{|\n! a\n|-\n| b [[c]]\n|}\nd", "d\n" },
    { "{| class=x\n| {{a|\n|}}\n|}\nd", "d\n" },
    /* Braces behind the end of a table, and those that only look so. */
    { "{{a|\n{|\n| b\n|}}} c", "c\n" },
    { "{{a|\n{|\n| b\n|}}}}} c", "c\n" },
    { "{{a|{{b|\n{|\n| c\n|}}}} d", "d\n" },
    { "{{a|{{b|c\n|}}}} d", "d\n" },
    { "{|\n| b\n|}}}}} c", "c\n" },
    { "{|\n| never closed\ntext", "text\n" },
    { "| stray\ntext\n}}\nmore", "text\nmore\n" },
    { "{{never closed\n| a = b\ntext", "never closed\ntext\n" },
    { "[[File:a.jpg|thumb|[[b]] and ''c'']]d[[Category:e]][[de:f]]", "d\n" },
    { "[[:Category:a|b]] [[:de:c|d]] [[wikt:e|f]]", "b d f\n" },
    { "[[never closed\ntext [[a|b", "never closed text a|b\n" },
    { "[http://a b c] [http://d] http://e", "b c http://e\n" },
    { "&lt;a&gt; &amp;&nbsp;b &eacute; &#233; &unknown;",
      "<a> & b \xc3\xa9 \xc3\xa9 &unknown;\n" },
    { "__NOTOC__a __b__", "a __b__\n" },
    { "a  b \t c", "a b c\n" },
    { "<table><tr><td>a</table>b <gallery>c</gallery>d", "b d\n" },
    { "x { y } [ z ] | w", "x { y } [ z ] | w\n" },
    /* Files and categories in other languages; a picture by its parts. */
    { "[[Bestand:M.jpg|thumb|260px|De molen]] De [[Categorie:M]]molen",
      "De molen\n" },
    { "[[\xe7\x94\xbb\xe5\x83\x8f:a.jpg|x]]a[[\xe5\x88\x86\xe7\xb1\xbb:b]]"
      "[[Imagen:a.svg]] [[:Bild:a.png|b]]", "a b\n" },
    { "[[Unheard:a.JPeG|b]]a [[a.jpg|b]] [[Unheard:a.jpgs|c]]", "a b c\n" },
    { "[[Unheard:a|thumb|200px|[[b]] c]]d [[e|x200 px|f]]g", "d g\n" },
    { "[[Thumb|thumb]] [[a|640x480px]] [[b|c|thumbs]]",
      "thumb 640x480px c|thumbs\n" },
    /* Brackets around links, and addresses in them. */
    { "\"[[[a|b]]] and [[[c]]]\" [[[[d]]]] [ [[e]] ]",
      "\"[b] and [c]\" d [ e ]\n" },
    { "([[a]]) {[[b]]} {{{[[c]]}}} [[[http://x y]]]", "(a) {b} [y]\n" },
    { "[[File:a.jpg|thumb|The mill, see [http://b here]]] x", "x\n" },
    { "[[File:a.jpg|see [http://b]]]x [[a|b [c]]] d [[e|[f] g]] [h]]",
      "x b [c] d [f] g [h\n" },
    { "[[File:a|[[b|c [d]]] e [f]]]g", "g\n" },
    { "[[a|b [http://x c]]] [[d]]]", "b c d]\n" },
    /* Where addresses end. */
    { "([http://x.org/p.htm''La muerte'' (1901)] in)",
      "(La muerte (1901) in)\n" },
    { "[http://x'y z] [http://x<b>a</b> b] [http://x\"a\" b] [http://x\tc]",
      "z a b \"a\" b c\n" },
    { "[http://x\xe3\x80\x80\xe6\x97\xa5] [http://x\xc2\xa0y] "
      "[[http://x''y'' z]]",
      "\xe6\x97\xa5 y y z\n" },
    { "a</br>b</BR >c</br/>d", "a b c d\n" },
    /* A bracket that would vanish lies before the argument. */
    { "{{lang|fr (|<ref>x</ref>)}}y", ")y\n" },
    { "{{abbr|a, (|<ref>x</ref>), b|c}}y", "a, (y\n" },
    { "{{chem|a, |<ref>x</ref>. b}}y", "a,. by\n" },
    { "a ({{chem|b|<ref>x</ref>)}}y", "a (b)y\n" },
    { "a ({{lang|x|<ref>x</ref>)}}y", "a ()y\n" },
    /* Names of templates whose 64th byte is inside a character. */
    { "{{fracfraclangfrac\xe4\x88\xb4--Parisfracas offracParisfontfracfrac"
      "\xe4\x88\xb4--Paris\xe4\x88\xb4--}}x", "x\n" },
    { "{{Bundesrepublik Deutschland, Gesetze und Verordnungen im "
      "Gesun\xc3\xa9\xc3\xa9\xc3\xa9|a}}x", "x\n" },
};

static struct bl_wikisite *site;
static struct bl_wikitext *reader;

static void test_table(void)
{
    for (size_t i = 0; i < BL_COUNT(table); i++) {
        const struct bl_wikipage *p =
            bl_wikitext_read(reader, site, bl_span_of(table[i].source));
        char *got = strndup(p->text.p ? p->text.p : "", p->text.n);

        is_str(got, table[i].text, table[i].source);
        free(got);
    }
}

static void test_links(void)
{
    const struct bl_wikipage *p = bl_wikitext_read(reader, site, bl_span_of(
        "{{box|[[Hidden|one]]}} {{nowrap|[[Shown|two]]}} [[a_b#c|x]]s "
        "[[Outer|[[Inner]]]]"));

    ok(p->n_links == 4, "four links");
    ok(bl_span_is(p->links[0].key, "hidden") && p->links[0].end == 0,
       "one in what vanishes has no place");
    for (size_t i = 1; i < p->n_links; i++) {
        const struct bl_wikilink *l = &p->links[i];

        ok(bl_span_eq(l->anchor, (struct bl_span){ p->text.p + l->start,
                                                   l->end - l->start }),
           "link %zu stands where it says", i);
    }
    ok(bl_span_is(p->links[2].key, "a b")
       && bl_span_is(p->links[2].anchor, "xs"), "a key and a trail");
    p = bl_wikitext_read(reader, site, bl_span_of("x {{Disambig-cleanup}}"));
    ok(p->disambiguation, "a disambiguation page");
    p = bl_wikitext_read(reader, site,
                         bl_span_of("x {{disambiguation needed}}"));
    ok(!p->disambiguation, "but not a mark on a link");
}

static void key_is(const char *title, const char *want,
                   enum bl_wiki_kind kind)
{
    struct bl_buf b = BL_BUF_INIT;
    int ns;
    enum bl_wiki_kind got = bl_wikititle_key(site, bl_span_of(title), &b,
                                             &ns);

    bl_buf_putc(&b, '\0');
    ok(got == kind, "'%s' is of kind %d", title, kind);
    is_str(b.data, want, title);
    bl_buf_free(&b);
}

static void test_keys(void)
{
    key_is("Paris", "paris", BL_WIKI_PAGE);
    key_is(" paris_ (Texas)#History ", "paris (Texas)", BL_WIKI_PAGE);
    key_is("\xc3\x89tat", "\xc3\xa9tat", BL_WIKI_PAGE);
    key_is("AT&amp;T", "aT&T", BL_WIKI_PAGE);
    key_is("%C3%89tat", "\xc3\xa9tat", BL_WIKI_PAGE);
    key_is("File:a.jpg", "", BL_WIKI_HIDDEN);
    key_is("kategorie : Foo", "", BL_WIKI_HIDDEN);
    key_is(":Category:Foo", "\1" "14\1foo", BL_WIKI_PAGE);
    key_is("de:Berlin", "", BL_WIKI_HIDDEN);
    key_is(":de:Berlin", "", BL_WIKI_OUTSIDE);
    key_is("wikt:word", "", BL_WIKI_OUTSIDE);
    key_is("2001: A Space", "2001: A Space", BL_WIKI_PAGE);
    key_is("a{b", "", BL_WIKI_NONE);
    key_is("#section", "", BL_WIKI_NONE);
}

/* Against counting in an array: 40,000 strings of 3,000. */
static void url_is(const char *title, const char *want)
{
    struct bl_buf b = BL_BUF_INIT;
    bool got = bl_wikisite_url(site, bl_span_of(title), &b);

    bl_buf_putc(&b, '\0');
    ok(got == (want != NULL) && !strcmp(b.data, want ? want : ""),
       "address of '%s': '%s'", title, b.data);
    bl_buf_free(&b);
}

static void test_urls(void)
{
    bl_wikisite_base(site, bl_span_of("https://a.org/wiki/Main Page"));
    url_is("Paris", NULL);
    bl_wikisite_base(site, bl_span_of("https://a.org/\x1b[2J/Main"));
    url_is("Paris", NULL);
    bl_wikisite_base(site, bl_span_of("https://a.org/wiki/Main_Page"));
    url_is("New York", "https://a.org/wiki/New_York");
    url_is("\xc3\xa9?", "https://a.org/wiki/%C3%A9%3F");
    url_is("a\tb\x1b\x7f", "https://a.org/wiki/a%09b%1B%7F");
}

static void test_sorter(size_t memory)
{
    struct bl_sorter *s = bl_sorter_new(memory, "/tmp/x");
    static uint64_t count[3000];
    struct bl_span key;
    struct bl_err err;
    uint64_t sum, r = 1;
    size_t n = 0, bad = 0;
    char name[16], last[16] = "";

    memset(count, 0, sizeof count);
    for (size_t i = 0; i < 40000; i++) {
        r = r * 6364136223846793005u + 1442695040888963407u;
        count[(r >> 33) % 3000] += i;
        snprintf(name, sizeof name, "k%04zu", (size_t)((r >> 33) % 3000));
        bad += bl_sorter_add(s, bl_span_of(name), i, &err) < 0;
    }
    for (int again = 0; again < 2; again++) {
        bad += bl_sorter_start(s, &err) < 0;
        last[0] = '\0';
        for (n = 0; bl_sorter_next(s, &key, &sum, &err) == 1; n++) {
            snprintf(name, sizeof name, "%.*s", (int)key.n, key.p);
            bad += strcmp(last, name) >= 0;
            bad += count[strtoul(name + 1, NULL, 10)] != sum;
            memcpy(last, name, sizeof last);
        }
    }
    ok(bad == 0 && n == 3000, "sorted in %zu bytes", memory);
    bl_sorter_free(s);
}

int main(void)
{
    site = bl_wikisite_new();
    bl_wikisite_namespace(site, 14, bl_span_of("Kategorie"));
    reader = bl_wikitext_new();
    test_table();
    test_links();
    test_keys();
    test_urls();
    test_sorter(1 << 24);
    test_sorter(1 << 14);
    bl_wikitext_free(reader);
    bl_wikisite_free(site);
    return tap_done();
}
