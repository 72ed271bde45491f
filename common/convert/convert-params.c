/* SPDX-License-Identifier: MIT */
/* convert-params: the parameters of a training run, as its trainer wrote
 * them. */
#include "config.h"

#include "base/file.h"
#include "convert/convert.h"
#include "json/document.h"
#include "json/python.h"

enum { MAX_PARAMS = 16 << 20 };

struct bl_document *bl_convert_params(const char *path, struct bl_err *err)
{
    struct bl_buf text = BL_BUF_INIT, json = BL_BUF_INIT;
    struct bl_document *document = NULL;
    struct bl_span all;

    if (bl_file_read(path, MAX_PARAMS, &text, err) == 0) {
        all = (struct bl_span){ text.data, text.len };
        if (!bl_python_is(all))
            document = bl_document_parse(all, path, err);
        else if (bl_python_to_json(all, &json, err) == 0)
            document = bl_document_parse((struct bl_span){ json.data,
                                         json.len }, path, err);
        else
            bl_err_prefix(err, "'%s'", path);
    }
    bl_buf_free(&json);
    bl_buf_free(&text);
    return document;
}
