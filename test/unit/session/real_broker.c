/*
 * real_broker.c - see real_broker.h.
 */
#include "real_broker.h"

#include "test/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_TRIES = 500, START_PAUSE_MS = 20, COMMAND_WORDS = 24 };

struct real_broker {
    char dir[REAL_PATH_BYTES];
    uint16_t port;
    pid_t pid;
    bool tls;
};

/* Starts a program; silent. Folders where Debian keeps daemons are looked in too. */
static pid_t spawn(const char *const argv[])
{
    const pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        const int null = open("/dev/null", O_RDWR);
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDOUT_FILENO);
        (void)dup2(null, STDERR_FILENO);
        (void)setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
        (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    return pid;
}

static int run(const char *const argv[])
{
    int status = -1;

    assert_true(waitpid(spawn(argv), &status, 0) > 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool real_broker_available(void)
{
    const char *const mosquitto[] = {"mosquitto", "-h", NULL};
    const char *const passwd[] = {"mosquitto_passwd", "-h", NULL};
    const char *const openssl[] = {"openssl", "version", NULL};

    return run(mosquitto) != 127 && run(passwd) != 127 && run(openssl) != 127;
}

const char *real_broker_file(const struct real_broker *broker, const char *name,
                             char path[REAL_PATH_BYTES])
{
    (void)snprintf(path, REAL_PATH_BYTES, "%.80s/%.40s", broker->dir, name);
    return path;
}

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static void write_config(const struct real_broker *broker)
{
    char path[REAL_PATH_BYTES], file[REAL_PATH_BYTES];
    FILE *out = fopen(real_broker_file(broker, "mosquitto.conf", path), "w");

    assert_non_null(out);
    (void)fprintf(out, "listener %u 127.0.0.1\nallow_anonymous false\nset_tcp_nodelay true\n",
                  (unsigned)broker->port);
    (void)fprintf(out, "max_inflight_messages 0\nmax_queued_messages 0\n");
    (void)fprintf(out, "password_file %s\n", real_broker_file(broker, "passwords", file));
    if (broker->tls) {
        (void)fprintf(out, "require_certificate true\n");
        (void)fprintf(out, "cafile %s\n", real_broker_file(broker, "ca.pem", file));
        (void)fprintf(out, "certfile %s\n", real_broker_file(broker, "server.pem", file));
        (void)fprintf(out, "keyfile %s\n", real_broker_file(broker, "server.key", file));
    }
    assert_int_equal(fclose(out), 0);
}

static void make_password(const struct real_broker *broker)
{
    char path[REAL_PATH_BYTES];
    const char *const argv[] = {"mosquitto_passwd",
                                "-b",
                                "-c",
                                real_broker_file(broker, "passwords", path),
                                "u",
                                "pw",
                                NULL};

    assert_int_equal(run(argv), 0);
    (void)chmod(path, 0644); /* started as root, the broker reads it as another user */
}

/* A key and a certificate; signed by `ca` where there is one, else a CA itself. */
static void make_certificate(const struct real_broker *broker, const char *name, const char *ca)
{
    char key[REAL_PATH_BYTES], cert[REAL_PATH_BYTES], signer[REAL_PATH_BYTES],
        signer_key[REAL_PATH_BYTES], file[40], subject[48];
    const char *argv[COMMAND_WORDS] = {
        "openssl", "req",   "-x509",   "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes",  "-days", "2",       "-keyout", NULL, "-out",     NULL,
        "-subj",   NULL,    "-addext", NULL};
    size_t words = 17;

    (void)snprintf(file, sizeof(file), "%s.key", name);
    argv[11] = real_broker_file(broker, file, key);
    (void)snprintf(file, sizeof(file), "%s.pem", name);
    argv[13] = real_broker_file(broker, file, cert);
    (void)snprintf(subject, sizeof(subject), "/CN=%s", name);
    argv[15] = subject;
    if (ca != NULL) {
        (void)snprintf(file, sizeof(file), "%s.pem", ca);
        (void)real_broker_file(broker, file, signer);
        (void)snprintf(file, sizeof(file), "%s.key", ca);
        (void)real_broker_file(broker, file, signer_key);
        argv[words++] = "subjectAltName=IP:127.0.0.1";
        argv[words++] = "-CA";
        argv[words++] = signer;
        argv[words++] = "-CAkey";
        argv[words++] = signer_key;
    } else {
        argv[words++] = "keyUsage=keyCertSign";
    }
    assert_int_equal(run(argv), 0);
    (void)chmod(key, 0644);
}

void real_broker_expire(struct real_broker *broker)
{
    char ca[REAL_PATH_BYTES], ca_key[REAL_PATH_BYTES], key[REAL_PATH_BYTES], cert[REAL_PATH_BYTES],
        request[REAL_PATH_BYTES];
    const char *const ask[] = {"openssl",
                               "req",
                               "-new",
                               "-key",
                               real_broker_file(broker, "server.key", key),
                               "-out",
                               real_broker_file(broker, "server.csr", request),
                               "-subj",
                               "/CN=server",
                               "-addext",
                               "subjectAltName=IP:127.0.0.1",
                               NULL};
    const char *const sign[] = {"openssl",
                                "x509",
                                "-req",
                                "-in",
                                request,
                                "-CA",
                                real_broker_file(broker, "ca.pem", ca),
                                "-CAkey",
                                real_broker_file(broker, "ca.key", ca_key),
                                "-set_serial",
                                "7",
                                "-days",
                                "-1",
                                "-copy_extensions",
                                "copy",
                                "-out",
                                real_broker_file(broker, "server.pem", cert),
                                NULL};

    real_broker_kill(broker);
    assert_int_equal(run(ask), 0);
    assert_int_equal(run(sign), 0);
    real_broker_start(broker);
}

static bool listens(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const bool yes = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;

    (void)close(fd);
    return yes;
}

void real_broker_start(struct real_broker *broker)
{
    const struct timespec pause = {.tv_nsec = START_PAUSE_MS * 1000000L};
    char path[REAL_PATH_BYTES];
    const char *const argv[] = {"mosquitto", "-c", real_broker_file(broker, "mosquitto.conf", path),
                                NULL};

    broker->pid = spawn(argv);
    for (unsigned i = 0; i < START_TRIES && !listens(broker->port); i++) {
        assert_int_equal(waitpid(broker->pid, NULL, WNOHANG), 0); /* it ended at once */
        (void)nanosleep(&pause, NULL);
    }
}

void real_broker_kill(struct real_broker *broker)
{
    if (broker->pid > 0) {
        (void)kill(broker->pid, SIGKILL);
        (void)waitpid(broker->pid, NULL, 0);
    }
    broker->pid = 0;
}

struct real_broker *real_broker_new(bool tls)
{
    struct real_broker *broker = calloc(1, sizeof(*broker));
    const char *base = getenv("TMPDIR");

    assert_non_null(broker);
    (void)snprintf(broker->dir, sizeof(broker->dir), "%.60s/nexus-session-XXXXXX",
                   base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(broker->dir));
    (void)chmod(broker->dir, 0755);
    broker->port = free_port();
    broker->tls = tls;
    make_password(broker);
    if (tls) {
        make_certificate(broker, "ca", NULL);
        make_certificate(broker, "other", NULL);
        make_certificate(broker, "server", "ca");
        make_certificate(broker, "client", "ca");
    }
    write_config(broker);
    real_broker_start(broker);
    return broker;
}

uint16_t real_broker_port(const struct real_broker *broker)
{
    return broker->port;
}

void real_broker_free(struct real_broker *broker)
{
    struct dirent *entry;
    DIR *dir = opendir(broker->dir);

    real_broker_kill(broker);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    (void)rmdir(broker->dir);
    free(broker);
}
