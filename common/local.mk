# libcommon: everything but options and main().  Programs link it whole, so
# that they run from the build tree as they do when installed.
noinst_LTLIBRARIES += common/libcommon.la
common_libcommon_la_SOURCES = \
	common/base/arena.c common/base/arena.h \
	common/base/base64.c common/base/base64.h \
	common/base/buf.c common/base/buf.h \
	common/base/bug.c common/base/bug.h \
	common/base/bytes.h \
	common/base/err.c common/base/err.h \
	common/base/file.c common/base/file.h \
	common/base/finite.c common/base/finite.h \
	common/base/crew.c common/base/crew.h \
	common/base/intern.c common/base/intern.h \
	common/base/loaded.c common/base/loaded.h \
	common/base/mem.c common/base/mem.h \
	common/base/module.c common/base/module.h \
	common/base/nearest.c common/base/nearest.h \
	common/base/newdir.c common/base/newdir.h \
	common/base/paths.c common/base/paths.h \
	common/base/random.h \
	common/base/sha256.c common/base/sha256.h \
	common/base/sorter.c common/base/sorter.h \
	common/base/spool.c common/base/spool.h \
	common/base/stale.c common/base/stale.h \
	common/base/threads.c common/base/threads.h \
	common/base/utf8.c common/base/utf8.h \
	common/json/array.c common/json/array.h \
	common/json/candidates.c common/json/candidates.h \
	common/json/document.c common/json/document.h \
	common/json/json-check.c common/json/json-locale.h \
	common/json/json.c common/json/json.h \
	common/json/lines.c common/json/lines.h \
	common/json/python.c common/json/python.h \
	common/json/record.c common/json/record.h \
	common/json/vector.c common/json/vector.h \
	common/json/writer.c common/json/writer.h \
	common/text/charref.c common/text/charref.h \
	common/text/csv.c common/text/csv.h \
	common/text/doc.c common/text/doc.h \
	common/text/fold.c common/text/fold.h \
	common/text/initials.c common/text/initials.h \
	common/text/input.c common/text/input.h \
	common/text/literal.c common/text/literal.h \
	common/text/reading.c common/text/reading.h \
	common/text/shape.c common/text/shape.h \
	common/text/symbols.c common/text/symbols.h \
	common/text/uni-tables.c common/text/uni-tables.h \
	common/text/unicode.c common/text/unicode.h \
	common/text/vocab.c common/text/vocab.h \
	common/text/wordpiece.c common/text/wordpiece.h \
	common/text/words.c common/text/words.h \
	common/text/wrap.c common/text/wrap.h \
	common/tensor/checkpoint.c common/tensor/checkpoint.h \
	common/tensor/half.h \
	common/tensor/pickle-calls.c \
	common/tensor/pickle.c common/tensor/pickle.h \
	common/tensor/safetensors-write.c common/tensor/safetensors-write.h \
	common/tensor/safetensors.c common/tensor/safetensors.h \
	common/tensor/torch-tensor.c common/tensor/torch-tensor.h \
	common/tensor/torchfile.c common/tensor/torchfile.h \
	common/tensor/zip.c common/tensor/zip.h \
	common/wiki/bunzip.c common/wiki/bunzip.h \
	common/wiki/dumpfile.c common/wiki/dumpfile.h \
	common/wiki/wikidump.c common/wiki/wikidump.h \
	common/wiki/wikinames.c \
	common/wiki/wikitext-blocks.c \
	common/wiki/wikitext-frames.c \
	common/wiki/wikitext-parts.h \
	common/wiki/wikitext-put.c \
	common/wiki/wikitext-scan.c \
	common/wiki/wikitext-templates.c \
	common/wiki/wikitext-url.c \
	common/wiki/wikitext-walk.h \
	common/wiki/wikitext.c common/wiki/wikitext.h \
	common/wiki/wikititle.c common/wiki/wikititle.h \
	common/model/int8-weights.h \
	common/model/model-bind.c \
	common/model/model-config.c \
	common/model/model-family.c common/model/model-family.h \
	common/model/model-parts.h \
	common/model/model-write.c common/model/model-write.h \
	common/model/model.c common/model/model.h \
	common/model/role.c common/model/role.h \
	common/model/rows.c common/model/rows.h \
	common/net/batch.c \
	common/net/blas.c common/net/blas.h \
	common/net/dense.c common/net/dense.h \
	common/net/encoder.c common/net/encoder.h \
	common/net/engine-cpu.c \
	common/net/engine-reference.c \
	common/net/engine-torch.c \
	common/net/engine.h \
	common/net/f32-template.h \
	common/net/f32.c common/net/f32.h \
	common/net/int8-amx.c \
	common/net/int8-kernels.c common/net/int8-kernels.h \
	common/net/int8-neon.c \
	common/net/int8-reach.c \
	common/net/int8-rows-template.h \
	common/net/int8-template.h \
	common/net/int8-x86.c \
	common/net/int8.c common/net/int8.h \
	common/net/kernels-template.h \
	common/net/kernels.c common/net/kernels.h \
	common/net/lanes-template.h \
	common/net/model-plain.c common/net/model-plain.h \
	common/net/quantize.c common/net/quantize.h \
	common/net/simd.h \
	common/net/stack.c common/net/stack.h \
	common/net/torch-shim.h \
	common/search/ann-make.c \
	common/search/ann-module.h \
	common/search/ann.c common/search/ann.h \
	common/search/faiss-file.c common/search/faiss-file.h \
	common/search/faiss-graph.c \
	common/search/faiss-shim.h \
	common/search/faiss-take.c \
	common/search/faiss-walk.c common/search/faiss-walk.h \
	common/search/index-change.c \
	common/search/index-file.h \
	common/search/index-write.c \
	common/search/index.c common/search/index.h \
	common/search/topk-heap.c common/search/topk-heap.h \
	common/search/topk-coarse.c common/search/topk-coarse.h \
	common/search/topk-kernels.c common/search/topk-kernels.h \
	common/search/topk-template.h \
	common/search/topk.c common/search/topk.h \
	common/search/vector-file.c common/search/vector-file.h \
	common/kb/kb-build.c common/kb/kb-build.h \
	common/kb/kb-change.c common/kb/kb-change.h \
	common/kb/kb-counts.c common/kb/kb-counts.h \
	common/kb/kb-fields.c common/kb/kb-fields.h \
	common/kb/kb-index.c common/kb/kb-index.h \
	common/kb/kb-input.c \
	common/kb/kb-lexical.c common/kb/kb-lexical.h \
	common/kb/kb-names.c common/kb/kb-names.h \
	common/kb/kb-schema.c common/kb/kb-schema.h \
	common/kb/kb-since.c \
	common/kb/kb-sql.c common/kb/kb-sql.h \
	common/kb/kb-table.c common/kb/kb-table.h \
	common/kb/kb-struct.h \
	common/kb/kb-wiki-join.c \
	common/kb/kb-wiki-mentions.c \
	common/kb/kb-wiki-page.c \
	common/kb/kb-wiki-parts.h \
	common/kb/kb-wiki-seen.c \
	common/kb/kb-wiki.c common/kb/kb-wiki.h \
	common/kb/kb-wiki-stream.c \
	common/kb/kb.c common/kb/kb.h \
	common/kb/names-build.c common/kb/names-build.h \
	common/kb/names-file.h common/kb/names-spell.c \
	common/kb/names.c common/kb/names.h \
	common/ner/dictionary.c common/ner/dictionary.h \
	common/ner/elq-labels.c common/ner/elq-labels.h \
	common/ner/elq-window.c common/ner/elq-window.h \
	common/ner/merge.c common/ner/merge.h \
	common/ner/naming.c common/ner/naming.h \
	common/ner/spans.c common/ner/spans.h \
	common/ner/tagger.c common/ner/tagger.h \
	common/ner/tagset.c common/ner/tagset.h \
	common/ner/window.c common/ner/window.h \
	common/link/alias-title.c common/link/alias-title.h \
	common/link/calibration-default.h \
	common/link/calibration.c common/link/calibration.h \
	common/link/cascade.c common/link/cascade.h \
	common/link/cluster.c common/link/cluster.h \
	common/link/coherence-join.c common/link/coherence-parts.h \
	common/link/coherence.c common/link/coherence.h \
	common/link/entities.c common/link/entities.h \
	common/link/fuse.c common/link/fuse.h \
	common/link/gather.c common/link/gather.h \
	common/link/gather-open.c common/link/gather-struct.h \
	common/link/name-table.c common/link/name-table.h \
	common/link/joint.c common/link/joint.h \
	common/link/onepass.c common/link/onepass.h \
	common/link/page.c common/link/page.h \
	common/link/part.c common/link/part.h \
	common/link/rank-fit.c common/link/rank-fit.h \
	common/link/rank.c common/link/rank.h \
	common/link/short-name.c common/link/short-name.h \
	common/link/tune.c common/link/tune.h \
	common/eval/clusters.c common/eval/clusters.h \
	common/eval/elq.c common/eval/elq.h \
	common/eval/judge.c common/eval/judge.h \
	common/eval/label-map.c common/eval/label-map.h \
	common/eval/label.c common/eval/label.h \
	common/eval/metrics.c common/eval/metrics.h \
	common/eval/report.c common/eval/report.h \
	common/train/adamw.c common/train/adamw.h \
	common/train/conll.c common/train/conll.h \
	common/train/elq-examples.c common/train/elq-examples.h \
	common/train/examples.c common/train/examples.h \
	common/train/params.c common/train/params.h \
	common/train/train-batch.c common/train/train-batch.h \
	common/train/train-bi.c common/train/train-bi.h \
	common/train/train-elq.c common/train/train-elq.h \
	common/train/train-cross.c common/train/train-cross.h \
	common/train/train-pool.c common/train/train-pool.h \
	common/train/save.c common/train/save.h \
	common/train/train-setup.c common/train/train-setup.h \
	common/train/train-shim.h \
	common/train/train-state.c \
	common/train/train-tags.c common/train/train-tags.h \
	common/train/trainer.c common/train/trainer.h \
	common/convert/convert-config.c \
	common/convert/convert-params.c \
	common/convert/convert-vocab.c \
	common/convert/convert-weights.c \
	common/convert/convert.c common/convert/convert.h \
	common/convert/family-pack.c common/convert/family-pack.h \
	common/convert/quantize-model.c \
	common/convert/zeshel.c common/convert/zeshel.h \
	common/cli/engine-opts.h \
	common/cli/loop.c common/cli/loop.h \
	common/cli/opts-complete.c common/cli/opts-complete.h \
	common/cli/opts-help.c common/cli/opts-help.h \
	common/cli/opts.c common/cli/opts.h \
	common/cli/pipeline.c common/cli/pipeline.h \
	common/cli/prog.c common/cli/prog.h \
	common/cli/progress.c
common_libcommon_la_LIBADD = $(SQLITE_LIBS) $(CJSON_LIBS) $(EXPAT_LIBS) \
	$(BZ2_LIBS)

# libblink: the same objects for other people's programs.  Ours link
# libcommon, so that bin/* are programs and not libtool's scripts.
lib_LTLIBRARIES += common/libblink.la
common_libblink_la_SOURCES =
common_libblink_la_LIBADD = common/libcommon.la
common_libblink_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 \
	-no-undefined -export-symbols-regex '^bl_'
pkginclude_HEADERS += common/blink.h
basedir = $(pkgincludedir)/base
base_HEADERS = \
	common/base/arena.h \
	common/base/buf.h \
	common/base/bug.h \
	common/base/decls.h \
	common/base/err.h \
	common/base/file.h \
	common/base/mem.h \
	common/base/paths.h \
	common/base/sha256.h \
	common/base/utf8.h
jsondir = $(pkgincludedir)/json
json_HEADERS = \
	common/json/candidates.h \
	common/json/json.h \
	common/json/lines.h \
	common/json/record.h \
	common/json/vector.h
textdir = $(pkgincludedir)/text
text_HEADERS = \
	common/text/fold.h \
	common/text/input.h \
	common/text/unicode.h \
	common/text/wordpiece.h \
	common/text/words.h
tensordir = $(pkgincludedir)/tensor
tensor_HEADERS = \
	common/tensor/safetensors.h
modeldir = $(pkgincludedir)/model
model_HEADERS = \
	common/model/model.h \
	common/model/role.h
netdir = $(pkgincludedir)/net
net_HEADERS = \
	common/net/encoder.h
searchdir = $(pkgincludedir)/search
search_HEADERS = \
	common/search/index.h \
	common/search/topk.h
kbdir = $(pkgincludedir)/kb
kb_HEADERS = \
	common/kb/kb-lexical.h \
	common/kb/kb.h \
	common/kb/names.h
linkdir = $(pkgincludedir)/link
link_HEADERS = \
	common/link/calibration.h \
	common/link/gather.h \
	common/link/part.h \
	common/link/rank.h
evaldir = $(pkgincludedir)/eval
eval_HEADERS = \
	common/eval/label.h \
	common/eval/metrics.h
clidir = $(pkgincludedir)/cli
cli_HEADERS = \
	common/cli/engine-opts.h \
	common/cli/opts.h

# Headers of the tree name each other by folder from common/.  Installed ones
# name each other from their own folder, so that no client needs an -I for it.
install-data-hook:
	for header in "$(DESTDIR)$(pkgincludedir)"/*/*.h; do \
	    $(SED) 's,^#include "\([a-z]*/\),#include "../\1,' \
	        "$$header" >"$$header.tmp" && \
	    cat "$$header.tmp" >"$$header" && rm "$$header.tmp" || exit 1; \
	done

# The torch engine and the gradients of blink-train: C++, opened when
# they are wanted, so that no program links libtorch.
TORCH_SHIMS = common/net/torch-activation.hh \
	common/net/torch-guard.hh common/net/torch-shim.cc \
	common/train/train-shim.cc common/train/train-graph.cc common/train/train-graph.hh
if TORCH
pkglib_LTLIBRARIES += common/libblink-torch.la
common_libblink_torch_la_SOURCES = common/net/torch-shim.cc \
	common/net/torch-guard.hh
common_libblink_torch_la_CPPFLAGS = $(AM_CPPFLAGS) $(TORCH_CPPFLAGS)
common_libblink_torch_la_CXXFLAGS = $(TORCH_CXXFLAGS) -Wall -Wextra \
	-fvisibility=hidden $(BL_SAN)
common_libblink_torch_la_LDFLAGS = $(AM_LDFLAGS) $(TORCH_LDFLAGS) -module \
	-avoid-version -shared
common_libblink_torch_la_LIBADD = $(TORCH_LIBS)
pkglib_LTLIBRARIES += common/libblink-train.la
common_libblink_train_la_SOURCES = common/train/train-shim.cc \
	common/train/train-graph.cc common/train/train-graph.hh
common_libblink_train_la_CPPFLAGS = $(common_libblink_torch_la_CPPFLAGS)
common_libblink_train_la_CXXFLAGS = $(common_libblink_torch_la_CXXFLAGS)
common_libblink_train_la_LDFLAGS = $(common_libblink_torch_la_LDFLAGS)
common_libblink_train_la_LIBADD = $(TORCH_LIBS)
else
EXTRA_DIST += $(TORCH_SHIMS)
endif

# FAISS, for approximate search: C++ too, opened by ann.c in the same way.
FAISS_SHIM_SOURCES = common/search/faiss-shim.cc
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
