/*
 * resolve.c - getaddrinfo on a thread of its own.
 *
 * It cannot be cancelled, and a dead name server holds it for half a minute: the loop must never
 * wait for it. The question is shared by two owners, who asks and the thread, and freed by the
 * last. Who gives up leaves a thread behind that ends by itself; the session's back-off and its
 * time limit keep these to a handful.
 */
#include "bridge/resolve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct nx_resolve {
    atomic_uint owners;
    atomic_bool done;
    int done_fd; /* the thread's own descriptor of the event, -1: no thread */
    int error;   /* of getaddrinfo */
    int error_number;
    struct addrinfo *addresses;
    char service[8];
    char host[256];
};

static void look_up(struct nx_resolve *resolve, int flags)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = flags | AI_NUMERICSERV,
    };

    resolve->error = getaddrinfo(resolve->host, resolve->service, &hints, &resolve->addresses);
    resolve->error_number = errno;
}

static void *look_up_thread(void *arg)
{
    struct nx_resolve *resolve = arg;
    const uint64_t one = 1;

    look_up(resolve, 0);
    atomic_store(&resolve->done, true);
    (void)!write(resolve->done_fd, &one, sizeof(one));
    nx_resolve_free(resolve);
    return NULL;
}

/* Signals are for the thread of the loop. */
static int start_thread(struct nx_resolve *resolve)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, old;
    int rc = pthread_attr_init(&attr);

    if (rc != 0) {
        return rc;
    }
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&thread, &attr, look_up_thread, resolve);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    (void)pthread_attr_destroy(&attr);
    return rc;
}

static enum nx_err ask_thread(struct nx_resolve *resolve, int *fd, struct nx_diag *diag)
{
    int rc;

    *fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    resolve->done_fd = *fd >= 0 ? dup(*fd) : -1;
    rc = resolve->done_fd >= 0 ? 0 : errno;
    if (rc == 0) {
        atomic_store(&resolve->owners, 2);
        rc = start_thread(resolve);
    }
    if (rc != 0) {
        atomic_store(&resolve->owners, 1);
        nx_diag_set(diag, "cannot look up '%s': %s", resolve->host, strerror(rc));
        if (*fd >= 0) {
            (void)close(*fd);
        }
        *fd = -1;
        return NX_ERR_IO;
    }
    return NX_OK;
}

enum nx_err nx_resolve_start(const char *host, uint16_t port, struct nx_resolve **out, int *fd,
                             struct nx_diag *diag)
{
    struct nx_resolve *resolve;
    enum nx_err err = NX_OK;

    *out = NULL;
    *fd = -1;
    if (strlen(host) >= sizeof(resolve->host)) {
        nx_diag_set(diag, "the host name is longer than 255 bytes");
        return NX_ERR_LIMIT;
    }
    resolve = calloc(1, sizeof(*resolve));
    if (resolve == NULL) {
        nx_diag_set(diag, "out of memory");
        return NX_ERR_NOMEM;
    }
    atomic_init(&resolve->owners, 1);
    resolve->done_fd = -1;
    (void)snprintf(resolve->host, sizeof(resolve->host), "%s", host);
    (void)snprintf(resolve->service, sizeof(resolve->service), "%u", (unsigned)port);
    look_up(resolve, AI_NUMERICHOST);
    if (resolve->error == 0) {
        atomic_store(&resolve->done, true);
    } else {
        err = ask_thread(resolve, fd, diag);
    }
    if (err != NX_OK) {
        nx_resolve_free(resolve);
        return err;
    }
    *out = resolve;
    return NX_OK;
}

enum nx_err nx_resolve_answer(const struct nx_resolve *resolve, const struct addrinfo **out,
                              struct nx_diag *diag)
{
    *out = NULL;
    if (!atomic_load(&resolve->done)) {
        return NX_ERR_AGAIN;
    }
    if (resolve->error != 0) {
        nx_diag_set(diag, "the name '%s' has no address: %s", resolve->host,
                    resolve->error == EAI_SYSTEM ? strerror(resolve->error_number)
                                                 : gai_strerror(resolve->error));
        return NX_ERR_IO;
    }
    *out = resolve->addresses;
    return NX_OK;
}

void nx_resolve_free(struct nx_resolve *resolve)
{
    if (resolve == NULL || atomic_fetch_sub(&resolve->owners, 1) > 1) {
        return;
    }
    if (resolve->done_fd >= 0) {
        (void)close(resolve->done_fd);
    }
    if (resolve->addresses != NULL) {
        freeaddrinfo(resolve->addresses);
    }
    free(resolve);
}
