"""Physical constants: name, value, [unit], meaning and source.

Values marked *program* are those of the published WBGT program (Liljegren et al. 2008, *Modeling the wet
bulb globe temperature using standard meteorological measurements*, J. Occup. Environ. Hyg. 5, 645-655).
They are kept to the last digit because every published reference number rests on them.
"""

from __future__ import annotations

from typing import Final

KELVIN: Final = 273.15  # [K] 0 °C
SIGMA: Final = 5.6696e-8  # [W m-2 K-4] Stefan-Boltzmann constant (program)

# Air and water vapour
HEAT_CAPACITY_AIR: Final = 1003.5  # [J kg-1 K-1] dry air at constant pressure (program)
MOLAR_MASS_AIR: Final = 28.97  # [kg kmol-1] (program)
MOLAR_MASS_WATER: Final = 18.015  # [kg kmol-1] (program)
GAS_CONSTANT_AIR: Final = 8314.34 / MOLAR_MASS_AIR  # [J kg-1 K-1] (program)
EUCKEN_HEAT: Final = HEAT_CAPACITY_AIR + 1.25 * GAS_CONSTANT_AIR  # [J kg-1 K-1] conductivity / viscosity
PRANDTL: Final = HEAT_CAPACITY_AIR / EUCKEN_HEAT  # [1]
PSYCHROMETRIC_RATIO: Final = HEAT_CAPACITY_AIR * MOLAR_MASS_AIR / MOLAR_MASS_WATER  # [J kg-1 K-1] (program)
PSYCHROMETER: Final = 6.62e-4  # [K-1] Sprung, ventilated psychrometer; assumed for the official wet bulb

# Slope of the heat of evaporation, [J kg-1] per 30 K, around 40 °C. The program lets it fall towards the
# cold; the physical sign is the opposite and lowers summer WBGT by 0.04-0.07 °C. Kept for comparability.
EVAPORATION_SLOPE: Final = 71_100.0

# Saturation vapour pressure over water (Buck 1981, J. Appl. Meteorol. 20, 1527-1532)
MOIST_AIR_FACTOR: Final = 1.004  # [1] enhancement in moist air (program)
BUCK_PRESSURE: Final = 6.1121  # [hPa] at 0 °C
BUCK_SLOPE: Final = 17.502  # [1]
BUCK_OFFSET: Final = 240.97  # [°C]

# Globe and wick (program; ISO 7243, ISO 7726)
GLOBE_EMISSIVITY: Final = 0.95  # [1] and short-wave absorptivity: a grey sphere
GLOBE_DIAMETER_ISO: Final = 0.0508  # [m] 2-inch globe of the program
GLOBE_DIAMETER_MOE: Final = 0.15  # [m] 6-inch globe of Japanese official practice
WICK_EMISSIVITY: Final = 0.95  # [1]
WICK_ALBEDO: Final = 0.4  # [1]
WICK_DIAMETER: Final = 0.007  # [m]
WICK_LENGTH: Final = 0.0254  # [m]
# [m s-1] Wind below which a hot globe of 150 mm stirs the air around it by itself, by the laws of ISO 7726.
# There ``wbgt_moe`` has a kink; with more wind it would lie 46 K above the air, where no globe gets to.
WIND_CALM: Final = 0.25
WIND_MIN: Final = 0.13  # [m s-1] slowest air movement past globe and wick (program)

# WBGT weights out of doors, in sun and in shade alike (ISO 7243)
WEIGHT_WET_BULB: Final = 0.7
WEIGHT_GLOBE: Final = 0.2
WEIGHT_AIR: Final = 0.1

# Sun
SOLAR_CONSTANT: Final = 1367.0  # [W m-2] (program)
CLEARNESS_MAX: Final = 0.85  # [1] largest global radiation as a share of the top of the atmosphere (program)
COSZ_MIN: Final = 0.00873  # [1] cosine of 89.5°: a lower sun sends no beam (program)
COSZ_BEAM_MIN: Final = 0.05  # [1] below 2.9° the split of global radiation is noise: no beam

# Clear sky: growth of its emissivity with the logarithm of the path (Unsworth & Monteith 1975)
SKY_SLANT: Final = 0.09  # [1]

# The ground of the published program
PROGRAM_GROUND_ALBEDO: Final = 0.45  # [1] (program; far brighter than a town)
PROGRAM_GROUND_EMISSIVITY: Final = 0.999  # [1] (program)

# The body of a person (ISO 7726:1998; VDI 3787-2; Lindberg et al. 2008)
PERSON_ABSORPTION_SHORT: Final = 0.70  # [1] of short-wave radiation
PERSON_ABSORPTION_LONG: Final = 0.97  # [1] of long-wave radiation, and emissivity
STANDING: Final = (0.22, 0.06)  # [1] weight of each of the four sides, and of above and below
SITTING: Final = (1.0 / 6.0, 1.0 / 6.0)  # [1] the same: a body that is as long as broad

# Crowns of trees (Oke 1987, table 1.1: deciduous forest 0.15-0.20)
CROWN_ALBEDO: Final = 0.18  # [1]

# WBGT of Japan's stations (Ono & Tonouchi 2014, Jpn. J. Biometeorol. 50, 147-157)
ONO_AIR: Final = 0.735  # per [°C]
ONO_HUMIDITY: Final = 0.0374  # per [%]
ONO_AIR_HUMIDITY: Final = 0.00292  # per [°C %]
ONO_SUN: Final = 7.619  # per [kW m-2]
ONO_SUN_SQUARED: Final = -4.557  # per [kW2 m-4]
ONO_WIND: Final = -0.0572  # per [m s-1]
ONO_CONSTANT: Final = -4.064  # [°C]
ONO_SUN_MAX: Final = -0.5 * ONO_SUN / ONO_SUN_SQUARED  # [kW m-2] 0.836: more sun lowers the regression
