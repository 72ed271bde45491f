# ---- Fuzzing: `make check` replays tests/data/fuzz/TARGET/*, and
# `make fuzz FUZZ_TIME=600` looks for more with clang.  A target is one file,
# tests/fuzz/TARGET.c, and what it has of words is in tests/fuzz/TARGET.dict. ----
FUZZERS = \
	tests/fuzz/fuzz-array \
	tests/fuzz/fuzz-base64 \
	tests/fuzz/fuzz-bunzip \
	tests/fuzz/fuzz-checkpoint \
	tests/fuzz/fuzz-coherence \
	tests/fuzz/fuzz-conll \
	tests/fuzz/fuzz-convert \
	tests/fuzz/fuzz-csv \
	tests/fuzz/fuzz-doc \
	tests/fuzz/fuzz-document \
	tests/fuzz/fuzz-elq \
	tests/fuzz/fuzz-entities \
	tests/fuzz/fuzz-eval \
	tests/fuzz/fuzz-examples \
	tests/fuzz/fuzz-faiss \
	tests/fuzz/fuzz-fold \
	tests/fuzz/fuzz-index \
	tests/fuzz/fuzz-int8 \
	tests/fuzz/fuzz-json \
	tests/fuzz/fuzz-kb \
	tests/fuzz/fuzz-kb-values \
	tests/fuzz/fuzz-kernels \
	tests/fuzz/fuzz-lexical \
	tests/fuzz/fuzz-lines \
	tests/fuzz/fuzz-link \
	tests/fuzz/fuzz-mention \
	tests/fuzz/fuzz-model \
	tests/fuzz/fuzz-names \
	tests/fuzz/fuzz-options \
	tests/fuzz/fuzz-pages \
	tests/fuzz/fuzz-pickle \
	tests/fuzz/fuzz-prompt \
	tests/fuzz/fuzz-rank \
	tests/fuzz/fuzz-rows \
	tests/fuzz/fuzz-safetensors \
	tests/fuzz/fuzz-state \
	tests/fuzz/fuzz-string \
	tests/fuzz/fuzz-table \
	tests/fuzz/fuzz-text \
	tests/fuzz/fuzz-title \
	tests/fuzz/fuzz-tokenizer \
	tests/fuzz/fuzz-utf8 \
	tests/fuzz/fuzz-vector \
	tests/fuzz/fuzz-view \
	tests/fuzz/fuzz-vocab \
	tests/fuzz/fuzz-wikidump \
	tests/fuzz/fuzz-wikitext \
	tests/fuzz/fuzz-wikitokens \
	tests/fuzz/fuzz-wordpiece \
	tests/fuzz/fuzz-zeshel
check_PROGRAMS += $(FUZZERS)
tests_fuzz_fuzz_view_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/bin
tests_fuzz_fuzz_prompt_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEDIT_CFLAGS)
tests_fuzz_fuzz_prompt_LDADD = $(LDADD) $(LIBEDIT_LIBS)
EXTRA_DIST += tests/fuzz/README.md tests/fuzz/catalogue.h tests/fuzz/feed.h \
	$(wildcard $(srcdir)/tests/fuzz/*.dict)

# The library and each target once more, by clang, in fuzz/ of the build tree.
FUZZ_CC = clang
FUZZ_SANITIZE = address,undefined
FUZZ_COMPILE = $(FUZZ_CC) -std=gnu11 -g -O1 -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -DFUZZ_ENGINE -MMD $(DEFS) \
	$(DEFAULT_INCLUDES) $(AM_CPPFLAGS) -I$(top_srcdir)/bin \
	$(LIBEDIT_CFLAGS) $(CPPFLAGS)
FUZZ_OBJECTS = $(patsubst %.c,fuzz/%.o,$(filter %.c, \
	$(common_libcommon_la_SOURCES)))
fuzz/common/%.o: common/%.c
	@$(MKDIR_P) $(@D)
	$(AM_V_CC)$(FUZZ_COMPILE) \
	  -fsanitize=fuzzer-no-link,$(FUZZ_SANITIZE) -c -o $@ $<
fuzz/libcommon.a: $(FUZZ_OBJECTS)
	$(AM_V_GEN)rm -f $@ && $(AR) cr $@ $(FUZZ_OBJECTS)
fuzz/%.bin: tests/fuzz/%.c fuzz/libcommon.a
	$(AM_V_CCLD)$(FUZZ_COMPILE) -fsanitize=fuzzer,$(FUZZ_SANITIZE) \
	  -o $@ $< fuzz/libcommon.a $(SQLITE_LIBS) $(CJSON_LIBS) \
	  $(EXPAT_LIBS) $(BZ2_LIBS) $(LIBEDIT_LIBS) $(LIBS) -lm
.SECONDARY: $(FUZZ_OBJECTS)
-include $(wildcard fuzz/*.d fuzz/common/*/*.d)

# For scripts/check.d/fuzz: the names of all targets.
fuzz-list:
	@echo $(notdir $(FUZZERS))
fuzz:
	FUZZ_TIME='$(FUZZ_TIME)' $(srcdir)/scripts/check.d/fuzz $(TARGET)
.PHONY: fuzz fuzz-list
