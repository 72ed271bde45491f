/* SPDX-License-Identifier: MIT */
/* fuzz-state: any bytes as the checkpoint of a training run, its counters and,
 * behind the byte FF, its numbers.  What is loaded is a place in this run, and
 * is written as it was read. */
#include "feed.h"
#include "train/trainer.h"

enum { NUMBERS = 3, PARTS = 4 };

static int restore(void *ctx, const int32_t *v, size_t n, struct bl_err *err)
{
    int64_t *sum = ctx;

    (void)err;
    for (size_t i = 0; i < n; i++)
        *sum += v[i];
    return 0;
}

static void load(const char *output)
{
    float numbers[5][NUMBERS] = { { 0 } };
    struct bl_params net = { .values = numbers[0], .grads = numbers[1],
                             .n = NUMBERS };
    int64_t sum = 0;
    struct bl_task task = { .ctx = &sum, .n = PARTS, .restore = restore };
    struct bl_trainer_opts opts = { .recipe = BL_RECIPE_BLINK };
    struct bl_trainer t = { .opts = &opts, .net = &net, .task = &task,
                            .output = output, .parts = PARTS,
                            .adamw = { .m = numbers[2], .v = numbers[3] },
                            .settings = "{\"rate\":0.5,\"task\":\"bi\"}" };
    struct bl_train_state was;
    struct bl_err err;
    int rc = bl_train_state_load(&t, &err);

    CHECK(rc == 1 || (rc < 0 && err.code == BL_DATA));
    if (rc < 0)
        return;
    CHECK(t.state.part < PARTS);
    was = t.state;
    CHECK(bl_train_state_save(&t, &err) == 0
          && bl_train_state_load(&t, &err) == 1);
    CHECK(was.step == t.state.step && was.part == t.state.part
          && was.best == t.state.best && was.settled == t.state.settled);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed f = { data, size, 1 };
    char *dir = feed_subfolder("out.checkpoint");
    char *state = feed_file_of("out.checkpoint/state.json", feed_piece(&f));
    char *numbers = feed_file("out.checkpoint/state.safetensors", f.p, f.n);
    char *output = bl_xasprintf("%s/out", feed_folder());

    load(output);
    feed_remove(numbers);
    feed_remove(state);
    feed_remove(dir);
    free(output);
    return 0;
}
