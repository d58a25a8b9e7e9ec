/*
 * sensor.h - one sensor at its three places, for `nexusctl sensor`: sensor.c reads the words,
 * sensor_edit.c adds and removes, sensor_files.c opens, checks and replaces the files.
 */
#ifndef NX_CTL_SENSOR_H
#define NX_CTL_SENSOR_H

#include "ctl/ctl.h"
#include "ctl/passwords.h"
#include "ctl/replace.h"

enum { NX_SENSOR_PATH_SIZE = 2048, NX_SENSOR_SAID_MAX = 16 * 1024 };
/* In the order in which they are replaced: a crash in between leaves what does least. */
enum { NX_SENSOR_ASSETS, NX_SENSOR_CITY, NX_SENSOR_PASSWORDS, NX_SENSOR_FILES };

struct nx_sensor {
    const char *config_dir, *city_name, *name, *asset_path, *position, *title;
    const char *password_file, *passwords;
    struct nx_span domain, asset; /* of asset_path */
    struct nx_config *config;
    const struct nx_city *city;
    struct nx_json *json;
    struct nx_replacement files[NX_SENSOR_FILES];
    char password[NX_PASSWORD_SIZE]; /* drawn, and to be told; or "" */
    struct nx_buf said;              /* what was done, to be told once it is */
    bool goes_on;                    /* an asset was removed, and it has others */
    int lock;
};

/* Prints "nexusctl: SUBJECT: TEXT" (subject may be NULL) and returns false. */
bool nx_sensor_complain(const char *text, const char *subject);
bool nx_sensor_complain_diag(const struct nx_diag *diag);

/* Opens and locks everything; false when it was told why not. */
bool nx_sensor_open(struct nx_sensor *s);
void nx_sensor_fini(struct nx_sensor *s);

/* Puts a file of the configuration, as it shall be, onto s->json. */
bool nx_sensor_parse(struct nx_sensor *s, int which);

/* The topic that it publishes; may it, by this configuration? */
bool nx_sensor_may_publish(const struct nx_sensor *s, const struct nx_config *config);

/*
 * Loads what shall be as the plugin would, and when `adding` asks whether it gives the sensor its
 * asset; then replaces the files.
 */
bool nx_sensor_commit(struct nx_sensor *s, bool adding);

/* Each edits in memory what is to be edited; false when it was told why not. */
bool nx_sensor_add(struct nx_sensor *s);
bool nx_sensor_remove(struct nx_sensor *s);

#endif
