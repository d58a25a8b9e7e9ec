/*
 * substance.h - what a gas weighs, and how much of it a cubic metre holds.
 *
 * A mixing ratio (ppm, ppb) says nothing about temperature; a concentration (mass per volume)
 * does: it is stated at a reference state, and 20 degrees Celsius against 25 is 1.7 percent.
 *
 *     concentration [ug/m3] = ratio [ppm] * 1000 * M [g/mol] * P [kPa] / (R [J/(mol K)] * T [K])
 *
 * which is the ideal gas law, as Directive 2008/50/EC Annex VI C uses it for gaseous pollutants
 * (293 K, 101.3 kPa). Particles are stated at ambient conditions there, and never rescaled.
 */
#ifndef NX_SUBSTANCE_H
#define NX_SUBSTANCE_H

#include "core/config.h"
#include "lens/decimal.h"

struct nx_substance {
    const char *name;
    int32_t molar_mass_e4; /* 10^-4 g/mol; 0: particles */
};

/* A reference state in integers, so that factors are exact. */
struct nx_state {
    int32_t kelvin_e2; /* 10^-2 K */
    int32_t pascal;
};

/* Canonical's: 293.15 K and 101.325 kPa. */
extern const struct nx_state nx_state_canonical;

/* NULL: not in the table. */
const struct nx_substance *nx_substance_find(struct nx_span name);

/* As most cities': asked for each gas of each reading. */
static inline bool nx_reference_is_canonical(const struct nx_reference *reference)
{
    return reference->temperature_celsius == 20 && reference->pressure_kpa == 101.325;
}

struct nx_state nx_state_of(const struct nx_reference *reference);

/* Micrograms per cubic metre at `state` in one ppm of a gas. */
struct nx_ratio nx_substance_per_ppm(const struct nx_substance *gas, struct nx_state state);

/* What a concentration of a gas at state `from` is multiplied by to be stated at `to`. */
struct nx_ratio nx_state_change(struct nx_state from, struct nx_state to);

#endif
