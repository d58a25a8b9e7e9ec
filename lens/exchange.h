/*
 * exchange.h - a reading from one city's format to another's, by way of canonical, with the
 * result checked against its schema before it leaves. What the bridge does live and nexusctl
 * offline.
 */
#ifndef NX_EXCHANGE_H
#define NX_EXCHANGE_H

#include "core/config.h"
#include "lens/lens.h"

/* All lenses of a configuration, with the memory that translating needs. Not shared by threads. */
struct nx_exchange;

/* Loads schemas/<city>/<domain>/lens.json of every city and domain in `config`, which must live
 * as long as the exchange. */
enum nx_err nx_exchange_new(const struct nx_reader *reader, const struct nx_config *config,
                            uint64_t seed, struct nx_exchange **out, struct nx_diag *diag);
void nx_exchange_free(struct nx_exchange *exchange);

/*
 * The owner's bytes to canonical, validated against the canonical schema. `asset` is the topic's
 * asset level; empty: looked up in the city's table by the station name or code in the payload.
 * `observed_at` (may be NULL, else at least 40 bytes) gets canonical's dateObserved, RFC 3339.
 * The source itself is not validated against the dialect: the gate has done so, or the caller.
 * NX_ERR_NOT_FOUND: no such city or domain. NX_ERR_SYNTAX, NX_ERR_INVALID: diag says what and where.
 */
enum nx_err nx_exchange_to_canonical(struct nx_exchange *exchange, struct nx_span city,
                                     struct nx_span domain, struct nx_span asset,
                                     struct nx_span payload, struct nx_buf *out, char *observed_at,
                                     struct nx_receipt *receipt, struct nx_diag *diag);

/* Canonical bytes to the city's dialect, validated against the dialect's schema. */
enum nx_err nx_exchange_from_canonical(struct nx_exchange *exchange, struct nx_span city,
                                       struct nx_span domain, struct nx_span asset,
                                       struct nx_span canonical, struct nx_buf *out,
                                       struct nx_receipt *receipt, struct nx_diag *diag);

/* "ulsan-air@1": the names carried in nexus-schema and nexus-lens. {NULL, 0} when unknown. */
struct nx_span nx_exchange_lens_name(const struct nx_exchange *exchange, struct nx_span city,
                                     struct nx_span domain);

#endif
