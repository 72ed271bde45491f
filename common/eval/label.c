/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "eval/label.h"

#include "json/json.h"

int bl_label_read(const struct bl_record *r, struct bl_arena *a,
                  enum bl_gold *gold, struct bl_span *id,
                  struct bl_err *err)
{
    struct bl_span v;
    int got = bl_record_get(r, "label_id", &v, err);

    *gold = BL_GOLD_NONE;
    if (got <= 0)
        return got;
    switch (bl_json_type(v)) {
    case BL_JSON_NULL:
        *gold = BL_GOLD_NIL;
        return 0;
    case BL_JSON_STRING:
        if (bl_json_string(v, a, id, err) < 0)
            return bl_err_prefix(err, "field 'label_id'");
        break;
    case BL_JSON_NUMBER:
        *id = v;
        break;
    default:
        return bl_fail(err, BL_BAD_FIELD,
                       "field 'label_id': expected string, number or null, "
                       "found %s", bl_json_type_name(bl_json_type(v)));
    }
    *id = bl_json_trim(*id);
    if (id->n && !bl_span_is(*id, "-1") && !bl_span_is(*id, "unknown"))
        *gold = BL_GOLD_ENTITY;
    return 0;
}
