/*
 * substance.c - the table of gases and the ideal gas law in integers. A gas is one row.
 */
#include "lens/substance.h"

#include <math.h>
#include <stddef.h>

/* Molar gas constant, CODATA 2018: 8.314462618 J/(mol K). */
static const int64_t gas_constant_e9 = 8314462618;

const struct nx_state nx_state_canonical = {.kelvin_e2 = 29315, .pascal = 101325};

/* Sums of the standard atomic weights, within IUPAC's intervals. */
static const struct nx_substance substances[] = {
    {"NO2", 460055}, {"O3", 479982}, {"SO2", 640660}, {"CO", 280101}, {"particles", 0},
};

const struct nx_substance *nx_substance_find(struct nx_span name)
{
    for (size_t i = 0; i < sizeof(substances) / sizeof(substances[0]); i++) {
        if (nx_span_is(name, substances[i].name)) {
            return &substances[i];
        }
    }
    return NULL;
}

struct nx_state nx_state_of(const struct nx_reference *reference)
{
    if (nx_reference_is_canonical(reference)) {
        return nx_state_canonical;
    }
    return (struct nx_state){
        .kelvin_e2 = (int32_t)lround((reference->temperature_celsius + 273.15) * 100),
        .pascal = (int32_t)lround(reference->pressure_kpa * 1000),
    };
}

/*
 * 1000 * M * P / (R * T) with M in 10^-4 g/mol, P in Pa, R in 10^-9, T in 10^-2 K: the powers of
 * ten left over are 10^(3 - 4 - 3 + 9 + 2) = 10^7.
 */
struct nx_ratio nx_substance_per_ppm(const struct nx_substance *gas, struct nx_state state)
{
    return nx_ratio((int64_t)gas->molar_mass_e4 * state.pascal * 10000000,
                    gas_constant_e9 * state.kelvin_e2);
}

struct nx_ratio nx_state_change(struct nx_state from, struct nx_state to)
{
    if (from.kelvin_e2 == to.kelvin_e2 && from.pascal == to.pascal) {
        return (struct nx_ratio){1, 1};
    }
    return nx_ratio((int64_t)to.pascal * from.kelvin_e2, (int64_t)from.pascal * to.kelvin_e2);
}
