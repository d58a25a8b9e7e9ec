/*
 * crc32c.c - CRC-32C (Castagnoli; RFC 3720 appendix B.4), eight bytes a step: it is paid once for
 * every byte of every batch, inside the broker. By the processor's own instruction where it has
 * one, else by tables ("slicing", Kounavis and Berry 2005), which are 8 KiB of its nearest cache.
 *
 * The tables are constants, not filled in at the first use: the core has no mutable globals. An
 * entry is linear in the bits of its index, so a table of 256 follows from its eight entries for
 * 1, 2, 4 ... 128, and the compiler does the rest.
 */
#include "core/batch.h"

#ifdef __x86_64__
#include <nmmintrin.h>
#endif

#define BIT(i, n, value) (((i) >> (n)&1U) != 0 ? (value) : 0U)
#define ENTRY(i, a, b, c, d, e, f, g, h)                                                           \
    (BIT(i, 0, a) ^ BIT(i, 1, b) ^ BIT(i, 2, c) ^ BIT(i, 3, d) ^ BIT(i, 4, e) ^ BIT(i, 5, f) ^     \
     BIT(i, 6, g) ^ BIT(i, 7, h))
#define ENTRIES_4(i, ...)                                                                          \
    ENTRY(i, __VA_ARGS__), ENTRY((i) + 1U, __VA_ARGS__), ENTRY((i) + 2U, __VA_ARGS__),             \
        ENTRY((i) + 3U, __VA_ARGS__)
#define ENTRIES_16(i, ...)                                                                         \
    ENTRIES_4(i, __VA_ARGS__), ENTRIES_4((i) + 4U, __VA_ARGS__), ENTRIES_4((i) + 8U, __VA_ARGS__), \
        ENTRIES_4((i) + 12U, __VA_ARGS__)
#define ENTRIES_64(i, ...)                                                                         \
    ENTRIES_16(i, __VA_ARGS__), ENTRIES_16((i) + 16U, __VA_ARGS__),                                \
        ENTRIES_16((i) + 32U, __VA_ARGS__), ENTRIES_16((i) + 48U, __VA_ARGS__)
#define TABLE(...)                                                                                 \
    {                                                                                              \
        ENTRIES_64(0U, __VA_ARGS__), ENTRIES_64(64U, __VA_ARGS__), ENTRIES_64(128U, __VA_ARGS__),  \
            ENTRIES_64(192U, __VA_ARGS__)                                                          \
    }

/* tables[k][byte]: what `byte` adds to the checksum with k zero bytes behind it. */
static const uint32_t tables[8][256] = {
    TABLE(0xF26B8303, 0xE13B70F7, 0xC79A971F, 0x8AD958CF, 0x105EC76F, 0x20BD8EDE, 0x417B1DBC,
          0x82F63B78),
    TABLE(0x13A29877, 0x274530EE, 0x4E8A61DC, 0x9D14C3B8, 0x3FC5F181, 0x7F8BE302, 0xFF17C604,
          0xFBC3FAF9),
    TABLE(0xA541927E, 0x4F6F520D, 0x9EDEA41A, 0x38513EC5, 0x70A27D8A, 0xE144FB14, 0xC76580D9,
          0x8B277743),
    TABLE(0xDD45AAB8, 0xBF672381, 0x7B2231F3, 0xF64463E6, 0xE964B13D, 0xD725148B, 0xABA65FE7,
          0x52A0C93F),
    TABLE(0x38116FAC, 0x7022DF58, 0xE045BEB0, 0xC5670B91, 0x8F2261D3, 0x1BA8B557, 0x37516AAE,
          0x6EA2D55C),
    TABLE(0xEF306B19, 0xDB8CA0C3, 0xB2F53777, 0x6006181F, 0xC00C303E, 0x85F4168D, 0x0E045BEB,
          0x1C08B7D6),
    TABLE(0x68032CC8, 0xD0065990, 0xA5E0C5D1, 0x4E2DFD53, 0x9C5BFAA6, 0x3D5B83BD, 0x7AB7077A,
          0xF56E0EF4),
    TABLE(0x493C7D27, 0x9278FA4E, 0x211D826D, 0x423B04DA, 0x847609B4, 0x0D006599, 0x1A00CB32,
          0x34019664),
};

static uint32_t word(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t nx_crc32c_by_table(uint32_t crc, struct nx_span bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    size_t left = bytes.len;

    crc = ~crc;
    for (; left >= 8; p += 8, left -= 8) {
        uint32_t low = crc ^ word(p);
        uint32_t high = word(p + 4);

        crc = tables[7][low & 0xFF] ^ tables[6][low >> 8 & 0xFF] ^ tables[5][low >> 16 & 0xFF] ^
              tables[4][low >> 24] ^ tables[3][high & 0xFF] ^ tables[2][high >> 8 & 0xFF] ^
              tables[1][high >> 16 & 0xFF] ^ tables[0][high >> 24];
    }
    for (; left > 0; p++, left--) {
        crc = crc >> 8 ^ tables[0][(crc ^ *p) & 0xFF];
    }
    return ~crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, struct nx_span bytes)
{
    const char *p = bytes.ptr;
    size_t left = bytes.len;
    uint64_t wide = ~crc, eight;

    for (; left >= 8; p += 8, left -= 8) {
        memcpy(&eight, p, 8);
        wide = _mm_crc32_u64(wide, eight);
    }
    crc = (uint32_t)wide;
    for (; left > 0; p++, left--) {
        crc = _mm_crc32_u8(crc, (unsigned char)*p);
    }
    return ~crc;
}

uint32_t nx_crc32c(uint32_t crc, struct nx_span bytes)
{
    return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, bytes)
                                            : nx_crc32c_by_table(crc, bytes);
}
#else
uint32_t nx_crc32c(uint32_t crc, struct nx_span bytes)
{
    return nx_crc32c_by_table(crc, bytes);
}
#endif
