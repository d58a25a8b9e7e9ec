/*
 * store_numbers.c - numbers that a walk finds on its way, as a table of SQLite's. A statement for
 * each number would be begun, opened and ended for each; one over `FROM numbers(?1) n CROSS JOIN
 * readings r ON r.seq = n.seq` goes from row to row and costs a third less.
 *
 * An eponymous table-valued function: https://sqlite.org/vtab.html#tabfunc2
 */
#include "bridge/store_sqlite.h"

#include <stdlib.h>

static const char pointer_type[] = "store_numbers"; /* https://sqlite.org/bindptr.html */

enum { COLUMN_SEQ, COLUMN_FROM /* hidden: the argument */ };

struct numbers_cursor {
    sqlite3_vtab_cursor base;
    struct store_numbers *from;
    uint64_t seq; /* of the row; 0: there is none */
};

static int numbers_connect(sqlite3 *db, void *ctx, int argc, const char *const *argv,
                           sqlite3_vtab **out, char **error)
{
    (void)ctx;
    (void)argc;
    (void)argv;
    (void)error;
    *out = sqlite3_malloc(sizeof(**out));
    if (*out == NULL) {
        return SQLITE_NOMEM;
    }
    **out = (sqlite3_vtab){0};
    return sqlite3_declare_vtab(db, "CREATE TABLE numbers (seq INTEGER, source HIDDEN)");
}

static int numbers_disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

/* There is one plan: the argument has to be given. */
static int numbers_plan(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].iColumn == COLUMN_FROM && info->aConstraint[i].usable != 0 &&
            info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ) {
            info->aConstraintUsage[i].argvIndex = 1;
            info->aConstraintUsage[i].omit = 1;
            return SQLITE_OK;
        }
    }
    return SQLITE_CONSTRAINT;
}

static int numbers_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
    struct numbers_cursor *cursor = calloc(1, sizeof(*cursor));

    (void)table;
    *out = cursor != NULL ? &cursor->base : NULL;
    return cursor != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

static int numbers_close(sqlite3_vtab_cursor *base)
{
    free(base);
    return SQLITE_OK;
}

static int numbers_next(sqlite3_vtab_cursor *base)
{
    struct numbers_cursor *cursor = (struct numbers_cursor *)base;

    cursor->seq = 0;
    if (cursor->from != NULL) {
        cursor->seq = cursor->from->next;
        cursor->from->next = 0;
    }
    return SQLITE_OK;
}

static int numbers_filter(sqlite3_vtab_cursor *base, int plan, const char *name, int argc,
                          sqlite3_value **argv)
{
    struct numbers_cursor *cursor = (struct numbers_cursor *)base;

    (void)plan;
    (void)name;
    cursor->from = argc == 1 ? sqlite3_value_pointer(argv[0], pointer_type) : NULL;
    return numbers_next(base);
}

static int numbers_eof(sqlite3_vtab_cursor *base)
{
    return ((struct numbers_cursor *)base)->seq == 0;
}

static int numbers_column(sqlite3_vtab_cursor *base, sqlite3_context *out, int column)
{
    if (column == COLUMN_SEQ) {
        sqlite3_result_int64(out, (int64_t)((struct numbers_cursor *)base)->seq);
    }
    return SQLITE_OK;
}

static int numbers_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = (int64_t)((struct numbers_cursor *)base)->seq;
    return SQLITE_OK;
}

enum nx_err store_numbers_enable(struct nx_store *store, struct nx_diag *diag)
{
    static const sqlite3_module module = {
        .xConnect = numbers_connect,
        .xBestIndex = numbers_plan,
        .xDisconnect = numbers_disconnect,
        .xOpen = numbers_open,
        .xClose = numbers_close,
        .xFilter = numbers_filter,
        .xNext = numbers_next,
        .xEof = numbers_eof,
        .xColumn = numbers_column,
        .xRowid = numbers_rowid,
    };
    int rc = sqlite3_create_module(store->db, "numbers", &module, NULL);

    return rc == SQLITE_OK ? NX_OK : store_fail(store, rc, "query", diag);
}

void store_numbers_bind(sqlite3_stmt *stmt, int parameter, struct store_numbers *numbers)
{
    (void)sqlite3_bind_pointer(stmt, parameter, numbers, pointer_type, NULL);
}
