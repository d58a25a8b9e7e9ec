/*
 * sha256.c - the algorithm as FIPS 180-4 writes it, names included. OpenSSL has a faster one, but
 * this library lives inside the broker, whose list of libraries is kept short, and a schema is
 * digested once for each time it is loaded.
 */
#include "core/base/sha256.h"

#include <stdint.h>

enum { BLOCK = 64, ROUNDS = 64, WORDS = 8, LENGTH_BYTES = 8 };

static const uint32_t k[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotr(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static void expand(const uint8_t *block, uint32_t w[ROUNDS])
{
    for (unsigned t = 0; t < 16; t++) {
        const uint8_t *p = block + 4 * t;

        w[t] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    }
    for (unsigned t = 16; t < ROUNDS; t++) {
        uint32_t s0 = rotr(w[t - 15], 7) ^ rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotr(w[t - 2], 17) ^ rotr(w[t - 2], 19) ^ w[t - 2] >> 10;

        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
}

static void digest_block(uint32_t hash[WORDS], const uint8_t *block)
{
    uint32_t w[ROUNDS], v[WORDS]; /* v: a to h */

    expand(block, w);
    memcpy(v, hash, sizeof(v));
    for (unsigned t = 0; t < ROUNDS; t++) {
        uint32_t s1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
        uint32_t ch = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + s1 + ch + k[t] + w[t];
        uint32_t s0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
        uint32_t maj = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);

        memmove(v + 1, v, (WORDS - 1) * sizeof(v[0]));
        v[4] += t1;
        v[0] = t1 + s0 + maj;
    }
    for (unsigned i = 0; i < WORDS; i++) {
        hash[i] += v[i];
    }
}

/* The rest, a one bit, zeros, and the length in bits: one block or two (section 5.1.1). */
static void digest_tail(uint32_t hash[WORDS], const uint8_t *rest, size_t len, uint64_t bits)
{
    uint8_t tail[2 * BLOCK] = {0};
    size_t size = len + 1 + LENGTH_BYTES <= BLOCK ? BLOCK : 2 * BLOCK;

    if (len > 0) {
        memcpy(tail, rest, len);
    }
    tail[len] = 0x80;
    for (unsigned i = 0; i < LENGTH_BYTES; i++) {
        tail[size - 1 - i] = (uint8_t)(bits >> 8 * i);
    }
    for (size_t at = 0; at < size; at += BLOCK) {
        digest_block(hash, tail + at);
    }
}

const char *nx_sha256_hex(struct nx_span bytes, char out[NX_SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint32_t hash[WORDS] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                            0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const uint8_t *p = (const uint8_t *)bytes.ptr;
    size_t left = bytes.len;

    for (; left >= BLOCK; left -= BLOCK, p += BLOCK) {
        digest_block(hash, p);
    }
    digest_tail(hash, p, left, (uint64_t)bytes.len * 8);
    for (unsigned i = 0; i < 8 * WORDS; i++) {
        out[i] = digits[hash[i / 8] >> (28 - 4 * (i % 8)) & 15];
    }
    out[8 * WORDS] = '\0';
    return out;
}
