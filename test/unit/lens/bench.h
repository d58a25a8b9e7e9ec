/*
 * bench.h - a lens on the bench: two cities made by hand, and a lens given as text.
 */
#ifndef NX_TEST_LENS_BENCH_H
#define NX_TEST_LENS_BENCH_H

#include "lens/lens.h"

struct bench {
    struct nx_city city;
    struct nx_domain domain;
    struct nx_asset assets[3];
    struct nx_zone *zone;
    struct nx_json *json;
    struct nx_lens *lens;
    struct nx_lens_scene scene;
    struct nx_receipt receipt;
    struct nx_buf out;
    struct nx_diag diag;
};

/* Birmingham (Europe/London, 20 degrees) or Ulsan (Asia/Seoul, 25 degrees), asset BMLD or
 * sinjeong-dong, and no lens. */
void bench_birmingham(struct bench *bench);
void bench_ulsan(struct bench *bench);
void bench_fini(struct bench *bench);

/* Compiles a lens whose rows (and what else is in front of them) are given. */
enum nx_err bench_lens(struct bench *bench, const char *before_rows, const char *rows);

/* Each asserts that the translation is `expected`, or for NULL that it is refused. */
void assert_to_canonical(struct bench *bench, const char *in, const char *expected);
void assert_from_canonical(struct bench *bench, const char *in, const char *expected);

/* The receipt so far holds `part`. */
void assert_told(const struct bench *bench, const char *part);

#endif
