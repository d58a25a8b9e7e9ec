/*
 * marks_file.h - the file that lets the marks outlive the broker (plugin_opt_state).
 *
 * 128 bytes that say whose file it is, then two slots for each city, written by turns: a write that
 * is cut leaves the other one. Nothing is synced to disk: what a power cut takes back is taken
 * again from the link.
 */
#ifndef NX_PLUGIN_MARKS_FILE_H
#define NX_PLUGIN_MARKS_FILE_H

#include "core/base/log.h"
#include "plugin/marks.h"

struct nx_marks_file;

/*
 * Opens `path` or makes it, and reads the marks that it holds into the empty `marks`. What is no
 * file of this city's marks, or is damaged, is set aside as <path>.damaged; that is told, and what
 * is sound of it is kept. NX_ERR_IO: it cannot be opened, made or locked (another broker, or
 * another listener of this one, has it); `diag` says which. On failure *out is NULL.
 */
enum nx_err nx_marks_file_open(const char *path, const char *city, struct nx_marks *marks,
                               const struct nx_log *log, struct nx_marks_file **out,
                               struct nx_diag *diag);

/* Writes what has changed, each city at most once a second. Counts what could not be written. */
void nx_marks_file_save(struct nx_marks_file *file, struct nx_marks *marks, uint64_t now_ms);

/* An orderly stop: writes each mark that has moved, to be believed. NULL is allowed. */
void nx_marks_file_close(struct nx_marks_file *file, struct nx_marks *marks);

/* Writes that failed since it was opened. */
uint64_t nx_marks_file_failures(const struct nx_marks_file *file);

#endif
