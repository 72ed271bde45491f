# libcommon: everything but options and main().  Programs link it whole, so
# that they run from the build tree as they do when installed.
noinst_LTLIBRARIES += common/libcommon.la
common_libcommon_la_SOURCES = \
	common/alias-title.c common/alias-title.h \
	common/adamw.c common/adamw.h \
	common/ann.c common/ann.h common/faiss-shim.h \
	common/ann-make.c common/ann-module.h \
	common/arena.c common/arena.h \
	common/array.c common/array.h \
	common/batch.c \
	common/blas.c common/blas.h \
	common/f32.c common/f32.h common/f32-template.h \
	common/buf.c common/buf.h \
	common/bytes.h \
	common/calibration-default.h \
	common/calibration.c common/calibration.h \
	common/candidates.c common/candidates.h \
	common/cascade.c common/cascade.h \
	common/checkpoint.c common/checkpoint.h \
	common/convert.c common/convert.h \
	common/convert-config.c \
	common/convert-vocab.c \
	common/convert-weights.c \
	common/conll.c common/conll.h \
	common/dense.c common/dense.h \
	common/encoder.c common/encoder.h \
	common/engine.h \
	common/engine-cpu.c \
	common/engine-reference.c \
	common/engine-torch.c common/torch-shim.h \
	common/dictionary.c common/dictionary.h \
	common/wrap.c common/wrap.h \
	common/doc.c common/doc.h \
	common/document.c common/document.h \
	common/err.c common/err.h \
	common/faiss-file.c common/faiss-file.h \
	common/faiss-graph.c \
	common/faiss-take.c \
	common/faiss-walk.c common/faiss-walk.h \
	common/file.c common/file.h \
	common/examples.c common/examples.h \
	common/fold.c common/fold.h \
	common/half.h \
	common/index.c common/index.h \
	common/index-write.c common/index-file.h \
	common/index-codes.c common/index-codes.h \
	common/input.c common/input.h \
	common/int8.c common/int8.h \
	common/int8-amx.c \
	common/int8-kernels.c common/int8-kernels.h \
	common/int8-neon.c \
	common/int8-rows-template.h \
	common/int8-template.h \
	common/int8-reach.c \
	common/int8-x86.c \
	common/json.c common/json.h \
	common/json-check.c \
	common/judge-sums.c \
	common/judge.c common/judge.h \
	common/kb.c common/kb.h \
	common/kb-build.c common/kb-build.h \
	common/kb-counts.c common/kb-counts.h \
	common/kb-input.c \
	common/initials.c common/initials.h \
	common/kb-names.c common/kb-names.h \
	common/kb-sql.c common/kb-sql.h \
	common/kb-wiki.c common/kb-wiki.h \
	common/kb-wiki-join.c common/kb-wiki-parts.h \
	common/kb-wiki-mentions.c \
	common/kb-wiki-page.c \
	common/kb-wiki-stream.c \
	common/kernels.c common/kernels.h \
	common/kernels-template.h \
	common/label.c common/label.h \
	common/label-map.c common/label-map.h \
	common/lines.c common/lines.h \
	common/loop.c common/loop.h \
	common/mem.c common/mem.h \
	common/metrics.c common/metrics.h \
	common/model.c common/model.h \
	common/family-pack.c common/family-pack.h \
	common/model-family.c common/model-family.h \
	common/model-plain.c common/model-plain.h \
	common/model-bind.c common/model-parts.h \
	common/model-config.c \
	common/model-write.c common/model-write.h \
	common/module.c common/module.h \
	common/naming.c common/naming.h \
	common/net.c common/net.h \
	common/newdir.c common/newdir.h \
	common/opts.c common/opts.h \
	common/opts-help.c common/opts-help.h \
	common/paths.c common/paths.h \
	common/pickle.c common/pickle.h \
	common/pickle-calls.c \
	common/pickle-value.c \
	common/pipeline.c common/pipeline.h \
	common/prog.c common/prog.h \
	common/progress.c \
	common/quantize.c common/quantize.h \
	common/quantize-model.c \
	common/random.h \
	common/rank-fit.c common/rank-fit.h \
	common/rank.c common/rank.h \
	common/record.c common/record.h \
	common/report.c common/report.h \
	common/safetensors.c common/safetensors.h \
	common/safetensors-write.c common/safetensors-write.h \
	common/rows.c common/rows.h \
	common/sha256.c common/sha256.h \
	common/stack.c common/stack.h \
	common/stale.c common/stale.h \
	common/threads.c common/threads.h \
	common/topk.c common/topk.h \
	common/topk-heap.c common/topk-heap.h \
	common/topk-int8.c common/topk-int8.h \
	common/topk-kernels.c common/topk-kernels.h \
	common/topk-template.h \
	common/tagger.c common/tagger.h \
	common/tagset.c common/tagset.h \
	common/torch-tensor.c common/torch-tensor.h \
	common/torchfile.c common/torchfile.h \
	common/train-batch.c common/train-batch.h \
	common/train-bi.c common/train-bi.h \
	common/train-cross.c common/train-cross.h \
	common/train-pool.c common/train-pool.h \
	common/train-shim.h \
	common/train-setup.c common/train-setup.h \
	common/train-state.c \
	common/train-tags.c common/train-tags.h \
	common/trainer.c common/trainer.h \
	common/bunzip.c common/bunzip.h \
	common/dumpfile.c common/dumpfile.h \
	common/lane.c common/lane.h \
	common/lanes-template.h \
	common/sorter.c common/sorter.h \
	common/spool.c common/spool.h \
	common/wikidump.c common/wikidump.h \
	common/wikinames.c \
	common/wikitext.c common/wikitext.h \
	common/wikitext-frames.c common/wikitext-walk.h \
	common/wikitext-put.c \
	common/wikitext-scan.c common/wikitext-parts.h \
	common/wikitext-templates.c \
	common/wikititle.c common/wikititle.h \
	common/uni-tables.c common/uni-tables.h \
	common/unicode.c common/unicode.h \
	common/utf8.c common/utf8.h \
	common/vector.c common/vector.h \
	common/vector-file.c common/vector-file.h \
	common/vocab.c common/vocab.h \
	common/wide.h \
	common/wordpiece.c common/wordpiece.h \
	common/words.c common/words.h \
	common/writer.c common/writer.h \
	common/zeshel.c common/zeshel.h \
	common/zip.c common/zip.h
common_libcommon_la_LIBADD = $(SQLITE_LIBS) $(CJSON_LIBS) $(EXPAT_LIBS) \
	$(BZ2_LIBS)

# libblink: the same objects for other people's programs.  Ours link
# libcommon, so that bin/* are programs and not libtool's scripts.
lib_LTLIBRARIES += common/libblink.la
common_libblink_la_SOURCES =
common_libblink_la_LIBADD = common/libcommon.la
common_libblink_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 \
	-no-undefined -export-symbols-regex '^bl_'
pkginclude_HEADERS += \
	common/arena.h \
	common/blink.h \
	common/buf.h \
	common/calibration.h \
	common/candidates.h \
	common/encoder.h \
	common/err.h \
	common/file.h \
	common/fold.h \
	common/index.h \
	common/input.h \
	common/json.h \
	common/kb.h \
	common/label.h \
	common/lines.h \
	common/mem.h \
	common/metrics.h \
	common/model.h \
	common/opts.h \
	common/paths.h \
	common/rank.h \
	common/record.h \
	common/safetensors.h \
	common/sha256.h \
	common/topk.h \
	common/unicode.h \
	common/utf8.h \
	common/vector.h \
	common/wordpiece.h \
	common/words.h

# The torch engine and the gradients of blink-train: C++, opened when
# they are wanted, so that no program links libtorch.
TORCH_SHIMS = common/torch-shim.cc common/train-shim.cc \
	common/train-graph.cc common/train-graph.hh
if TORCH
pkglib_LTLIBRARIES += common/libblink-torch.la
common_libblink_torch_la_SOURCES = common/torch-shim.cc
common_libblink_torch_la_CPPFLAGS = $(AM_CPPFLAGS) $(TORCH_CPPFLAGS)
common_libblink_torch_la_CXXFLAGS = $(TORCH_CXXFLAGS) -Wall -Wextra \
	-fvisibility=hidden $(BL_SAN)
common_libblink_torch_la_LDFLAGS = $(AM_LDFLAGS) $(TORCH_LDFLAGS) -module \
	-avoid-version -shared
common_libblink_torch_la_LIBADD = $(TORCH_LIBS)
pkglib_LTLIBRARIES += common/libblink-train.la
common_libblink_train_la_SOURCES = common/train-shim.cc \
	common/train-graph.cc common/train-graph.hh
common_libblink_train_la_CPPFLAGS = $(common_libblink_torch_la_CPPFLAGS)
common_libblink_train_la_CXXFLAGS = $(common_libblink_torch_la_CXXFLAGS)
common_libblink_train_la_LDFLAGS = $(common_libblink_torch_la_LDFLAGS)
common_libblink_train_la_LIBADD = $(TORCH_LIBS)
else
EXTRA_DIST += $(TORCH_SHIMS)
endif

# FAISS, for approximate search: C++ too, opened by ann.c in the same way.
FAISS_SHIM_SOURCES = common/faiss-shim.cc
if FAISS
pkglib_LTLIBRARIES += common/libblink-faiss.la
common_libblink_faiss_la_SOURCES = $(FAISS_SHIM_SOURCES)
common_libblink_faiss_la_CXXFLAGS = $(AM_CXXFLAGS) $(FAISS_CXXFLAGS) -Wall \
	-Wextra -fvisibility=hidden
common_libblink_faiss_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version \
	-shared -Wl,--exclude-libs,ALL
common_libblink_faiss_la_LIBADD = $(FAISS_LIBS)
else
EXTRA_DIST += $(FAISS_SHIM_SOURCES)
endif
