/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "eval/label.h"

#include "json/json.h"

int bl_label_read(const struct bl_record *record, struct bl_arena *arena,
                  enum bl_gold *gold, struct bl_span *id,
                  struct bl_err *err)
{
    struct bl_span value;
    int got = bl_record_get(record, "label_id", &value, err);

    *gold = BL_GOLD_NONE;
    if (got <= 0)
        return got;
    got = bl_json_text(value, "string, number or null", arena, id, err);
    if (got < 0)
        return bl_err_prefix(err, "field 'label_id'");
    if (!got) {
        *gold = BL_GOLD_NIL;
        return 0;
    }
    *id = bl_json_trim(*id);
    if (id->n && !bl_span_is(*id, "-1") && !bl_span_is(*id, "unknown"))
        *gold = BL_GOLD_ENTITY;
    return 0;
}
