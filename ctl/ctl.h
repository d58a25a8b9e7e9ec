/*
 * ctl.h - what the commands of nexusctl share. A command is one file that ends in one function of
 * the form of nx_command.run, and one row in main.c.
 */
#ifndef NX_CTL_H
#define NX_CTL_H

#include "core/config.h"

#include <stdio.h>

enum nx_exit {
    NX_EXIT_OK = 0,
    NX_EXIT_FAULTS = 1, /* the command ran; what it looked at has faults, or nothing was found */
    NX_EXIT_USAGE = 2,  /* wrong words, or a file that the command needs is unusable */
};

struct nx_command {
    const char *name;
    const char *summary;               /* one line of `nexusctl --help` */
    const char *usage;                 /* the whole help of the command */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};

enum { NX_CTL_FILE_MAX = 16 * 1024 * 1024 };

/* Where the configuration is when --config is not given: ./config if it is there, else /etc/nexus */
const char *nx_ctl_config_dir(void);

/* Loads the configuration or prints its faults on stderr; NULL then. */
struct nx_config *nx_ctl_config(const char *dir);

/* The same for one city as the plugin at its broker loads it: the others need no folder here. */
struct nx_config *nx_ctl_config_of(const char *dir, const char *city);

/* Prints "nexusctl: <file:line:column: pointer: text>" on stderr. */
void nx_ctl_complain(const struct nx_diag *diag);

/* Reads a file, or standard input for "-". Prints what is wrong; false then. */
bool nx_ctl_read(const char *path, struct nx_buf *out);

/*
 * Calls `each` for the whole text, or with `lines` for each line that is not blank. `name` is the
 * file, or file:line. Returns how many calls returned false.
 */
unsigned nx_ctl_documents(const char *path, struct nx_span text, bool lines,
                          bool (*each)(void *ctx, const char *name, struct nx_span document),
                          void *ctx);

/*
 * Reads `document` and checks it against `schema`; prints one line for each fault on `out`:
 * file: instance: keyword: schema: words. What is not JSON is one fault. True when it is valid.
 */
bool nx_ctl_validate(const struct nx_schema *schema, struct nx_check *check, struct nx_json *json,
                     const char *name, struct nx_span document, FILE *out);

int nx_cmd_validate(int argc, char **argv);
int nx_cmd_translate(int argc, char **argv);
int nx_cmd_check(int argc, char **argv);
int nx_cmd_schema(int argc, char **argv);
int nx_cmd_bowtie(int argc, char **argv);
int nx_cmd_identity(int argc, char **argv);
int nx_cmd_sensor(int argc, char **argv);
int nx_cmd_retained(int argc, char **argv);
int nx_cmd_join(int argc, char **argv);

#endif
