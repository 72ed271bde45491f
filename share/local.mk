pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = share/blink.pc
EXTRA_DIST += share/formats/wikipedia-summaries.jq
