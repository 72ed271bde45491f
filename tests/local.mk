# Every test prints TAP.  Unit tests are C programs, the others shell.
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = bash
TEST_EXTENSIONS = .sh
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	PATH="$(abs_top_builddir)/bin:$$PATH"; export PATH; \
	sanitizers='$(BL_SAN)'; export sanitizers; \
	CC='$(CC)'; export CC;

UNIT_TESTS = \
	tests/unit/test-rank \
	tests/unit/test-gather \
	tests/unit/test-kb \
	tests/unit/test-kb-hostile \
	tests/unit/test-names \
	tests/unit/test-metrics \
	tests/unit/test-encoder \
	tests/unit/test-safetensors \
	tests/unit/test-mem \
	tests/unit/test-lines \
	tests/unit/test-doc \
	tests/unit/test-reading \
	tests/unit/test-document \
	tests/unit/test-tagset \
	tests/unit/test-wrap \
	tests/unit/test-file \
	tests/unit/test-f32 \
	tests/unit/test-cascade \
	tests/unit/test-index \
	tests/unit/test-input \
	tests/unit/test-int8 \
	tests/unit/test-int8-amx \
	tests/unit/test-json \
	tests/unit/test-json-cases \
	tests/unit/test-pipeline \
	tests/unit/test-record \
	tests/unit/test-sha256 \
	tests/unit/test-stack \
	tests/unit/test-topk \
	tests/unit/test-topk-both \
	tests/unit/test-torchfile \
	tests/unit/test-torchfile-parts \
	tests/unit/test-train \
	tests/unit/test-train-elq \
	tests/unit/test-utf8 \
	tests/unit/test-wikitext \
	tests/unit/test-wordpiece \
	tests/unit/test-words \
	tests/unit/test-writer \
	tests/unit/test-vector
check_PROGRAMS += $(UNIT_TESTS) tests/bench/bench-topk tests/bench/bench-ann \
	tests/bench/bench-peaks

SHELL_TESTS = \
	tests/arrays.sh \
	tests/bench-embed.sh \
	tests/bench-original.sh \
	tests/bench-roofline.sh \
	tests/benchmark.sh \
	tests/blink-elq.sh \
	tests/blink-eval.sh \
	tests/blink-embed.sh \
	tests/blink-cluster.sh \
	tests/blink-coherence.sh \
	tests/blink-convert.sh \
	tests/blink-index.sh \
	tests/blink-kb.sh \
	tests/blink-kb-wiki.sh \
	tests/blink-ner.sh \
	tests/one-pass.sh \
	tests/blink-rerank.sh \
	tests/blink-retrieve.sh \
	tests/blink-score.sh \
	tests/blink-serve.sh \
	tests/blink-table.sh \
	tests/blink-tokenize.sh \
	tests/blink-train.sh \
	tests/blink-view.sh \
	tests/blink.sh \
	tests/check-long.sh \
	tests/commands.sh \
	tests/completion.sh \
	tests/checksrc.sh \
	tests/download-blink.sh \
	tests/entities.sh \
	tests/equivalence.sh \
	tests/faiss.sh \
	tests/faults-blink.sh \
	tests/faults-convert.sh \
	tests/faults-data.sh \
	tests/faults-files.sh \
	tests/faults-folders.sh \
	tests/faults-inject.sh \
	tests/faults-json.sh \
	tests/faults-kills.sh \
	tests/faults-living.sh \
	tests/faults-locale.sh \
	tests/faults-options.sh \
	tests/faults-space.sh \
	tests/faults-stream.sh \
	tests/faults-terminal.sh \
	tests/faults-writers.sh \
	tests/faults-utf8.sh \
	tests/family.sh \
	tests/from-blink.sh \
	tests/fuzz-replay.sh \
	tests/get-wikipedia.sh \
	tests/golden-blink.sh \
	tests/golden-rank.sh \
	tests/golden-runs.sh \
	tests/headers.sh \
	tests/install.sh \
	tests/interactive.sh \
	tests/layers.sh \
	tests/lexical.sh \
	tests/living.sh \
	tests/man-examples.sh \
	tests/man-help.sh \
	tests/man-lint.sh \
	tests/names.sh \
	tests/count.sh \
	tests/folders.sh \
	tests/formats.sh \
	tests/output.sh \
	tests/own-catalogue.sh \
	tests/parts.sh \
	tests/pipeline.sh \
	tests/processors.sh \
	tests/quantize.sh \
	tests/quickstart.sh \
	tests/quirks.sh \
	tests/real-model.sh \
	tests/reranker.sh \
	tests/rss.sh \
	tests/scripts-options.sh \
	tests/security.sh \
	tests/shard.sh \
	tests/shard-hosts.sh \
	tests/shellcheck.sh \
	tests/solr.sh \
	tests/tables.sh \
	tests/train-data.sh \
	tests/train-mini.sh \
	tests/tutorial.sh \
	tests/tune.sh \
	tests/uni-tables.sh \
	tests/zeshel.sh
TESTS += $(UNIT_TESTS) $(SHELL_TESTS)
EXTRA_DIST += $(SHELL_TESTS) tests/lib.sh tests/http-server.py \
	tests/search-server.py tests/server.sh \
	tests/torch-save.pl tests/fault-cases.sh tests/models.sh tests/part.sh \
	tests/stages.sh tests/train-shared.sh
# A command's peak of memory, and a library that makes calls fail.
check_PROGRAMS += tests/maxrss tests/parts tests/pty
check_LTLIBRARIES = tests/inject.la
tests_inject_la_SOURCES = tests/inject.c
tests_inject_la_LDFLAGS = -module -avoid-version -rpath /nowhere
tests_inject_la_LIBADD =
EXTRA_DIST += tests/unit/golden.h tests/unit/make-index.h \
	tests/unit/random-model.h tests/unit/tap.h
EXTRA_DIST += tests/data

# ---- The same tests under other eyes ----
# A second build, in $(SECOND)/build, configured as this one and with more
# options.  The copy of the sources is what a tarball would hold: configure
# refuses to build elsewhere from sources that something was built in.
SECOND = asan
SECOND_OPTIONS = --enable-sanitizers
second-build:
	$(MKDIR_P) $(SECOND)/build
	$(MAKE) distdir distdir=$(SECOND)/source
	test -f $(SECOND)/build/Makefile || { \
	  eval "set x $$(./config.status --config)"; shift; \
	  cd $(SECOND)/build && ../source/configure -q "$$@" \
	    CFLAGS='-g -O1' CXXFLAGS='-g -O1' $(SECOND_OPTIONS); }
	cd $(SECOND)/build && $(MAKE) all && $(MAKE) check TESTS=
check-asan: second-build
	BLINK_SHARED=$${BLINK_SHARED:-$(abs_top_srcdir)/../shared} && \
	  export BLINK_SHARED && cd asan/build && \
	  ASAN_OPTIONS=exitcode=99:detect_leaks=1:allocator_may_return_null=1 \
	  LSAN_OPTIONS=print_suppressions=0:suppressions=$(abs_top_srcdir)/tests/lsan.supp \
	  UBSAN_OPTIONS=print_stacktrace=1 $(MAKE) check

# Unit tests and the programs, but for libtorch, under valgrind.
VALGRIND = valgrind -q --error-exitcode=99 --leak-check=full \
	--errors-for-leak-kinds=definite \
	--suppressions=$(abs_top_srcdir)/tests/valgrind.supp $(VALGRIND_OPTIONS)
VALGRIND_CHECK = check
check-valgrind:
	BLINK_VALGRIND='$(VALGRIND)' \
	  $(MAKE) $(VALGRIND_CHECK) LOG_COMPILER='$(VALGRIND)'

# What scripts/lib/part.sh asks for.
list-tests:
	@echo $(TESTS)
.PHONY: check-asan check-valgrind list-tests second-build
EXTRA_DIST += tests/lsan.supp tests/unreached.txt tests/valgrind.supp

# Timed by scripts/bench.d/bench-tokenizer; built when asked for.
EXTRA_PROGRAMS += tests/bench/tokenize
tests_bench_tokenize_SOURCES = tests/bench/tokenize.c
