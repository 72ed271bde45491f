dist_man_MANS += man/blink.1
dist_man_MANS += man/blink-embed.1
dist_man_MANS += man/blink-tokenize.1
