pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = share/blink.pc
EXTRA_DIST += \
	share/doc/training-data.md \
	share/formats/wikipedia-summaries.jq \
	share/train/demonyms.tsv \
	share/train/ner-news.tsv \
	share/train/news.tsv

# Every program writes its own bash completion.
completionsdir = $(datadir)/bash-completion/completions
nodist_completions_DATA = $(bin_PROGRAMS:bin/%$(EXEEXT)=share/completions/%)
share/completions/%: bin/%$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) share/completions && \
		bin/$*$(EXEEXT) --completion >$@.tmp && mv $@.tmp $@
CLEANFILES += $(nodist_completions_DATA)

# The coefficients of blink-score; the same are compiled in.
calibrationdir = $(pkgdatadir)/calibration
dist_calibration_DATA = share/calibration/default.json \
	share/calibration/minilm.json

# How often a name means an entity (scripts/train-data), for blink-kb build.
namesdir = $(pkgdatadir)/names
dist_names_DATA = share/names/wikipedia-en.tsv

# For people who know BLINK.
dist_doc_DATA = share/doc/from-blink.md
