# SPDX-License-Identifier: MIT
# models.sh: folders as other programs save models, out of weights at hand.
#   . "$top_srcdir/tests/models.sh"
# $bi and $cross are a bi-encoder and a cross-encoder of ours, unpacked.
# shellcheck shell=bash disable=SC2154

# rename_tensors CODE FILE: safetensors on stdout, with the names in the header
# changed by Perl's CODE.
rename_tensors() {
    perl -e 'my ($code, $path) = @ARGV;
        open my $in, "<:raw", $path or die "$path: $!\n";
        my $all = do { local $/; <$in> };
        my $size = unpack "Q<", $all;
        $_ = substr $all, 8, $size;
        eval $code; die $@ if $@;
        print pack("Q<", length), $_, substr $all, 8 + $size;' "$@"
}

# plain_bert [MORE]: the entity tower under the names of a plain BERT.
plain_bert() {
    rename_tensors 's/cand_encoder\.bert_model\.//g;
        s/additional_linear/other/g; '"${1-}" "$bi/model.safetensors"
}

# sentence_transformer FOLDER [MORE]: as sentence-transformers saves one.
sentence_transformer() {
    mkdir "$1" "$1/1_Pooling"
    cp "$bi/config.json" "$bi/vocab.txt" "$1"
    echo '{"pooling_mode_mean_tokens":true}' >"$1/1_Pooling/config.json"
    echo '[{"type":"a.Transformer"},{"type":"a.Pooling"},{"type":"a.Normalize"}]' \
        >"$1/modules.json"
    plain_bert "${2-}" >"$1/model.safetensors"
}

# classifier: the cross-encoder as BERT with a classifier of one label.
classifier() {
    rename_tensors 's/encoder\.bert_model\./bert./g;
        s/encoder\.additional_linear/classifier/g' "$cross/model.safetensors"
}

# old_reranker FOLDER: as BLINK's first cross-encoder was saved.
old_reranker() {
    mkdir "$1"
    cp "$cross/vocab.txt" "$1"
    sed 's/^{/{"num_labels":2,/' "$cross/config.json" >"$1/config.json"
    classifier >"$1/one.safetensors"
    perl "$top_srcdir/tests/torch-save.pl" "$1/one.safetensors" \
        "$1/pytorch_model.bin" legacy
    rm "$1/one.safetensors"
}
