pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = share/blink.pc

# systemd also looks into the prefix /usr/local.
EXTRA_DIST += share/systemd/blink-serve.service.in
if MICROHTTPD
systemddir = $(prefix)/lib/systemd/system
nodist_systemd_DATA = share/systemd/blink-serve.service
CLEANFILES += share/systemd/blink-serve.service
endif
share/systemd/blink-serve.service: share/systemd/blink-serve.service.in
	$(AM_V_GEN)$(MKDIR_P) share/systemd && \
	sed 's|[@]bindir@|$(bindir)|' $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
EXTRA_DIST += \
	share/doc/training-data.md \
	share/formats/dbpedia-names.awk \
	share/formats/geonames.jq \
	share/formats/merge-entities.awk \
	share/formats/wikipedia-summaries.jq \
	share/formats/wordnet.awk \
	share/train/demonyms.tsv \
	share/train/ner-news.tsv \
	share/train/news.tsv \
	share/train/peoples.tsv

# Every program writes its own completion, for three shells.
completionsdir = $(datadir)/bash-completion/completions
nodist_completions_DATA = $(bin_PROGRAMS:bin/%$(EXEEXT)=share/completions/%)
zsh_completionsdir = $(datadir)/zsh/site-functions
nodist_zsh_completions_DATA = \
	$(bin_PROGRAMS:bin/%$(EXEEXT)=share/completions/_%)
fish_completionsdir = $(datadir)/fish/vendor_completions.d
nodist_fish_completions_DATA = \
	$(bin_PROGRAMS:bin/%$(EXEEXT)=share/completions/%.fish)
write_completion = $(AM_V_GEN)$(MKDIR_P) share/completions && \
	bin/$*$(EXEEXT) --completion $(1) >$@.tmp && mv $@.tmp $@
share/completions/_%: bin/%$(EXEEXT)
	$(call write_completion,zsh)
share/completions/%.fish: bin/%$(EXEEXT)
	$(call write_completion,fish)
share/completions/%: bin/%$(EXEEXT)
	$(call write_completion,bash)
CLEANFILES += $(nodist_completions_DATA) $(nodist_zsh_completions_DATA) \
	$(nodist_fish_completions_DATA)

# Other systems' files, by jq: blink-formats(7).
formatsdir = $(pkgdatadir)/formats
dist_formats_DATA = \
	share/formats/aida-in.jq \
	share/formats/aida-out.jq \
	share/formats/blink-out.jq \
	share/formats/brat-in.jq \
	share/formats/brat-out.jq \
	share/formats/elevant-in.jq \
	share/formats/elevant-out.jq \
	share/formats/kilt-in.jq \
	share/formats/kilt-out.jq \
	share/formats/neleval-in.jq \
	share/formats/neleval-out.jq \
	share/formats/spacy-in.jq \
	share/formats/spacy-out.jq \
	share/formats/zelda-in.jq \
	share/formats/zelda-out.jq

# The coefficients of blink-score; the same are compiled in.
calibrationdir = $(pkgdatadir)/calibration
dist_calibration_DATA = share/calibration/default.json \
	share/calibration/minilm.json

# How often a name means an entity (scripts/train-data), for blink-kb build.
namesdir = $(pkgdatadir)/names
dist_names_DATA = share/names/wikipedia-en.tsv

# The small models, once they are there (common/model/model-family.h).  They are
# looked for when make runs, so that neither a source without them nor one of
# them that is left out is a mistake.
mini = share/models/mini
mini_files = $(patsubst $(srcdir)/%,%,$(wildcard $(1:%=$(srcdir)/$(mini)/%)))
mini_model = $(call mini_files,$(1)/config.json $(1)/blink.json \
	$(1)/model.safetensors)
minidir = $(pkgdatadir)/models/mini
dist_mini_DATA = $(call mini_files,words.safetensors vocab.txt README.md \
	calibration.json)
mini_bidir = $(minidir)/bi
dist_mini_bi_DATA = $(call mini_model,bi)
mini_crossdir = $(minidir)/cross
dist_mini_cross_DATA = $(call mini_model,cross)
mini_nerdir = $(minidir)/ner
dist_mini_ner_DATA = $(call mini_model,ner)

# The link of a build tree that is not the source tree (configure.ac).
distclean-local:
	test ! -h share/models || rm -f share/models

# For people who know BLINK; what the small models are; what
# scripts/bench.d/bench-roofline measured; how good the models are, once that was
# measured (scripts/benchmark --report share/doc).
dist_doc_DATA = share/doc/from-blink.md share/doc/mini.md \
	share/doc/own-catalogue.md \
	share/doc/performance.md share/doc/performance.svg \
	$(patsubst $(srcdir)/%,%,$(wildcard $(srcdir)/share/doc/benchmark.*))

# What the library can do (tests/install.sh builds and runs it).
doc_examplesdir = $(docdir)/examples
dist_doc_examples_SCRIPTS = share/doc/examples/solr-retrieve
dist_doc_examples_DATA = share/doc/examples/harbour.csv \
	share/doc/examples/harbour-guide.txt \
	share/doc/examples/harbour-labelled.jsonl \
	share/doc/examples/link.c

# What was tried, by topic.
doc_notesdir = $(docdir)/notes
dist_doc_notes_DATA = \
	share/doc/notes/build.md \
	share/doc/notes/cascade.md \
	share/doc/notes/catalogue.md \
	share/doc/notes/coherence.md \
	share/doc/notes/doubt.md \
	share/doc/notes/encoding.md \
	share/doc/notes/faults.md \
	share/doc/notes/names.md \
	share/doc/notes/one-pass.md \
	share/doc/notes/search.md \
	share/doc/notes/training.md
