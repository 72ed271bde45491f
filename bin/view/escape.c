/* SPDX-License-Identifier: MIT */
/* Text of strangers in a page. */
#include "config.h"

#include "view.h"

/* The bytes of the control character at the start of the text, of ASCII (but
 * tab and newline), DEL or C1; 0: another. */
static size_t control_length(const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;

    if (p[0] == 0xc2 && n > 1 && p[1] >= 0x80 && p[1] < 0xa0)
        return 2;
    return (p[0] < 0x20 && p[0] != '\n' && p[0] != '\t') || p[0] == 0x7f;
}

/* Control characters but tab and newline are no part of HTML. */
void bl_html_text(struct bl_buf *out, struct bl_span text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        size_t control = control_length(text.p + i, text.n - i);

        if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\'')
            bl_buf_printf(out, "&#%u;", c);
        else if (control == 0)
            bl_buf_putc(out, (char)c);
        else if (c != '\r')
            bl_buf_putc(out, ' ');
        i += control == 2;
    }
}
