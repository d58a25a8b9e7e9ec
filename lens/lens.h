/*
 * lens.h - one declarative mapping between a city's dialect and the canonical form, read both
 * ways. A lens is compiled from schemas/<city>/<domain>/lens.json; each row names a member on
 * either side and the codec that carries the value across (lens/codec.h).
 *
 * Translation never invents: what is missing stays missing with a quality code that says why.
 */
#ifndef NX_LENS_H
#define NX_LENS_H

#include "core/config.h"
#include "core/json.h"
#include "lens/zone.h"

struct nx_lens;

enum {
    NX_OBSERVED_AT_SIZE = 40,  /* bytes of canonical's dateObserved, its NUL included */
    NX_LENS_MEMBERS_MAX = 256, /* on either side of a lens, containers included */
};

/*
 * Where the members of one side are on a tape, by their number; and in which order they came the
 * last time, by the one before, or by the container of the first. Begins as zeros.
 */
struct nx_lens_places {
    uint32_t nodes[NX_LENS_MEMBERS_MAX];
    uint16_t first[NX_LENS_MEMBERS_MAX];
    uint16_t behind[NX_LENS_MEMBERS_MAX];
};

/* What a lens may know beside the payload. */
struct nx_lens_scene {
    const struct nx_city *city;   /* whose dialect the lens speaks: reference, bounding box */
    const struct nx_zone *zone;   /* the same city's: for times that name no zone */
    struct nx_span owner;         /* the city that the reading comes from */
    struct nx_span asset_id;      /* the topic's asset level; empty when not known */
    const struct nx_asset *asset; /* the owner's row for it, or NULL */
    char *observed_at;            /* NULL, or where canonical's dateObserved is copied to */
    const struct nx_lens_places *places; /* NULL, or what nx_lens_read found */
    struct nx_buf *text;                 /* NULL, or a buffer to be used again for each reading */
};

/*
 * What was done to a reading, as one JSON array of objects: lens, from, to (JSON Pointers), codec,
 * and what the codec says (factor, reference, rounding, reason). A complete array at any time;
 * each translation adds to it. NULL where nobody asks.
 */
struct nx_receipt {
    struct nx_buf json;
    unsigned rows;
};

void nx_receipt_init(struct nx_receipt *receipt, size_t bytes_max);
void nx_receipt_fini(struct nx_receipt *receipt);

/*
 * Compiles the lens.json on the tape, which the caller has checked against its schema
 * (nx_exchange_new does). NX_ERR_INVALID: diag names file, line, column and what was expected.
 */
enum nx_err nx_lens_compile(const struct nx_json *document, const char *file, struct nx_lens **out,
                            struct nx_diag *diag);
void nx_lens_free(struct nx_lens *lens);

/* "ulsan-air@1" */
struct nx_span nx_lens_name(const struct nx_lens *lens);

/*
 * The asset that a payload in the dialect speaks of, by the code or the name that it holds, looked
 * up in the owner's table; a code that is not in the table is itself the asset. Empty: not known.
 */
struct nx_span nx_lens_asset(const struct nx_lens *lens, const struct nx_domain *domain,
                             const struct nx_json *in);

/*
 * Reads a payload in canonical or in the dialect onto the tape of `json`, when it has no members
 * but the lens's and nothing else unusual: faster than nx_json_parse, and `places` saves the search
 * for members. The tape then serves translation alone: it has no names. False: nothing is known.
 */
bool nx_lens_read(const struct nx_lens *lens, bool canonical, struct nx_json *json,
                  struct nx_span payload, struct nx_lens_places *places);

/* The node of canonical's id, or 0. */
uint32_t nx_lens_id(const struct nx_lens *lens, const struct nx_lens_places *places);

/*
 * Translate one document. `out` is reset and holds the JSON on NX_OK. NX_ERR_INVALID: a value that
 * the lens cannot carry (diag: pointer into the source, what was expected). NX_ERR_LIMIT, _NOMEM.
 */
enum nx_err nx_lens_to_canonical(const struct nx_lens *lens, const struct nx_lens_scene *scene,
                                 const struct nx_json *in, struct nx_buf *out,
                                 struct nx_receipt *receipt, struct nx_diag *diag);
enum nx_err nx_lens_from_canonical(const struct nx_lens *lens, const struct nx_lens_scene *scene,
                                   const struct nx_json *in, struct nx_buf *out,
                                   struct nx_receipt *receipt, struct nx_diag *diag);

#endif
