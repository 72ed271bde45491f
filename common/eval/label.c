/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "eval/label.h"

#include "base/mem.h"
#include "json/json.h"

/* "nan" is what a missing value of a data frame becomes in a string. */
static bool is_no_label(struct bl_span id)
{
    static const char *const none[] = { "", "-1", "unknown", "nan", "NaN" };

    for (size_t i = 0; i < BL_COUNT(none); i++)
        if (bl_span_is(id, none[i]))
            return true;
    return false;
}

int bl_label_read(const struct bl_record *record, struct bl_arena *arena,
                  enum bl_gold *gold, struct bl_span *id,
                  struct bl_err *err)
{
    struct bl_span value;
    int got = bl_record_get(record, "label_id", &value, err);

    *gold = BL_GOLD_NONE;
    if (got <= 0)
        return got;
    if (bl_json_type(value) == BL_JSON_NULL) {
        *gold = BL_GOLD_NIL;
        return 0;
    }
    if (bl_json_id(value, arena, id, err) < 0)
        return bl_err_prefix(err, "field 'label_id'");
    *id = bl_json_trim(*id);
    if (!is_no_label(bl_json_whole(*id)))
        *gold = BL_GOLD_ENTITY;
    return 0;
}

bool bl_label_is(struct bl_span label, struct bl_span id)
{
    return bl_span_eq(label, id) || bl_span_eq(bl_json_whole(label), id);
}
