# ---- Fuzzing: `make check` replays tests/data/fuzz/TARGET/*, and
# `make fuzz TARGET=fuzz-json SECONDS=60` looks for more with clang. ----
FUZZERS = \
	tests/fuzz/fuzz-array \
	tests/fuzz/fuzz-bunzip \
	tests/fuzz/fuzz-doc \
	tests/fuzz/fuzz-document \
	tests/fuzz/fuzz-faiss \
	tests/fuzz/fuzz-index \
	tests/fuzz/fuzz-int8 \
	tests/fuzz/fuzz-json \
	tests/fuzz/fuzz-kernels \
	tests/fuzz/fuzz-lines \
	tests/fuzz/fuzz-names \
	tests/fuzz/fuzz-pickle \
	tests/fuzz/fuzz-safetensors \
	tests/fuzz/fuzz-utf8 \
	tests/fuzz/fuzz-vector \
	tests/fuzz/fuzz-vocab \
	tests/fuzz/fuzz-wikidump \
	tests/fuzz/fuzz-wikitext \
	tests/fuzz/fuzz-wordpiece
check_PROGRAMS += $(FUZZERS)
tests_fuzz_fuzz_array_SOURCES = \
	tests/fuzz/fuzz-array.c tests/fuzz/standalone.c
tests_fuzz_fuzz_bunzip_SOURCES = \
	tests/fuzz/fuzz-bunzip.c tests/fuzz/standalone.c
tests_fuzz_fuzz_doc_SOURCES = tests/fuzz/fuzz-doc.c tests/fuzz/standalone.c
tests_fuzz_fuzz_document_SOURCES = \
	tests/fuzz/fuzz-document.c tests/fuzz/standalone.c
tests_fuzz_fuzz_faiss_SOURCES = \
	tests/fuzz/fuzz-faiss.c tests/fuzz/standalone.c
tests_fuzz_fuzz_index_SOURCES = \
	tests/fuzz/fuzz-index.c tests/fuzz/standalone.c
tests_fuzz_fuzz_int8_SOURCES = \
	tests/fuzz/fuzz-int8.c tests/fuzz/feed.h tests/fuzz/standalone.c
tests_fuzz_fuzz_kernels_SOURCES = \
	tests/fuzz/fuzz-kernels.c tests/fuzz/feed.h tests/fuzz/standalone.c
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz-json.c tests/fuzz/standalone.c
tests_fuzz_fuzz_lines_SOURCES = \
	tests/fuzz/fuzz-lines.c tests/fuzz/standalone.c
tests_fuzz_fuzz_names_SOURCES = \
	tests/fuzz/fuzz-names.c tests/fuzz/standalone.c
tests_fuzz_fuzz_pickle_SOURCES = \
	tests/fuzz/fuzz-pickle.c tests/fuzz/standalone.c
tests_fuzz_fuzz_safetensors_SOURCES = \
	tests/fuzz/fuzz-safetensors.c tests/fuzz/standalone.c
tests_fuzz_fuzz_utf8_SOURCES = tests/fuzz/fuzz-utf8.c tests/fuzz/standalone.c
tests_fuzz_fuzz_vector_SOURCES = \
	tests/fuzz/fuzz-vector.c tests/fuzz/standalone.c
tests_fuzz_fuzz_vocab_SOURCES = \
	tests/fuzz/fuzz-vocab.c tests/fuzz/standalone.c
tests_fuzz_fuzz_wikidump_SOURCES = \
	tests/fuzz/fuzz-wikidump.c tests/fuzz/standalone.c
tests_fuzz_fuzz_wikitext_SOURCES = \
	tests/fuzz/fuzz-wikitext.c tests/fuzz/standalone.c
tests_fuzz_fuzz_wordpiece_SOURCES = \
	tests/fuzz/fuzz-wordpiece.c tests/fuzz/standalone.c

EXTRA_DIST += tests/fuzz/fuzz-wikitext.dict

# A target's words, if it has a .dict, find what single bytes do not.
TARGET = fuzz-json
SECONDS = 60
FUZZ_CC = clang
fuzz:
	$(MKDIR_P) fuzz/$(TARGET)
	$(FUZZ_CC) -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined \
	  -fno-sanitize-recover=all $(DEFS) $(DEFAULT_INCLUDES) \
	  $(AM_CPPFLAGS) $(CPPFLAGS) -o fuzz/$(TARGET).bin \
	  $(srcdir)/tests/fuzz/$(TARGET).c \
	  $$(for f in $(filter %.c,$(common_libcommon_la_SOURCES)); do \
	       echo "$(srcdir)/$$f"; done) \
	  $(SQLITE_LIBS) $(CJSON_LIBS) $(EXPAT_LIBS) $(BZ2_LIBS) $(LIBS) -lm
	ASAN_OPTIONS=abort_on_error=0 fuzz/$(TARGET).bin \
	  -max_total_time=$(SECONDS) -rss_limit_mb=512 -timeout=10 \
	  $$(for f in $(srcdir)/tests/fuzz/$(TARGET).dict; do \
	       test ! -f "$$f" || echo "-dict=$$f"; done) \
	  fuzz/$(TARGET) $$(ls -d $(srcdir)/tests/data/fuzz/$(TARGET) \
	                      2>/dev/null)
.PHONY: fuzz
