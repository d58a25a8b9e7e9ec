/*
 * replay_main.c - runs a fuzz harness over the files of a corpus folder: what a fuzzer once found
 * is an ordinary test for ever, under any compiler.
 */
#include "core/os/file.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CORPUS_FILE_MAX = 4 * 1024 * 1024 };

static int replay(const char *path, struct nx_buf *bytes)
{
    struct nx_diag diag = {0};
    uint8_t *exact;

    if (nx_file_read(path, bytes, &diag) != NX_OK) {
        (void)fprintf(stderr, "%s: %s\n", path, diag.text);
        return 1;
    }
    exact = malloc(bytes->len + 1); /* its own block, so that a read past the end is seen */
    if (exact == NULL) {
        return 1;
    }
    if (bytes->len > 0) {
        memcpy(exact, bytes->data, bytes->len);
    }
    (void)LLVMFuzzerTestOneInput(exact, bytes->len);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    struct nx_buf bytes;
    struct dirent *entry;
    DIR *dir;
    unsigned files = 0;
    int failed = 0;

    if (argc != 2 || (dir = opendir(argv[1])) == NULL) {
        (void)fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
        return 2;
    }
    nx_buf_init(&bytes, CORPUS_FILE_MAX);
    while ((entry = readdir(dir)) != NULL) {
        char path[4096];
        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
        failed |= replay(path, &bytes);
        files++;
    }
    (void)closedir(dir);
    nx_buf_fini(&bytes);
    (void)printf("%u files replayed\n", files);
    return failed || files == 0;
}
