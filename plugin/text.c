/*
 * text.c - cleans text that somebody outside has chosen before a person or a parser reads it.
 */
#include "plugin/text.h"

#include "core/utf8.h"

static bool is_unfit(unsigned char c, enum nx_text_use use)
{
    return c == '\0' || (use == NX_TEXT_LOG && (c < 0x20 || c == 0x7F));
}

const char *nx_text_clean(struct nx_span in, enum nx_text_use use, char *out, size_t size)
{
    static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */
    const char *p = in.ptr;
    const char *end = in.len > 0 ? in.ptr + in.len : in.ptr;
    size_t used = 0;

    while (p < end) {
        unsigned width = nx_utf8_valid(p, end);
        bool unfit = width == 0 || is_unfit((unsigned char)*p, use);
        size_t need = unfit ? sizeof(replacement) - 1 : width;

        if (used + need >= size) {
            break;
        }
        memcpy(out + used, unfit ? replacement : p, need);
        used += need;
        p += width == 0 ? 1 : width;
    }
    out[used] = '\0';
    return out;
}
