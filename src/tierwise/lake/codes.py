"""Public code lists and check digits, over whole columns."""

from __future__ import annotations

import polars as pl
from stdnum import lei

_COUNTRIES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ "
    "CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR "
    "GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO "
    "JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR "
    "MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO "
    "RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV "
    "TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW XK"
)  # ISO 3166-1 alpha-2, and XK as it is used for Kosovo

_CURRENCIES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHE CHF CHW CLF CLP CNH CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
    "GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR "
    "LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK "
    "PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND "
    "TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XCD XCG XDR XOF XPD XPF XPT "
    "XSU XUA YER ZAR ZMW ZWG HRK"
)  # ISO 4217, and HRK for facts of before 2023

COUNTRIES = frozenset(_COUNTRIES.split())
CURRENCIES = frozenset(_CURRENCIES.split())


def is_gs1_number(codes: pl.Series, lengths: tuple[int, ...]) -> pl.Series:
    """Whether GS1 keys (GTIN, GLN) have an allowed length and the right check digit; null stays null.

    From the right, digits weigh 1, 3, 1, 3 …; the sum is a multiple of 10 (GS1 General Specifications 7.9.1).
    Example: 4006381333931 holds, 4006381333932 does not.
    """
    digits = "^(" + "|".join(rf"\d{{{length}}}" for length in lengths) + ")$"
    shaped = codes.str.contains(digits)
    longest = max(lengths)
    filled = codes.set(~shaped, None).str.zfill(longest)
    total = pl.Series([0], dtype=pl.Int32()).new_from_index(0, len(codes))
    for place in range(longest):
        weight = 3 if (longest - place) % 2 == 0 else 1
        total += weight * filled.str.slice(place, 1).cast(pl.Int32(), strict=False)
    return shaped & (total % 10 == 0)


def is_lei(codes: pl.Series) -> pl.Series:
    """Whether legal entity identifiers (ISO 17442) have the right form and check digits; null stays null."""
    unique = codes.drop_nulls().unique()
    valid = [code for code in unique.to_list() if len(code) == 20 and lei.is_valid(code)]
    return codes.is_in(valid)
