"""The units that people write: a table, and nothing but a table. `quantities.py` reads it.

A row is symbol | factor to SI | dimensions | quantity kinds | prefixes | QUDT name | UCUM code | other spellings. Fields
are separated by `|`, the parts of one by spaces (an underscore in a spelling is a space); `=` for the UCUM code means
that it is the symbol. With a prefix, QUDT's name is the prefix's name before the unit's, where QUDT has that one:
UNNAMED lists those that it has not. A factor may be a quotient. `+` after a factor is what is added before multiplying.
Dimensions: L length, M mass, T time, I current, K temperature, N amount, J luminous intensity.
"""

from __future__ import annotations

from typing import Final

PREFIXES: Final = {
    "Q": (1e30, "Quetta"), "R": (1e27, "Ronna"), "Y": (1e24, "Yotta"), "Z": (1e21, "Zetta"), "E": (1e18, "Exa"),
    "P": (1e15, "Peta"), "T": (1e12, "Tera"), "G": (1e9, "Giga"), "M": (1e6, "Mega"), "k": (1e3, "Kilo"),
    "h": (1e2, "Hecto"), "da": (1e1, "Deca"), "d": (1e-1, "Deci"), "c": (1e-2, "Centi"), "m": (1e-3, "Milli"),
    "u": (1e-6, "Micro"), "n": (1e-9, "Nano"), "p": (1e-12, "Pico"), "f": (1e-15, "Femto"), "a": (1e-18, "Atto"),
    "z": (1e-21, "Zepto"), "y": (1e-24, "Yocto"),
}  # fmt: skip

# The letters of a row's prefixes: one word for each usual choice, else the letters themselves.
CHOICES: Final = {
    "all": "E P T G M k h da d c m u n p f a z y".split(),
    "usual": "T G M k m u n p f".split(),
    "small": "d c m u n p f a".split(),
    "big": "k M G T P E".split(),
    "none": [],
}

UNITS: Final = """
m | 1 | L | Length | all | M | = | meter meters metre metres
g | 1e-3 | M | Mass | all | GM | = | gram grams
s | 1 | T | Time | all | SEC | = | sec secs second seconds 秒
A | 1 | I | ElectricCurrent | all | A | = | amp ampere amperes
K | 1 | K | Temperature TemperatureDifference | all | K | = | kelvin °K
mol | 1 | N | AmountOfSubstance | all | MOL | = | mole moles
cd | 1 | J | LuminousIntensity | k m | CD | = | candela
°C | 1+273.15 | K | Temperature TemperatureDifference | none | DEG_C | Cel | ℃ Cel degC deg_C oC celsius Celsius degree_Celsius degrees_Celsius degrees_C 度C
°F | 5/9+459.67 | K | Temperature TemperatureDifference | none | DEG_F | [degF] | ℉ degF deg_F oF fahrenheit Fahrenheit degrees_F degree_Fahrenheit
min | 60 | T | Time | none | MIN | = | mins minute minutes 分
h | 3600 | T | Time | none | HR | = | hr hrs hour hours 時間
d | 86400 | T | Time | none | DAY | = | day days 日
wk | 604800 | T | Time | none | WK | = | week weeks 週
mo | 2629800 | T | Time | none | - | = | month months mon 月 か月 ヶ月
yr | 31557600 | T | Time | k M G | YR | a | a yrs year years 年 歳
rad | 1 | - | Angle | m u n | RAD | = | radian radians
deg | 0.017453292519943295 | - | Angle | m | DEG | = | ° degree degrees 度
' | 2.908882086657216e-4 | - | Angle | none | ARCMIN | = | arcmin ′
'' | 4.84813681109536e-6 | - | Angle | m u | ARCSEC | = | arcsec ″ "
sr | 1 | - | SolidAngle | m u | SR | = | steradian
rpm | 0.10471975511965977 | T-1 | AngularVelocity Frequency | none | REV-PER-MIN | {rev}/min | rev/min r/min RPM
Hz | 1 | T-1 | Frequency | all | HZ | = | hertz
cps | 1 | T-1 | CountRate Frequency | k M | - | {counts}/s | counts/s count/s cts/s
cpm | 1/60 | T-1 | CountRate Frequency | none | - | {counts}/min | counts/min
N | 1 | L M T-2 | Force | usual | N | = | newton newtons
dyn | 1e-5 | L M T-2 | Force | none | DYN | = | dyne
J | 1 | L2 M T-2 | Energy | all | J | = | joule joules
eV | 1.602176634e-19 | L2 M T-2 | Energy | all | EV | = | electronvolt electronvolts electron_volt
cal | 4.184 | L2 M T-2 | Energy | k | CAL_TH | = | cal_th calorie
erg | 1e-7 | L2 M T-2 | Energy | none | ERG | = | ergs
Ha | 4.3597447222071e-18 | L2 M T-2 | Energy | m u | E_h | - | hartree Hartree Eh E_h
Ry | 2.1798723611035e-18 | L2 M T-2 | Energy | m | - | - | rydberg Rydberg
BTU | 1055.05585262 | L2 M T-2 | Energy | none | BTU_IT | [Btu_IT] | Btu
Wh | 3600 | L2 M T-2 | Energy | k M G T | W-HR | W.h | watthour
W | 1 | L2 M T-3 | Power | all | W | = | watt watts
Pa | 1 | L-1 M T-2 | Pressure | all | PA | = | pascal pascals
bar | 1e5 | L-1 M T-2 | Pressure | m u k M G d | BAR | = | bars
Torr | 133.32236842105263 | L-1 M T-2 | Pressure | m u n | TORR | - | torr
mmHg | 133.322387415 | L-1 M T-2 | Pressure | none | MilliM_HG | mm[Hg] | mm[Hg] mm_Hg
atm | 101325 | L-1 M T-2 | Pressure | none | ATM | = | atmosphere atmospheres
psi | 6894.757293168361 | L-1 M T-2 | Pressure | k | PSI | [psi] | [psi] PSI
V | 1 | L2 M T-3 I-1 | Voltage ElectricPotential | all | V | = | volt volts
Ω | 1 | L2 M T-3 I-2 | Resistance ElectricResistance | all | OHM | Ohm | Ohm ohm ohms
S | 1 | L-2 M-1 T3 I2 | Conductance ElectricConductance | all | S | = | siemens
F | 1 | L-2 M-1 T4 I2 | Capacitance | all | FARAD | = | farad
C | 1 | T I | ElectricCharge | all | C | = | coulomb coulombs
H | 1 | L2 M T-2 I-2 | Inductance | all | H | = | henry
Wb | 1 | L2 M T-2 I-1 | MagneticFlux | m u | WB | = | weber
T | 1 | M T-2 I-1 | MagneticFluxDensity | k m u n p f | T | = | tesla
G | 1e-4 | M T-2 I-1 | MagneticFluxDensity | k m u | GAUSS | = | gauss Gauss
Oe | 79.57747154594767 | L-1 I | MagneticFieldStrength | k m | OERSTED | = | oersted
lm | 1 | J | LuminousFlux | k | LM | = | lumen
lx | 1 | L-2 J | Illuminance | k m | LUX | = | lux
L | 1e-3 | L3 | Volume | all | L | = | l ℓ liter liters litre litres
cc | 1e-6 | L3 | Volume | none | MilliL | cm3 | ccm
Å | 1e-10 | L | Length | none | ANGSTROM | Ao | Ao angstrom angstroms Angstrom Ang Å
in | 0.0254 | L | Length | none | IN | [in_i] | inch inches [in_i]
ft | 0.3048 | L | Length | none | FT | [ft_i] | foot feet [ft_i]
yd | 0.9144 | L | Length | none | YD | [yd_i] | yard yards [yd_i]
mi | 1609.344 | L | Length | none | MI | [mi_i] | mile miles [mi_i]
nmi | 1852 | L | Length | none | MI_N | [nmi_i] | [nmi_i] nautical_mile nautical_miles
AU | 149597870700 | L | Length | none | - | = | astronomical_unit
pc | 3.0856775814913673e16 | L | Length | k M G | - | = | parsec parsecs
ly | 9460730472580800 | L | Length | none | LY | [ly] | lightyear light_year [ly]
acre | 4046.8564224 | L2 | Area | none | AC | [acr_br] | acres
ha | 1e4 | L2 | Area | none | HA | har | hectare hectares har
b | 1e-28 | L2 | Area CrossSection | m u n p f | BARN | = | barn barns
gal | 3.785411784e-3 | L3 | Volume | none | GAL_US | [gal_us] | gallon gallons [gal_us]
t | 1000 | M | Mass | k M G | TONNE | = | tonne tonnes ton_metric
lb | 0.45359237 | M | Mass | none | LB | [lb_av] | lbs pound pounds [lb_av]
oz | 0.028349523125 | M | Mass | none | OZ | [oz_av] | ounce ounces [oz_av]
Da | 1.6605390666e-27 | M | Mass MolecularMass | k M G | DA | u | dalton daltons u amu AMU
M | 1000 | L-3 N | AmountOfSubstanceConcentration | small | MOL-PER-L | mol/L | molar Molar mol/l
molal | 1 | M-1 N | Molality | none | MOL-PER-KiloGM | mol/kg | -
kat | 1 | N T-1 | CatalyticActivity | m u n p | KAT | = | katal
U | 1/60*1e-6 | N T-1 | CatalyticActivity | k m u n | - | = | units enzyme_unit enzyme_units 単位
IU | 1 | - | InternationalUnit Count | k m u M | - | [IU] | [IU] [iU] international_unit international_units
Bq | 1 | T-1 | Radioactivity | all | BQ | = | becquerel
Ci | 3.7e10 | T-1 | Radioactivity | k m u n p | CI | = | curie
Gy | 1 | L2 T-2 | AbsorbedDose | k m u n c | GRAY | = | gray
Sv | 1 | L2 T-2 | DoseEquivalent | m u n | SV | = | sievert
R | 2.58e-4 | M-1 T I | Exposure | m u k | R | = | roentgen
P | 0.1 | L-1 M T-1 | DynamicViscosity | c m | POISE | = | poise
St | 1e-4 | L2 T-1 | KinematicViscosity | c m | ST | = | stokes
D | 3.33564e-30 | L T I | ElectricDipoleMoment | none | DEBYE | - | debye
μB | 9.2740100783e-24 | L2 I | MagneticMoment | none | - | - | μ_B bohr_magneton
svedberg | 1e-13 | T | SedimentationCoefficient Time | none | - | [S] | -
rlu | 1 | - | ReciprocalLatticeUnit | none | - | - | r.l.u.
l.p. | 1 | - | Count | none | - | {line_pair} | lp
1 | 1 | - | Dimensionless DimensionlessRatio Count MassFraction MoleFraction VolumeFraction | none | UNITLESS | = | unitless dimensionless 無次元 fold x ratio
% | 0.01 | - | DimensionlessRatio MassFraction MoleFraction VolumeFraction RelativeHumidity | none | PERCENT | = | percent pct ％ パーセント
‰ | 1e-3 | - | DimensionlessRatio MassFraction MoleFraction VolumeFraction | none | PPTH | [ppth] | permil permille per_mille ppt_thousand
wt% | 0.01 | - | MassFraction DimensionlessRatio | none | PERCENT | %{mass} | %wt wt.% wt_% mass% mass.% %(w/w) %w/w w/w% 重量%
at.% | 0.01 | - | MoleFraction DimensionlessRatio | none | PERCENT | %{atoms} | at% at_% atomic% atom% %at
mol% | 0.01 | - | MoleFraction DimensionlessRatio | none | PERCENT | %{mol} | mol.% mole% mol_% %mol
vol% | 0.01 | - | VolumeFraction DimensionlessRatio | none | PERCENT | %{vol} | vol.% vol_% %vol v/v% %v/v %(v/v)
%w/v | 10 | L-3 M | MassConcentration | none | - | g/(100.mL) | %(w/v) w/v% w/v
%RH | 0.01 | - | RelativeHumidity DimensionlessRatio | none | PERCENT_RH | %{RH} | RH %rh RH%
ppm | 1e-6 | - | DimensionlessRatio MassFraction MoleFraction VolumeFraction | none | PPM | [ppm] | [ppm] ppmv ppmw
ppb | 1e-9 | - | DimensionlessRatio MassFraction MoleFraction VolumeFraction | none | PPB | [ppb] | [ppb] ppbv
ppt | 1e-12 | - | DimensionlessRatio MassFraction MoleFraction VolumeFraction | none | PPT | [pptr] | [pptr]
pH | 1 | - | Acidity | none | PH | [pH] | [pH] PH ph_value
psu | 1 | - | Salinity | none | PSU | - | PSU practical_salinity_unit practical_salinity_units
NTU | 1 | - | Turbidity | none | NTU | - | FNU
OD | 1 | - | Absorbance | m | - | {OD} | OD600 OD_600 absorbance Abs
dB | 1 | - | LogarithmicRatio | none | DeciB | = | decibel
count | 1 | - | Count Dimensionless | k M | NUM | {#} | counts cts number items item 個 件 回 pcs pieces times
ph | 1 | - | Count | k M | - | {photons} | photon photons
e- | 1 | - | Count | k M | - | {electrons} | electron electrons
cell | 1 | - | Count | none | - | {cells} | cells 細胞
read | 1 | - | Count | none | - | {reads} | reads spots
copies | 1 | - | Count | none | - | {copies} | copy
individuals | 1 | - | Count | none | - | {individuals} | individual specimens specimen organisms plants animals
particles | 1 | - | Count | none | - | {particles} | particle
colonies | 1 | - | Count | none | - | {colonies} | colony
generations | 1 | - | Count | none | - | {generations} | generation passages passage cycles cycle
pulses | 1 | - | Count | none | - | {pulses} | pulse shots shot frames frame
pixel | 1 | - | Count | k M | - | {pixels} | pixels px pix
CFU | 1 | - | Count | none | - | [CFU] | cfu [CFU] [cfu]
PFU | 1 | - | Count | none | - | [PFU] | pfu [PFU] [pfu]
bp | 1 | - | Count SequenceLength | k M G T | BasePair | {bp} | base_pair base_pairs bases base nt nucleotides nucleotide
kb | 1000 | - | Count SequenceLength | none | - | 10*3.{bp} | Kb Kbp
Mb | 1e6 | - | Count SequenceLength | none | - | 10*6.{bp} | -
Gb | 1e9 | - | Count SequenceLength | none | GigaBasePair | 10*9.{bp} | -
aa | 1 | - | Count SequenceLength | none | - | {aa} | amino_acid amino_acids residues residue
cM | 1 | - | GeneticDistance | none | - | {cM} | centimorgan centimorgans
a.u. | 1 | - | Arbitrary | none | - | [arb'U] | arb.u. arb._units arb._unit arb.unit arbitrary_unit arbitrary_units arb_units [arb'U] a.u 任意単位
bit | 1 | - | Information | k M G T | BIT | = | bits
byte | 8 | - | Information | k M G T P | BYTE | By | bytes By octets
B | 8 | - | Information | k M G T P | BYTE | By | バイト
KB | 8000 | - | Information | none | KiloBYTE | kBy | -
KiB | 8192 | - | Information | none | KibiBYTE | KiBy | KiBy
MiB | 8388608 | - | Information | none | MebiBYTE | MiBy | MiBy
GiB | 8589934592 | - | Information | none | GibiBYTE | GiBy | GiBy
TiB | 8796093022208 | - | Information | none | TebiBYTE | TiBy | TiBy
CPU | 1 | - | Count | none | - | {cpu} | cpu cpus CPUs core cores vCPU vcpu GPU gpu GPUs nodes node
mcg | 1e-9 | M | Mass | none | MicroGM | ug | -
emu | 1e-3 | L2 I | MagneticMoment | none | - | - | -
dpa | 1 | - | DisplacementsPerAtom | none | - | {dpa} | -
ML | 1 | - | Monolayer | none | - | {ML} | monolayer monolayers
"""

# Compounds to which QUDT gives a name, as UCUM writes them; all others keep their code.
COMPOUNDS: Final = """
m2 | M2
cm2 | CentiM2
mm2 | MilliM2
um2 | MicroM2
nm2 | NanoM2
km2 | KiloM2
m3 | M3
cm3 | CentiM3
mm3 | MilliM3
um3 | MicroM3
dm3 | DeciM3
m-1 | PER-M
cm-1 | PER-CentiM
mm-1 | PER-MilliM
nm-1 | PER-NanoM
um-1 | PER-MicroM
Ao-1 | PER-ANGSTROM
m/s | M-PER-SEC
cm/s | CentiM-PER-SEC
mm/s | MilliM-PER-SEC
km/h | KiloM-PER-HR
km/s | KiloM-PER-SEC
um/s | MicroM-PER-SEC
m/s2 | M-PER-SEC2
s-1 | PER-SEC
min-1 | PER-MIN
h-1 | PER-HR
g/L | GM-PER-L
mg/L | MilliGM-PER-L
ug/L | MicroGM-PER-L
ng/L | NanoGM-PER-L
mg/mL | MilliGM-PER-MilliL
ug/mL | MicroGM-PER-MilliL
ng/mL | NanoGM-PER-MilliL
pg/mL | PicoGM-PER-MilliL
ng/uL | NanoGM-PER-MicroL
g/mL | GM-PER-MilliL
g/cm3 | GM-PER-CentiM3
kg/m3 | KiloGM-PER-M3
kg/L | KiloGM-PER-L
g/m3 | GM-PER-M3
mg/m3 | MilliGM-PER-M3
ug/m3 | MicroGM-PER-M3
mol/L | MOL-PER-L
mmol/L | MilliMOL-PER-L
umol/L | MicroMOL-PER-L
nmol/L | NanoMOL-PER-L
pmol/L | PicoMOL-PER-L
mol/m3 | MOL-PER-M3
mmol/m3 | MilliMOL-PER-M3
mol/kg | MOL-PER-KiloGM
mmol/kg | MilliMOL-PER-KiloGM
umol/kg | MicroMOL-PER-KiloGM
mmol/g | MilliMOL-PER-GM
umol/g | MicroMOL-PER-GM
mg/kg | MilliGM-PER-KiloGM
ug/kg | MicroGM-PER-KiloGM
ng/kg | NanoGM-PER-KiloGM
ug/g | MicroGM-PER-GM
mg/g | MilliGM-PER-GM
g/kg | GM-PER-KiloGM
pg/g | PicoGM-PER-GM
g/mol | GM-PER-MOL
kg/mol | KiloGM-PER-MOL
m2/g | M2-PER-GM
m2/kg | M2-PER-KiloGM
cm2/g | CentiM2-PER-GM
cm3/g | CentiM3-PER-GM
mL/g | MilliL-PER-GM
cm3/mol | CentiM3-PER-MOL
L/mol | L-PER-MOL
m3/kg | M3-PER-KiloGM
J/K | J-PER-K
J/(kg.K) | J-PER-KiloGM-K
J/(g.K) | J-PER-GM-K
J/(mol.K) | J-PER-MOL-K
J/mol | J-PER-MOL
kJ/mol | KiloJ-PER-MOL
kcal/mol | KiloCAL-PER-MOL
J/kg | J-PER-KiloGM
kJ/kg | KiloJ-PER-KiloGM
J/g | J-PER-GM
W/m2 | W-PER-M2
W/cm2 | W-PER-CentiM2
W/(m.K) | W-PER-M-K
W/(m2.K) | W-PER-M2-K
W/kg | W-PER-KiloGM
W/m | W-PER-M
N/m | N-PER-M
mN/m | MilliN-PER-M
N.m | N-M
mN.m | MilliN-M
uN.m | MicroN-M
Pa.s | PA-SEC
mPa.s | MilliPA-SEC
m2/s | M2-PER-SEC
mm2/s | MilliM2-PER-SEC
cm2/s | CentiM2-PER-SEC
kg/s | KiloGM-PER-SEC
g/s | GM-PER-SEC
g/min | GM-PER-MIN
kg/h | KiloGM-PER-HR
g/h | GM-PER-HR
L/min | L-PER-MIN
mL/min | MilliL-PER-MIN
mL/h | MilliL-PER-HR
L/h | L-PER-HR
m3/s | M3-PER-SEC
m3/h | M3-PER-HR
cm3/min | CentiM3-PER-MIN
L/s | L-PER-SEC
mL/s | MilliL-PER-SEC
A/m | A-PER-M
kA/m | KiloA-PER-M
A/m2 | A-PER-M2
A/cm2 | A-PER-CentiM2
A/g | A-PER-GM
C/kg | C-PER-KiloGM
V/m | V-PER-M
kV/m | KiloV-PER-M
V/cm | V-PER-CentiM
MV/m | MegaV-PER-M
S/m | S-PER-M
S/cm | S-PER-CentiM
mS/cm | MilliS-PER-CentiM
uS/cm | MicroS-PER-CentiM
Ohm.m | OHM-M
Ohm.cm | OHM-CentiM
F/m | FARAD-PER-M
A.h | A-HR
mA.h | MilliA-HR
mA.h/g | MilliA-HR-PER-GM
W.h | W-HR
kW.h | KiloW-HR
W.h/kg | W-HR-PER-KiloGM
K/s | K-PER-SEC
K/min | K-PER-MIN
Cel/min | DEG_C-PER-MIN
K/m | K-PER-M
K-1 | PER-K
V/K | V-PER-K
W/sr | W-PER-SR
cd/m2 | CD-PER-M2
mol/s | MOL-PER-SEC
umol/s | MicroMOL-PER-SEC
mol/(m2.s) | MOL-PER-M2-SEC
umol/(m2.s) | MicroMOL-PER-M2-SEC
kat/L | KAT-PER-L
Bq/L | BQ-PER-L
Bq/kg | BQ-PER-KiloGM
kBq/kg | KiloBQ-PER-KiloGM
Gy/s | GRAY-PER-SEC
Gy/h | GRAY-PER-HR
mGy/h | MilliGRAY-PER-HR
Sv/h | SV-PER-HR
mSv/h | MilliSV-PER-HR
uSv/h | MicroSV-PER-HR
A.m2 | A-M2
J/T | J-PER-T
cm2/(V.s) | CentiM2-PER-V-SEC
m2/(V.s) | M2-PER-V-SEC
{#}/mL | NUM-PER-MilliL
{#}/L | NUM-PER-L
{#}/uL | NUM-PER-MicroL
{#}/m2 | NUM-PER-M2
{#}/m3 | NUM-PER-M3
m-2 | PER-M2
cm-3 | PER-CentiM3
m-3 | PER-M3
s-2 | PER-SEC2
kg.m/s | KiloGM-M-PER-SEC
kg/m2 | KiloGM-PER-M2
g/m2 | GM-PER-M2
mg/cm2 | MilliGM-PER-CentiM2
ug/cm2 | MicroGM-PER-CentiM2
g/cm2 | GM-PER-CentiM2
kg/m | KiloGM-PER-M
g/m | GM-PER-M
mg/d | MilliGM-PER-DAY
g/d | GM-PER-DAY
mm/h | MilliM-PER-HR
mm/min | MilliM-PER-MIN
um/min | MicroM-PER-MIN
mm/d | MilliM-PER-DAY
Pa/s | PA-PER-SEC
mbar.L/s | MilliBAR-L-PER-SEC
J/m2 | J-PER-M2
J/cm2 | J-PER-CentiM2
J/m3 | J-PER-M3
MJ/m3 | MegaJ-PER-M3
dB/m | DeciB-PER-M
eV/Ao | EV-PER-ANGSTROM
N/mm2 | N-PER-MilliM2
rad/s | RAD-PER-SEC
deg/s | DEG-PER-SEC
deg/min | DEG-PER-MIN
kg.m2 | KiloGM-M2
s/m | SEC-PER-M
K.m/W | K-M-PER-W
m3/mol | M3-PER-MOL
Ao3 | ANGSTROM3
fL | FemtoL
pL | PicoL
"""

# What a quantity measured in these dimensions may be, for compounds.
KINDS: Final = """
L | Length
L2 | Area
L3 | Volume
L-1 | Wavenumber InverseLength
L-2 | NumberDensityPerArea InverseArea
L-3 | NumberDensity
T | Time
T-1 | Frequency CountRate
T-2 | InverseSquareTime
L T-1 | Velocity Speed LinearVelocity
L T-2 | Acceleration
L3 T-1 | VolumeFlowRate
L2 T-1 | KinematicViscosity DiffusionCoefficient
M | Mass
M T-1 | MassFlowRate
L-3 M | MassDensity Density MassConcentration
L-2 M | MassPerArea
L-1 M | LinearDensity
L2 M-1 | SpecificSurfaceArea MassAttenuationCoefficient
L3 M-1 | SpecificVolume
M N-1 | MolarMass
L3 N-1 | MolarVolume
L M T-2 | Force
L M T-1 | Momentum
L-1 M T-2 | Pressure EnergyDensity
L-1 M T-1 | DynamicViscosity
M T-2 | SurfaceTension ForcePerLength EnergyPerArea
M T-3 | PowerPerArea HeatFluxDensity
L2 M T-2 | Energy Torque
L2 M T-3 | Power
L2 T-2 | SpecificEnergy AbsorbedDose DoseEquivalent
L2 T-3 | DoseRate SpecificPower
L2 T-2 K-1 | SpecificHeatCapacity
L2 M T-2 K-1 | HeatCapacity Entropy
L2 M T-2 N-1 | MolarEnergy
L2 M T-2 K-1 N-1 | MolarHeatCapacity
L M T-3 K-1 | ThermalConductivity
M T-3 K-1 | HeatTransferCoefficient
K | Temperature TemperatureDifference
K-1 | ThermalExpansionCoefficient
K T-1 | TemperatureRate HeatingRate
L-1 K | TemperatureGradient
N | AmountOfSubstance
L-3 N | AmountOfSubstanceConcentration
M-1 N | Molality AmountOfSubstancePerMass
N T-1 | CatalyticActivity MolarFlowRate
L-3 N T-1 | CatalyticActivityConcentration
M-1 N T-1 | SpecificCatalyticActivity
L-2 N T-1 | MolarFlux PhotonFluxDensity
I | ElectricCurrent
L-2 I | CurrentDensity
L-1 I | MagneticFieldStrength
T I | ElectricCharge
M-1 T I | Exposure SpecificCharge
L2 M T-3 I-1 | Voltage ElectricPotential
L M T-3 I-1 | ElectricFieldStrength
L3 M T-3 I-2 | Resistivity
L2 M T-3 I-2 | Resistance ElectricResistance
L-3 M-1 T3 I2 | Conductivity ElectricConductivity
M-1 T2 I | ElectricMobility
L2 I | MagneticMoment
L2 M-1 I | SpecificMagnetization
L-2 T-1 | Flux
"""

# What the more general kind of a narrower one is; a schema may name either.
BROADER: Final = {
    "ThermodynamicTemperature": "Temperature", "CelsiusTemperature": "Temperature", "Wavelength": "Length",
    "Depth": "Length", "Height": "Length", "Altitude": "Length", "Thickness": "Length", "Diameter": "Length",
    "Radius": "Length", "Distance": "Length", "Width": "Length", "PathLength": "Length", "PhotonEnergy": "Energy",
    "Age": "Time", "Duration": "Time", "Period": "Time", "HalfLife": "Time", "PlaneAngle": "Angle",
    "ElectricPotentialDifference": "Voltage", "ElectricTension": "Voltage", "Concentration": "AmountOfSubstanceConcentration",
    "Molarity": "AmountOfSubstanceConcentration", "AmountConcentration": "AmountOfSubstanceConcentration",
    "Activity": "Radioactivity", "PH": "Acidity", "pH": "Acidity", "DataSize": "Information",
    "InformationEntropy": "Information", "Dose": "AbsorbedDose", "AmountOfSubstanceFraction": "MoleFraction",
    "MagneticInduction": "MagneticFluxDensity", "Number": "Count", "Ratio": "DimensionlessRatio",
    "Humidity": "RelativeHumidity", "MemorySize": "Information", "Storage": "Information",
}  # fmt: skip

# What people mean who write a unit that is another one, or that has two meanings.
ADVICE: Final = {
    "C": ("°C",),
    "c": ("°C",),
    "deg": ("°C",),
    "F": ("°F",),
    "k": ("K",),
    "S": ("s",),
    "m": ("min",),
    "Sec": ("s",),
}

# Prefixed units that QUDT has no name for; they keep their UCUM code.
UNNAMED: Final = frozenset(
    """
    Em Pm Tm Gm Mm am zm ym Eg Pg Tg Gg ag zg yg Es Ps Ts Gs hs das cs zs ys EA hA daA dA cA zA yA EK PK TK GK
    kK hK dK cK uK nK pK fK aK zK yK Emol Pmol Tmol Gmol Mmol hmol damol dmol amol zmol ymol Gyr nrad mdeg u''
    msr usr EHz daHz dHz cHz uHz nHz pHz fHz aHz zHz yHz TN pN fN hJ daJ dJ cJ zJ yJ EeV PeV TeV heV daeV deV
    ceV meV ueV neV peV feV aeV zeV yeV mHa uHa hW daW dW cW fW aW zW yW EPa PPa TPa dPa cPa nPa fPa aPa zPa yPa
    Gbar nTorr kpsi hV daV dV cV aV zV yV EΩ PΩ hΩ daΩ dΩ cΩ pΩ fΩ aΩ zΩ yΩ ES PS TS GS hS daS cS fS aS zS yS EF
    PF TF GF MF hF daF dF cF zF yF EH PH TH GH MH hH daH dH cH fH aH zH yH uWb pT fT mG uG kOe mOe klx mlx EL PL
    TL GL aL zL yL mb ub nb pb fb Gt kDa MDa GDa dM aM EBq hBq daBq dBq cBq pBq fBq aBq zBq yBq nCi uR mP mSt
    kcount Mcount kbp Mbp Tbp
    """.split()
)
