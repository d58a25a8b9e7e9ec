/*
 * session_script.c - see session_script.h.
 */
#include "session_script.h"

#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

struct rig *rig;
struct fake_broker *broker;

void script_play(const struct fake_step *steps)
{
    broker = fake_broker_start(steps);
    rig = rig_new(fake_broker_port(broker));
}

void script_finish(void)
{
    fake_broker_finish(broker);
    rig_free(rig);
}

void assert_story(const char *story)
{
    assert_string_equal(rig->story, story);
}

void assert_story_names(const char *words)
{
    char where[32];

    (void)snprintf(where, sizeof(where), "127.0.0.1:%u", (unsigned)rig->config.port);
    if (strstr(rig->story, words) == NULL || strstr(rig->story, where) == NULL) {
        fail_msg("not in the story: \"%s\" and \"%s\"; the story: \"%s\"", words, where,
                 rig->story);
    }
}
