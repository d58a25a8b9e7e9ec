/*
 * main.c - nexusctl, the operator's tool. A table of commands; to add one, write its file and add
 * a row.
 */
#include "ctl/cache.h"
#include "ctl/ctl.h"

static const struct nx_command commands[] = {
    {"validate", "check payloads against a schema",
     "nexusctl validate --schema FILE [--map URI=PATH]... [--draft DRAFT] [--assert-format] "
     "[--strict] [--jsonl] [--output FORMAT] FILE...|-\n"
     "nexusctl validate --topic TOPIC [--config DIR] [--jsonl] [--output FORMAT] "
     "FILE...|-\n\n"
     "  --schema FILE    a JSON Schema, draft 2020-12 by default\n"
     "  --map URI=PATH   the file of the schema at URI; a URI that ends in / maps a folder.\n"
     "                   Relative references start at file:// and FILE's path: they are opened\n"
     "                   only where a map says so\n"
     "  --draft DRAFT    of a schema without $schema: 2020-12, 2019-09, 07, 06 or 04\n"
     "  --assert-format  `format` refuses; else it is an annotation\n"
     "  --strict         an unknown keyword or format in the schema is an error\n"
     "  --topic TOPIC    the schema that the configuration has for this stream\n"
     "  --jsonl          each line is a document\n"
     "  --output FORMAT  flag, basic or detailed: one JSON document for each input, in the output\n"
     "                   formats of JSON Schema 2020-12 (core, section 12)\n\n"
     "Prints one line for each fault: file: instance: keyword: schema: words.\n"
     "Exit: 0 all valid, 1 some invalid, 2 the schema is unusable or a file unreadable.\n",
     nx_cmd_validate},
    {"translate", "carry a reading from one format to another",
     "nexusctl translate --from CITY|canonical --to CITY|canonical --domain D [--asset ID] "
     "[--explain] [--jsonl] [--config DIR] FILE|-\n\n"
     "  --asset ID  the topic's asset level; without it the reading's own station is looked up\n"
     "  --explain   print the receipt on standard error: each conversion with its factor\n"
     "  --jsonl     each line is a document\n\n"
     "Exit: 0 all translated, 1 some refused, 2 wrong words or unusable configuration.\n",
     nx_cmd_translate},
    {"check", "check the whole configuration, its schemas, lenses and examples",
     "nexusctl check [--config DIR]\n\n"
     "Prints each fault as file:line:column: pointer: words.\n"
     "Exit: 0 no fault, 1 faults, 2 wrong words.\n",
     nx_cmd_check},
    {"schema", "compare schemas",
     "nexusctl schema compat --mode backward|forward|full OLD NEW ...\n"
     "  (nexusctl schema compat --help)\n\n"
     "Exit: 0 compatible, 1 incompatible, 2 wrong words or an unusable file, 3 unknown.\n",
     nx_cmd_schema},
    {"join", "let a broker join that runs already: the lines to write, and a look at its file",
     "nexusctl join [--config DIR] [--city CITY] [--broker-conf FILE] [--check] "
     "[--mosquitto PROGRAM]\n\n"
     "  --city CITY          whose broker it is; may be left out where there is one\n"
     "  --broker-conf FILE   the mosquitto.conf to look at; include_dir is followed\n"
     "  --check              only look at it\n"
     "  --mosquitto PROGRAM  the broker that is asked for its version\n\n"
     "Prints the lines for mosquitto.conf, each with its reason, and one line for each finding:\n"
     "file:line: wrong|advice|note: words. Changes nothing.\n"
     "Exit: 0; with --check 1 when something is wrong; 2 wrong words or an unreadable file.\n",
     nx_cmd_join},
    {"sensor", "add or remove a sensor",
     "nexusctl sensor add --config DIR --city CITY --name USER --asset DOMAIN/ASSET\n"
     "                    [--position LON,LAT] [--title NAME]\n"
     "                    [--passwords FILE] [--password-file FILE]\n"
     "nexusctl sensor remove --config DIR --city CITY --name USER [--asset DOMAIN/ASSET]\n"
     "                    [--passwords FILE]\n\n"
     "  --name USER           its MQTT username\n"
     "  --asset DOMAIN/ASSET  what it publishes: air/BMLD; of remove: leaves assets.json too, and\n"
     "                        where the sensor has others, it alone\n"
     "  --position LON,LAT    where it stands, WGS 84 degrees\n"
     "  --title NAME          what people call it; else the asset\n"
     "  --passwords FILE      the broker's password_file; without it no password is set\n"
     "  --password-file FILE  holds its password on the first line; else one is drawn and told\n\n"
     "Edits city.json, assets.json and the password_file, all or none, once the whole has loaded\n"
     "as the plugin would load it. Comments and layout stay.\n"
     "Exit: 0 done, 1 refused and nothing changed, 2 wrong words or an unreadable file.\n",
     nx_cmd_sensor},
    {"identity", "show what an identity may do, and why",
     "nexusctl identity NAME --city CITY [--config DIR]\n"
     "nexusctl identity NAME --city CITY [--config DIR] --topic TOPIC\n"
     "                  [--access publish|receive|subscribe] [--payload FILE|-] [--retain]\n\n"
     "  --topic TOPIC   one decision with its reason and the rule that gave it\n"
     "  --access WHAT   publish (the default), receive, or subscribe with TOPIC as the filter\n"
     "  --payload FILE  judge this payload too\n"
     "  --retain        as a retained publish\n\n"
     "Exit: 0 allowed, 1 denied or no such identity, 2 wrong words or unusable configuration.\n",
     nx_cmd_identity},
    {"retained", "list the retained messages that the gate would refuse",
     "nexusctl retained --city CITY --broker HOST[:PORT] [--config DIR] [--user USER]\n"
     "                  [--password-file FILE] [--tls [--ca-file FILE]]\n\n"
     "  --config DIR          the configuration in use, or a new one before it is\n"
     "  --user USER           an operator (or a reader) of that broker\n"
     "  --password-file FILE  holds its password on the first line\n\n"
     "Prints one line for each: topic: reason: pointer: words. A broker with the plugin shows "
     "only\n"
     "what the user may receive: ask it before the plugin is loaded, too.\n"
     "Exit: 0 none, 1 some, 2 it could not be asked.\n",
     nx_cmd_retained},
    {"cache", "read the cache of a city",
     "nexusctl cache streams|latest|history ...   (nexusctl cache --help)\n", nx_cmd_cache},
    {"bowtie", "judge what the Bowtie project's test runner asks",
     "nexusctl bowtie [--assert-format] [--homepage URI]\n\n"
     "  --assert-format  `format` refuses; else it is an annotation\n"
     "  --homepage URI   where this build is published, for the reports\n\n"
     "Answers each line of standard input (Bowtie's harness protocol, version 1) with one line.\n"
     "Exit: 0 told to stop, 1 the input ended before that, 2 wrong words.\n",
     nx_cmd_bowtie},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static int help(FILE *out)
{
    (void)fprintf(out, "nexusctl %s - the operator's tool of NEXUS\n\n", NX_VERSION);
    for (size_t i = 0; i < COMMANDS; i++) {
        (void)fprintf(out, "  nexusctl %-10s %s\n", commands[i].name, commands[i].summary);
    }
    (void)fprintf(out, "\nnexusctl help COMMAND explains one. The configuration is read from "
                       "./config, else /etc/nexus, or --config DIR.\n");
    return out == stdout ? NX_EXIT_OK : NX_EXIT_USAGE;
}

static const struct nx_command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const struct nx_command *command;
    bool explain;

    if (argc < 2) {
        return help(stderr);
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("nexusctl %s\n", NX_VERSION);
        return NX_EXIT_OK;
    }
    explain = strcmp(argv[1], "help") == 0;
    if (strcmp(argv[1], "--help") == 0 || (explain && argc == 2)) {
        return help(stdout);
    }
    command = find(argv[explain ? 2 : 1]);
    if (command == NULL) {
        (void)fprintf(stderr, "nexusctl: no command \"%s\"\n", argv[explain ? 2 : 1]);
        return help(stderr);
    }
    if (explain || (argc == 3 && strcmp(argv[2], "--help") == 0 && command->run != nx_cmd_cache)) {
        (void)fputs(command->usage, stdout);
        return NX_EXIT_OK;
    }
    return command->run(argc - 1, argv + 1);
}
