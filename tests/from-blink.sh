#!/bin/bash
# SPDX-License-Identifier: MIT
# share/doc/from-blink.md: every option of BLINK's parsers is in it, and every
# command and option of ours that it names is there.
. "${top_srcdir:?}/tests/lib.sh"
page=$top_srcdir/share/doc/from-blink.md

# The options of main_dense, build_faiss_index, params, main_solr,
# candidate_ranking, generate_candidates, merge_candidates, elq.
theirs='interactive test_mentions test_entities biencoder_model
biencoder_config entity_catalogue entity_encoding crossencoder_model
crossencoder_config top_k output_path fast show_url faiss_index index_path
candidate_encoding hnsw save_index index_buffer silent debug data_parallel
no_cuda seed zeshel max_seq_length max_context_length max_cand_length
path_to_model bert_model pull_from_layer lowercase context_key out_dim
add_linear data_path evaluate output_eval_file train_batch_size max_grad_norm
learning_rate num_train_epochs print_interval eval_interval save_interval
warmup_proportion gradient_accumulation_steps type_optimization shuffle
eval_batch_size mode save_topk_result encode_batch_size cand_pool_path
cand_encode_path path_to_input_file i one_sentence_per_line solr_address query
keys boosting raw_solr_fields consider_additional_datafetcher
path_to_candidate_data_dict m evaluation_batch_size lowercase_flag
dataparallel_bert output_folder_path o path_to_preprocessed_json_data
full_evaluation evaluate_with_pregenerated_candidates model_output_path
print_tr_loss_opt_steps_interval dev_evaluation_interval path_to_model_config
entity_dict_path saved_cand_ids encoding_save_file_dir test
compare_saved_embeds batch_size chunk_start chunk_end path_to_saved_chunks
chunk_size document_path mention_path debug_biencoder get_predictions
save_preds_dir mention_threshold threshold num_cand_mentions num_cand_entities
threshold_type cand_token_ids_path use_cuda no_logger title_key
mention_aggregation_type no_mention_bounds mention_scoring_method
max_mention_length start_idx end_idx last_epoch path_to_trainer_state
dont_distribute_train_samples freeze_cand_enc load_cand_enc_only cand_enc_path
adversarial_training get_losses'
missing=''
for option in $theirs; do
    grep -qE "\`--$option( [A-Za-z]+)?\`" "$page" || missing+=" --$option"
done
is "$missing" '' 'every option of BLINK is in it'

# Our commands: in backquotes, and in the blocks of shell.  One a line, pipes
# and joined lines cut.
{ sed ':a; /\\$/ { N; s/\\\n//; ba }' "$page" |
      awk '/^```/ { on = $0 == "```sh"; next } on'
  tr '\n' ' ' <"$page" | grep -oE '`blink[^`]*`' | tr -d '`'
} | tr '|' '\n' | sed 's/#.*//; s/^ *//' | grep -E '^(blink|scripts/)' |
    sort -u >"$T/ours"
ok 'it names commands of ours' [ "$(wc -l <"$T/ours")" -gt 50 ]

wrong='' absent=''
while read -r program rest; do
    case $program in
        scripts/*)
            [ -x "$top_srcdir/$program" ] || wrong+=" $program"
            continue ;;
    esac
    if [ ! -x "$top_builddir/bin/$program" ]; then
        [[ $program = blink.json || $absent = *" $program"* ]] ||
            absent+=" $program"
        continue
    fi
    # What stands first is a subcommand where the program has such.
    command=("$program")
    first=${rest%% *}
    if [[ $first =~ ^[a-z]+$ ]]; then
        command+=("$first")
    elif [ "$program" = blink ]; then
        command+=(link)
    fi
    [ "$rest" != '' ] || command=("$program")
    if ! help=$("${command[@]}" --help 2>/dev/null); then
        wrong+=" '${command[*]}'"
        continue
    fi
    for word in $rest; do
        [[ $word =~ ^(-[a-zA-Z]|--[a-z-]+)$ ]] || continue
        grep -qE -- "^ +(-., )?$word([ ,]|\$)" <<<"$help" ||
            wrong+=" '${command[*]} $word'"
    done
done <"$T/ours"
is "$wrong" '' 'every command and option of ours that it names is there'
[ -z "$absent" ] || echo "# not built here:$absent"
finish
