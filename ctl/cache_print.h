/*
 * cache_print.h - how `nexusctl cache` shows what it finds: for a person, or (--json) for a program.
 */
#ifndef NX_CTL_CACHE_PRINT_H
#define NX_CTL_CACHE_PRINT_H

#include "bridge/store.h"
#include "core/json.h"

struct cache_printer {
    bool json;
    uint64_t rows; /* printed so far */
    struct nx_buf line;
    struct nx_json *reader; /* tells what is JSON */
};

enum nx_err cache_printer_init(struct cache_printer *printer, bool json);
void cache_printer_fini(struct cache_printer *printer);

/* For the walks of the store; ctx: the printer. NX_ERR_IO: nobody reads what we print. */
enum nx_err cache_print_reading(void *ctx, const struct nx_reading *row);
enum nx_err cache_print_stream(void *ctx, const struct nx_store_stream *row);
enum nx_err cache_print_letter(void *ctx, const struct nx_dead_letter *letter,
                               const struct nx_reading *record);
enum nx_err cache_print_asked(struct cache_printer *printer, struct nx_span link, uint64_t letters);
enum nx_err cache_print_restored(struct cache_printer *printer, struct nx_span file);

#endif
