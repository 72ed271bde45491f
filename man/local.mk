dist_man_MANS += man/blink.1
dist_man_MANS += man/blink-embed.1
dist_man_MANS += man/blink-tokenize.1
dist_man_MANS += man/blink-index.1 man/blink-index.5
dist_man_MANS += man/blink-retrieve.1
