/* SPDX-License-Identifier: MIT */
/*
 * standalone: the main() that replays files through a fuzz target, so that
 * every input that once mattered is run again by `make check`.
 *
 *     fuzz-json FILE...        exit 0 when the target survives them all
 *
 * Each input is copied into an allocation of exactly its size: a read past
 * its end shows under ASan and valgrind.  `make fuzz` links the same targets
 * with libFuzzer instead.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    long size = -1;

    if (f && fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    if (size < 0) {
        perror(path);
        if (f)
            fclose(f);
        return -1;
    }
    rewind(f);
    uint8_t *data = malloc(size ? (size_t)size : 1);
    if (!data || fread(data, 1, (size_t)size, f) != (size_t)size) {
        perror(path);
        free(data);
        fclose(f);
        return -1;
    }
    fclose(f);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    int rc = 0;

    for (int i = 1; i < argc; i++)
        if (replay(argv[i]) < 0)
            rc = 1;
    return rc;
}
