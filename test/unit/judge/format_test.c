/*
 * format_test.c - the formats, each by what it takes and what it must not.
 */
#include "core/format.h"

#include "test/unit/unit.h"

struct sample {
    const char *format;
    const char *text;
};

static void expect(const struct sample *samples, size_t count, bool valid)
{
    for (size_t i = 0; i < count; i++) {
        const struct nx_format *format = nx_format_find(nx_span_from(samples[i].format), 2020);
        assert_non_null(format);
        if (format->valid(nx_span_from(samples[i].text)) != valid) {
            fail_msg("%s: \"%s\" is %s", samples[i].format, samples[i].text,
                     valid ? "refused" : "taken");
        }
    }
}

static void what_the_standards_allow_is_taken(void **state)
{
    static const struct sample samples[] = {
        {"date", "2024-02-29"},
        {"date", "2000-02-29"},
        {"time", "23:59:60Z"},
        {"time", "15:59:60-08:00"},
        {"time", "00:00:00.000001+23:59"},
        {"date-time", "2026-01-31t15:00:00z"},
        {"duration", "P1Y2M3DT4H5M6S"},
        {"duration", "P2W"},
        {"duration", "PT0S"},
        {"ipv4", "255.255.255.255"},
        {"ipv6", "::"},
        {"ipv6", "::ffff:192.0.2.1"},
        {"ipv6", "1:2:3:4:5:6:7::"},
        {"uuid", "2EB8AA08-aa98-11ea-b4aa-73b441d16380"},
        {"uri", "http://u:p@[2001:db8::1]:80/a;b?c=/?#d"},
        {"uri", "urn:ngsi-ld:AirQualityObserved:BMLD"},
        {"uri", "mailto:a@example.org"},
        {"uri-reference", "../a%20b?#"},
        {"uri-reference", ""},
        {"iri", "http://\xEC\x9A\xB8\xEC\x82\xB0.example/\xEB\x8C\x80\xEA\xB8\xB0"},
        {"email", "\"a b\"@example.org"},
        {"email", "a+b@[192.0.2.1]"},
        {"hostname", "xn--4gbwdl.xn--wgbh1c"},
        {"hostname", "a-1.example"},
        {"idn-hostname", "\xEC\x9A\xB8\xEC\x82\xB0.example"},
        {"json-pointer", "/a~0~1/0/"},
        {"relative-json-pointer", "1+2#"},
        {"uri-template", "/x{?a,b*}{#c:3}"},
        {"regex", "^(?=a)[^]$"},
    };
    (void)state;
    expect(samples, sizeof(samples) / sizeof(samples[0]), true);
}

static void what_they_do_not_allow_is_refused(void **state)
{
    static const struct sample samples[] = {
        {"date", "2026-02-29"},
        {"date", "1900-02-29"},
        {"date", "2026-1-31"},
        {"date", "2026-01-31 "},
        {"date", "2026-00-10"},
        {"time", "24:00:00Z"},
        {"time", "12:00:60Z"},
        {"time", "12:00:00"},
        {"time", "12:00Z"},
        {"time", "12:00:00.Z"},
        {"time", "12:00:00+24:00"},
        {"date-time", "2026-01-31 15:00:00Z"},
        {"date-time", "2026-01-31T24:00:00Z"},
        {"date-time", "2026-01-31"},
        {"duration", "P"},
        {"duration", "PT"},
        {"duration", "P1YT"},
        {"duration", "P1Y3D"},
        {"duration", "P1.5D"},
        {"duration", "P1W1D"},
        {"duration", "1D"},
        {"ipv4", "192.0.2.01"},
        {"ipv4", "192.0.2"},
        {"ipv4", "192.0.2.256"},
        {"ipv4", ""},
        {"ipv6", "1:2:3:4:5:6:7:8::"},
        {"ipv6", "1::2::3"},
        {"ipv6", ":::"},
        {"ipv6", "fe80::1%eth0"},
        {"ipv6", "12345::"},
        {"uuid", "2eb8aa08aa9811eab4aa73b441d16380"},
        {"uri", "//example.org"},
        {"uri", "http://a b"},
        {"uri", "http://[::1"},
        {"uri", "http://a:8o"},
        {"uri", "a:%4"},
        {"uri", "http://\xC3\xA9"},
        {"uri-reference", "1:2"},
        {"email", "a..b@example.org"},
        {"email", "@example.org"},
        {"email", "a"},
        {"hostname", "-a"},
        {"hostname", "a_b"},
        {"hostname", "a..b"},
        {"hostname", "xn--X"},
        {"hostname", ""},
        {"json-pointer", "a"},
        {"json-pointer", "/~2"},
        {"relative-json-pointer", "01"},
        {"relative-json-pointer", "-1"},
        {"uri-template", "{a"},
        {"regex", "\\Z"},
        {"regex", "("},
    };
    (void)state;
    expect(samples, sizeof(samples) / sizeof(samples[0]), false);
}

static void an_unknown_format_is_not_found(void **state)
{
    (void)state;
    assert_null(nx_format_find(NX_SPAN("datetime"), 2020));
    assert_null(nx_format_find(NX_SPAN(""), 2020));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_standards_allow_is_taken),
        cmocka_unit_test(what_they_do_not_allow_is_refused),
        cmocka_unit_test(an_unknown_format_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
