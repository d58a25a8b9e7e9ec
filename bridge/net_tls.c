/*
 * net_tls.c - TLS 1.2 and 1.3 over the plain layer, by OpenSSL: the only file that knows it.
 *
 * The peer is always verified: chain, validity, and the name or address that was dialed. OpenSSL's
 * own socket functions would raise SIGPIPE, so it reads and writes through a BIO over the plain
 * layer. A connection keeps the context that it began with, whatever is read anew meanwhile.
 */
#include "bridge/net_layer.h"
#include "core/base/span.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct nx_net_credentials {
    struct nx_net_files files;
    SSL_CTX *ctx;
};

struct nx_net_tls_state {
    SSL *ssl;
    BIO_METHOD *method;
    struct nx_diag below; /* why the plain layer failed */
    bool ended;           /* the plain layer came to the end of the stream */
};

/* OpenSSL's own words for the newest error in its queue. */
static const char *openssl_words(void)
{
    const unsigned long code = ERR_peek_last_error();
    const char *words = ERR_reason_error_string(code);

    if (ERR_GET_REASON(code) == ERR_R_PEM_LIB) { /* "PEM lib" says nothing to anybody */
        return "nothing of that kind in it that can be read (PEM, without a password)";
    }
    if (words != NULL) {
        return words;
    }
    return ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : "unknown error";
}

/* ---- context ---- */

/* An encrypted key must not make a daemon ask for a password on the terminal. */
static int no_password(char *out, int size, int writing, void *arg)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static enum nx_err use_files(SSL_CTX *ctx, const struct nx_net_files *files, struct nx_diag *diag)
{
    const char *key = files->key_file != NULL ? files->key_file : files->cert_file;

    if (files->ca_file == NULL && SSL_CTX_set_default_verify_paths(ctx) != 1) {
        nx_diag_set(diag, "the system's CA certificates cannot be used: %s", openssl_words());
        return NX_ERR_IO;
    }
    if (files->ca_file != NULL && SSL_CTX_load_verify_file(ctx, files->ca_file) != 1) {
        nx_diag_set(diag, "CA file %s cannot be used: %s", files->ca_file, openssl_words());
        return NX_ERR_IO;
    }
    if (files->cert_file == NULL) {
        return NX_OK;
    }
    if (SSL_CTX_use_certificate_chain_file(ctx, files->cert_file) != 1) {
        nx_diag_set(diag, "certificate %s cannot be used: %s", files->cert_file, openssl_words());
        return NX_ERR_IO;
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
        nx_diag_set(diag, "key %s cannot be used with certificate %s: %s", key, files->cert_file,
                    openssl_words());
        return NX_ERR_IO;
    }
    return NX_OK;
}

static enum nx_err context_new(const struct nx_net_files *files, SSL_CTX **out,
                               struct nx_diag *diag)
{
    SSL_CTX *ctx;
    enum nx_err err;

    *out = NULL;
    ERR_clear_error();
    ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
        nx_diag_set(diag, "TLS cannot be used: %s", openssl_words());
        SSL_CTX_free(ctx);
        return NX_ERR_NOMEM;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    /* the output queue grows and moves between two tries of the same write */
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_default_passwd_cb(ctx, no_password);
    err = use_files(ctx, files, diag);
    if (err != NX_OK) {
        SSL_CTX_free(ctx);
        return err;
    }
    *out = ctx;
    return NX_OK;
}

enum nx_err nx_net_credentials_reload(struct nx_net_credentials *credentials, struct nx_diag *diag)
{
    SSL_CTX *ctx;
    const enum nx_err err = context_new(&credentials->files, &ctx, diag);

    if (err == NX_OK) {
        SSL_CTX_free(credentials->ctx); /* lives on in the connections that use it */
        credentials->ctx = ctx;
    }
    return err;
}

enum nx_err nx_net_credentials_new(const struct nx_net_files *files,
                                   struct nx_net_credentials **out, struct nx_diag *diag)
{
    struct nx_net_credentials *credentials = calloc(1, sizeof(*credentials));
    enum nx_err err;

    *out = NULL;
    if (credentials == NULL) {
        nx_diag_set(diag, "out of memory");
        return NX_ERR_NOMEM;
    }
    credentials->files = *files;
    err = nx_net_credentials_reload(credentials, diag);
    if (err != NX_OK) {
        nx_net_credentials_free(credentials);
        return err;
    }
    *out = credentials;
    return NX_OK;
}

void nx_net_credentials_free(struct nx_net_credentials *credentials)
{
    if (credentials == NULL) {
        return;
    }
    SSL_CTX_free(credentials->ctx);
    free(credentials);
}

/* ---- the BIO over the plain layer ---- */

static int bio_result(BIO *bio, enum nx_err err, size_t count, bool reading)
{
    struct nx_net *net = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    net->tls->ended = err == NX_ERR_NOT_FOUND;
    if (err == NX_OK) {
        return (int)count; /* OpenSSL asks for records, 16 KiB and a little */
    }
    if (err == NX_ERR_AGAIN && reading) {
        BIO_set_retry_read(bio);
    } else if (err == NX_ERR_AGAIN) {
        BIO_set_retry_write(bio);
    }
    return err == NX_ERR_NOT_FOUND ? 0 : -1;
}

static int bio_read(BIO *bio, char *out, int size)
{
    struct nx_net *net = BIO_get_data(bio);
    size_t count = 0;
    const enum nx_err err =
        size > 0 ? nx_net_plain.read(net, out, (size_t)size, &count, &net->tls->below)
                 : NX_ERR_AGAIN;

    return bio_result(bio, err, count, true);
}

static int bio_write(BIO *bio, const char *bytes, int len)
{
    struct nx_net *net = BIO_get_data(bio);
    size_t count = 0;
    const enum nx_err err =
        len > 0 ? nx_net_plain.write(net, bytes, (size_t)len, &count, &net->tls->below)
                : NX_ERR_AGAIN;

    return bio_result(bio, err, count, false);
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0; /* nothing is held back */
}

static BIO *bio_over(struct nx_net *net)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "nexus-net");
    BIO *bio;

    if (method == NULL) {
        return NULL;
    }
    net->tls->method = method;
    (void)BIO_meth_set_read(method, bio_read);
    (void)BIO_meth_set_write(method, bio_write);
    (void)BIO_meth_set_ctrl(method, bio_ctrl);
    bio = BIO_new(method);
    if (bio != NULL) {
        BIO_set_data(bio, net);
        BIO_set_init(bio, 1);
    }
    return bio;
}

/* ---- the stream ---- */

static const char *expected_name(const struct nx_net *net)
{
    return net->config.server_name != NULL ? net->config.server_name : net->config.host;
}

/* The certificate must name the host; a name is also told to the server (SNI, RFC 6066). */
static bool expect_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    unsigned char address[sizeof(struct in6_addr)];
    char sni[256]; /* OpenSSL's macro takes no const */

    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1) {
        return X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
    }
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return nx_span_copy(nx_span_from(name), sni, sizeof(sni)) &&
           X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, sni) == 1;
}

static void tls_fini(struct nx_net *net)
{
    if (net->tls == NULL) {
        return;
    }
    SSL_free(net->tls->ssl); /* and its BIO */
    BIO_meth_free(net->tls->method);
    free(net->tls);
    net->tls = NULL;
}

enum nx_err nx_net_tls_begin(struct nx_net *net, struct nx_diag *diag)
{
    BIO *bio;

    net->tls = calloc(1, sizeof(*net->tls));
    if (net->tls == NULL) {
        nx_diag_set(diag, "out of memory");
        return NX_ERR_NOMEM; /* nx_net_free tidies up, here and below */
    }
    ERR_clear_error();
    net->tls->ssl = SSL_new(net->config.credentials->ctx);
    bio = net->tls->ssl != NULL ? bio_over(net) : NULL;
    if (bio == NULL) {
        nx_diag_set(diag, "TLS cannot be used: %s", openssl_words());
        return NX_ERR_NOMEM;
    }
    SSL_set_bio(net->tls->ssl, bio, bio);
    SSL_set_connect_state(net->tls->ssl);
    if (!expect_name(net->tls->ssl, expected_name(net))) {
        nx_diag_set(diag, "'%s' cannot be the name of a TLS server", expected_name(net));
        return NX_ERR_INVALID;
    }
    return NX_OK;
}

/* Why the peer's certificate was not believed. */
static void explain_verify(const struct nx_net *net, long result, struct nx_diag *diag)
{
    const char *ca = net->config.credentials->files.ca_file;

    switch (result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        nx_diag_set(diag, "the certificate of %s does not name '%s'", net->where,
                    expected_name(net));
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        nx_diag_set(diag, "the certificate of %s has expired", net->where);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        nx_diag_set(diag, "the certificate of %s is not valid yet (is the clock right?)",
                    net->where);
        break;
    default:
        nx_diag_set(diag, "the certificate of %s is not signed by a CA of %s: %s", net->where,
                    ca != NULL ? ca : "this system", X509_verify_cert_error_string(result));
        break;
    }
}

/* Why an operation failed; the caller knows that it did. */
static enum nx_err explain(struct nx_net *net, int error, struct nx_diag *diag)
{
    const long verify = SSL_get_verify_result(net->tls->ssl);
    const unsigned long code = ERR_peek_last_error();
    const bool ours = ERR_GET_LIB(code) == ERR_LIB_SSL;

    if (verify != X509_V_OK) {
        explain_verify(net, verify, diag);
    } else if (ours && ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET) {
        nx_diag_set(diag, "%s refused the TLS connection: %s", net->where, openssl_words());
    } else if (net->tls->ended || error == SSL_ERROR_ZERO_RETURN) {
        nx_diag_set(diag, "%s closed the connection", net->where);
        return NX_ERR_NOT_FOUND;
    } else if (net->tls->below.text[0] != '\0') {
        nx_diag_set(diag, "%s", net->tls->below.text);
    } else if (ours && (ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER ||
                        ERR_GET_REASON(code) == SSL_R_PACKET_LENGTH_TOO_LONG)) {
        nx_diag_set(diag, "%s does not speak TLS", net->where);
    } else {
        nx_diag_set(diag, "%s: TLS failed: %s", net->where, openssl_words());
    }
    return NX_ERR_IO;
}

/* The outcome of an OpenSSL call that returned `rc`. */
static enum nx_err outcome(struct nx_net *net, int rc, struct nx_diag *diag)
{
    const int error = SSL_get_error(net->tls->ssl, rc);

    net->wants_write = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_NONE) {
        return NX_OK;
    }
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        return NX_ERR_AGAIN;
    }
    return explain(net, error, diag);
}

/* Before each call of OpenSSL: what is found after it is its own. */
static void forget_errors(struct nx_net *net)
{
    ERR_clear_error();
    net->tls->below.text[0] = '\0';
    net->tls->ended = false;
}

static enum nx_err tls_handshake(struct nx_net *net, struct nx_diag *diag)
{
    enum nx_err err;

    forget_errors(net);
    err = outcome(net, SSL_do_handshake(net->tls->ssl), diag);
    if (err == NX_ERR_NOT_FOUND || (err == NX_ERR_IO && net->tls->below.text[0] != '\0')) {
        nx_diag_set(diag, "%s broke off the TLS handshake (no TLS port?)", net->where);
        return NX_ERR_IO;
    }
    return err;
}

static enum nx_err tls_read(struct nx_net *net, void *out, size_t size, size_t *count,
                            struct nx_diag *diag)
{
    *count = 0;
    forget_errors(net);
    return outcome(net, SSL_read_ex(net->tls->ssl, out, size, count), diag);
}

static enum nx_err tls_write(struct nx_net *net, const void *bytes, size_t len, size_t *count,
                             struct nx_diag *diag)
{
    enum nx_err err;

    *count = 0;
    if (len == 0) {
        return NX_OK;
    }
    forget_errors(net);
    err = outcome(net, SSL_write_ex(net->tls->ssl, bytes, len, count), diag);
    return err == NX_ERR_NOT_FOUND ? NX_ERR_IO : err;
}

static void tls_shutdown(struct nx_net *net)
{
    forget_errors(net);
    (void)SSL_shutdown(net->tls->ssl); /* our close_notify; the peer's is not waited for */
    nx_net_plain.shutdown(net);
}

const struct nx_net_layer nx_net_over_tls = {
    .handshake = tls_handshake,
    .read = tls_read,
    .write = tls_write,
    .by_records = true,
    .shutdown = tls_shutdown,
    .fini = tls_fini,
};
