# One program a file, which is options and records only; what a program has
# more of lies in a folder of its name (the driver's is of `blink`).
LDADD = common/libcommon.la
bin_PROGRAMS += bin/blink
bin_blink_SOURCES = \
	bin/blink.c \
	bin/driver/answer.c \
	bin/driver/brief.c \
	bin/driver/count.c \
	bin/driver/csv.c \
	bin/driver/doctor.c \
	bin/driver/document.c \
	bin/driver/driver.h \
	bin/driver/folder.c \
	bin/driver/help.c \
	bin/driver/hints.c \
	bin/driver/history.c \
	bin/driver/interactive.c \
	bin/driver/kind.c \
	bin/driver/link.c \
	bin/driver/list.c \
	bin/driver/prompt.c \
	bin/driver/records.c \
	bin/driver/row.c \
	bin/driver/stages.c \
	bin/driver/table.c \
	bin/driver/terminal.c \
	bin/driver/text.c \
	bin/driver/tune.c \
	bin/driver/weights.c
bin_blink_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEDIT_CFLAGS)
bin_blink_LDADD = $(LDADD) $(LIBEDIT_LIBS)
bin_PROGRAMS += bin/blink-convert
bin_blink_convert_SOURCES = bin/blink-convert.c
bin_PROGRAMS += bin/blink-view
bin_blink_view_SOURCES = \
	bin/blink-view.c \
	bin/driver/driver.h \
	bin/driver/row.c \
	bin/driver/terminal.c \
	bin/view/ansi.c \
	bin/view/compare.c \
	bin/view/document.c \
	bin/view/escape.c \
	bin/view/file.c \
	bin/view/html.c \
	bin/view/summary.c \
	bin/view/texts.c \
	bin/view/view.h
bin_blink_view_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/bin
bin_PROGRAMS += bin/blink-tokenize
bin_blink_tokenize_SOURCES = bin/blink-tokenize.c
bin_PROGRAMS += bin/blink-elq
bin_blink_elq_SOURCES = bin/blink-elq.c
bin_PROGRAMS += bin/blink-embed
bin_blink_embed_SOURCES = bin/blink-embed.c
bin_PROGRAMS += bin/blink-eval
bin_blink_eval_SOURCES = bin/blink-eval.c
bin_PROGRAMS += bin/blink-score
bin_blink_score_SOURCES = bin/blink-score.c
bin_PROGRAMS += bin/blink-index bin/blink-retrieve
bin_blink_index_SOURCES = \
	bin/blink-index.c \
	bin/catalogue.c \
	bin/catalogue.h \
	bin/index/approximate.c \
	bin/index/approximate.h \
	bin/index/change.c \
	bin/index/change.h \
	bin/index/parts.c \
	bin/index/parts.h
bin_blink_retrieve_SOURCES = bin/blink-retrieve.c
bin_PROGRAMS += bin/blink-kb
bin_blink_kb_SOURCES = \
	bin/blink-kb.c \
	bin/catalogue.c \
	bin/catalogue.h \
	bin/kb/form.c \
	bin/kb/form.h \
	bin/kb/info.c \
	bin/kb/info.h \
	bin/kb/name-file.c \
	bin/kb/name-file.h \
	bin/kb/reader.c \
	bin/kb/reader.h \
	bin/kb/remove.c \
	bin/kb/remove.h \
	bin/kb/wikipedia.c \
	bin/kb/wikipedia.h
bin_PROGRAMS += bin/blink-cluster
bin_blink_cluster_SOURCES = bin/blink-cluster.c
bin_PROGRAMS += bin/blink-coherence
bin_blink_coherence_SOURCES = bin/blink-coherence.c
bin_PROGRAMS += bin/blink-merge
bin_blink_merge_SOURCES = bin/blink-merge.c
bin_PROGRAMS += bin/blink-ner
bin_blink_ner_SOURCES = bin/blink-ner.c
bin_PROGRAMS += bin/blink-rerank
bin_blink_rerank_SOURCES = bin/blink-rerank.c
bin_PROGRAMS += bin/blink-train
bin_blink_train_SOURCES = \
	bin/blink-train.c \
	bin/train/bi.c \
	bin/train/cross.c \
	bin/train/elq.c \
	bin/train/ner.c \
	bin/train/run.c \
	bin/train/train.h
if MICROHTTPD
bin_PROGRAMS += bin/blink-serve
bin_blink_serve_SOURCES = \
	bin/blink-serve.c \
	bin/driver/document.c \
	bin/driver/driver.h \
	bin/serve/answer.c \
	bin/serve/http.c \
	bin/serve/link.c \
	bin/serve/listen.c \
	bin/serve/listen.h \
	bin/serve/model.c \
	bin/serve/page.c \
	bin/serve/pool.c \
	bin/serve/pool.h \
	bin/serve/serve.h \
	bin/serve/state.c \
	bin/serve/stream.c \
	bin/serve/stream.h \
	bin/serve/worker.c \
	bin/serve/worker.h \
	bin/view/escape.c \
	bin/view/view.h
bin_blink_serve_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/bin \
	$(MICROHTTPD_CFLAGS)
bin_blink_serve_LDADD = $(LDADD) $(MICROHTTPD_LIBS)
endif
