dist_man_MANS += man/blink.1
