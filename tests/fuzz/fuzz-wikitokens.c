/* SPDX-License-Identifier: MIT */
/* fuzz-wikitokens: fuzz-wikitext for texts of nothing but constructs: each
 * byte of the input is one of them.  Twenty bytes nest as deep as bytes of
 * text would need an hour to. */
#include "feed.h"

int bl_wikitext_one(const uint8_t *data, size_t size);
#define LLVMFuzzerTestOneInput bl_wikitext_one
#include "fuzz-wikitext.c"
#undef LLVMFuzzerTestOneInput

enum { MOST = 4096 };

static const char *const tokens[] = {
    "{{", "}}", "{{{", "}}}", "[[", "]]", "[", "]", "{|", "|}", "\n{|\n",
    "\n|-\n", "\n|}\n", "\n! ", "\n| ", "|", "||", "!!", "|-", "=", ":", ";",
    "\n", "\n\n", "\n*", "\n#", "\n:", "\n;", "\n== ", " ==\n", "\n----\n",
    "''", "'''", "'''''", "<ref>", "</ref>", "<ref name=a/>", "<ref name=\"",
    "<references/>", "<!--", "-->", "<nowiki>", "</nowiki>", "<nowiki/>",
    "<math>", "</math>", "<pre>", "</pre>", "<gallery>\n", "\n</gallery>",
    "<table>", "</table>", "<tr>", "<td>", "<includeonly>", "</includeonly>",
    "<noinclude>", "</noinclude>", "<br>", "<br/>", "<sup>", "</sup>",
    "<div>", "</div>", "<span class=\"", "\">", "</span>", "<", ">", "<li>",
    "<blockquote>", "</blockquote>", "{{lang|fr|", "{{nowrap|", "{{convert|5|",
    "{{frac|1|2|", "{{IPA|", "{{lc:", "{{ubl|", "{{!}}", "{{'}}", "{{snd}}",
    "{{as of|", "{{disambiguation}}", "|1=", "|2=", "[[File:a.jpg|thumb|",
    "[[Category:a]]", "[[:Category:a|", "[[de:a]]", "[[a|b]]", "[[a (b)|]]",
    "[[a#b|", "[[|", "[[#a]]", "]]s", "[http://a b]", "[http://a", "[//a ",
    "http://a.b/", "__NOTOC__", "__DISAMBIG__", "&amp;", "&nbsp;", "&lt;",
    "&#160;", "&#xA0;", "&bad;", "&", "#REDIRECT [[", "A", "b", "Paris", " ",
    "  ", ". ", ", ", " (", ")", "()", "( ; ", "\xc3\xa9", "\xe2\x82\xac",
    "\xf0\x9f\x8c\x8d", "\t", "~~~~", "-{", "}-", "\"", "'", "1", "*", "#"
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_buf text = BL_BUF_INIT;
    char *exact;

    for (size_t i = 0; i < size && i < MOST; i++)
        bl_buf_puts(&text, tokens[data[i] % BL_COUNT(tokens)]);
    exact = bl_xmalloc(text.len, 1);
    if (text.len)
        memcpy(exact, text.data, text.len);
    bl_wikitext_one((const uint8_t *)exact, text.len);
    free(exact);
    bl_buf_free(&text);
    return 0;
}
