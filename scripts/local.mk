# What a person types; lib/ is sourced by it, the folders in .d are called.
dist_noinst_SCRIPTS += \
	scripts/bench \
	scripts/benchmark \
	scripts/blink-table \
	scripts/check \
	scripts/checksrc \
	scripts/code-figures \
	scripts/download-blink \
	scripts/fetch-catalogue \
	scripts/fetch-entities \
	scripts/fetch-names \
	scripts/fetch-model \
	scripts/get-wikipedia \
	scripts/gen-calibration-header \
	scripts/gen-uni-tables \
	scripts/make-entities \
	scripts/quickstart \
	scripts/train-data \
	scripts/train-mini \
	scripts/zeshel-eval
# Installed, beside the programs that it runs.
dist_bin_SCRIPTS = scripts/blink-shard
# What bench, benchmark and train-mini call, and what draws their curves.
dist_noinst_SCRIPTS += \
	scripts/bench.d/bench-ann \
	scripts/bench.d/bench-cascade \
	scripts/bench.d/bench-embed \
	scripts/bench.d/bench-import \
	scripts/bench.d/bench-kb \
	scripts/bench.d/bench-original \
	scripts/bench.d/bench-pipeline \
	scripts/bench.d/bench-retrieve \
	scripts/bench.d/bench-roofline \
	scripts/bench.d/bench-scan \
	scripts/bench.d/bench-tokenizer \
	scripts/bench.d/bench-train \
	scripts/bench.d/benchmark-chart \
	scripts/bench.d/plot-lines \
	scripts/bench.d/plot-training \
	scripts/train.d/fit-calibration \
	scripts/train.d/fit-coherence
# The parts of check --long.
dist_noinst_SCRIPTS += \
	scripts/check.d/coverage \
	scripts/check.d/fuzz \
	scripts/check.d/inject \
	scripts/check.d/kills \
	scripts/check.d/living \
	scripts/check.d/processors \
	scripts/check.d/sanitizers \
	scripts/check.d/shards \
	scripts/check.d/space \
	scripts/check.d/valgrind
EXTRA_DIST += \
	.ci/run \
	scripts/bench.d/bench-embed.py \
	scripts/bench.d/bench-original.py \
	scripts/bench.d/bench-train.py \
	scripts/bench.d/bench_bert.py \
	scripts/train.d/fit-coherence.py \
	scripts/train.d/train-lives.awk \
	scripts/train.d/train-mine.awk \
	scripts/train.d/train-ner-news.awk \
	scripts/train.d/train-ner.awk \
	scripts/train.d/train-news.awk \
	scripts/train.d/train-overlap.awk \
	scripts/train.d/train-split.awk \
	scripts/lib/benchmark.sh \
	scripts/lib/catalogues.awk \
	scripts/lib/catalogues.sh \
	scripts/lib/coverage.awk \
	scripts/lib/data.sh \
	scripts/lib/download.sh \
	scripts/lib/fetch.sh \
	scripts/lib/opts.sh \
	scripts/lib/part.pl \
	scripts/lib/part.sh \
	scripts/lib/rounds.pl \
	scripts/lib/setup.sh \
	scripts/lib/short-text.awk \
	scripts/lib/sources.sh \
	scripts/lib/usage.pl
