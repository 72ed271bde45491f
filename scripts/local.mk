# Scripts for people and for the build.
dist_noinst_SCRIPTS += \
	scripts/bench-ann \
	scripts/bench-cascade \
	scripts/bench-import \
	scripts/bench-kb \
	scripts/bench-pipeline \
	scripts/bench-retrieve \
	scripts/bench-roofline \
	scripts/bench-scan \
	scripts/bench-tokenizer \
	scripts/bench \
	scripts/bench-embed \
	scripts/bench-train \
	scripts/bench-original \
	scripts/check \
	scripts/checksrc \
	scripts/code-figures \
	scripts/download-blink \
	scripts/fetch-catalogue \
	scripts/fetch-model \
	scripts/gen-uni-tables \
	scripts/plot-lines \
	scripts/plot-training \
	scripts/quickstart
EXTRA_DIST += \
	.ci/run \
	scripts/bench-embed.py \
	scripts/bench-train.py \
	scripts/bench-original.py \
	scripts/bench_bert.py \
	scripts/lib-data.sh \
	scripts/lib-download.sh \
	scripts/lib-fetch.sh \
	scripts/lib-setup.sh
dist_noinst_SCRIPTS += \
	scripts/benchmark \
	scripts/blink-table \
	scripts/benchmark-chart \
	scripts/fit-calibration \
	scripts/zeshel-eval \
	scripts/gen-calibration-header
# What makes the models that are shipped.
dist_noinst_SCRIPTS += \
	scripts/train-data \
	scripts/train-mini
EXTRA_DIST += \
	scripts/lib-benchmark.sh \
	scripts/train-mine.awk \
	scripts/train-ner.awk \
	scripts/train-ner-news.awk \
	scripts/train-lives.awk \
	scripts/train-news.awk \
	scripts/train-overlap.awk \
	scripts/train-split.awk
