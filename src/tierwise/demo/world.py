"""Places, calendars and currencies of the demo's world."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Place:
    city: str
    country: str
    latitude: float
    longitude: float
    timezone: str


_PLACES = """
Kassel|DE|51.3127|9.4797|Europe/Berlin
Dresden|DE|51.0504|13.7373|Europe/Berlin
Stuttgart|DE|48.7758|9.1829|Europe/Berlin
Bielefeld|DE|52.0302|8.5325|Europe/Berlin
Nuremberg|DE|49.4521|11.0767|Europe/Berlin
Linz|AT|48.3069|14.2858|Europe/Vienna
Brno|CZ|49.1951|16.6068|Europe/Prague
Ostrava|CZ|49.8209|18.2625|Europe/Prague
Olomouc|CZ|49.5938|17.2509|Europe/Prague
Wroclaw|PL|51.1079|17.0385|Europe/Warsaw
Poznan|PL|52.4064|16.9252|Europe/Warsaw
Rzeszow|PL|50.0412|21.9991|Europe/Warsaw
Lodz|PL|51.7592|19.4560|Europe/Warsaw
Bergamo|IT|45.6983|9.6773|Europe/Rome
Treviso|IT|45.6669|12.2430|Europe/Rome
Brescia|IT|45.5416|10.2118|Europe/Rome
Zaragoza|ES|41.6488|-0.8891|Europe/Madrid
Bilbao|ES|43.2630|-2.9350|Europe/Madrid
Kalmar|SE|56.6634|16.3568|Europe/Stockholm
Rotterdam|NL|51.9244|4.4777|Europe/Amsterdam
Eindhoven|NL|51.4416|5.4697|Europe/Amsterdam
Duisburg|DE|51.4344|6.7623|Europe/Berlin
Ningbo|CN|29.8683|121.5440|Asia/Shanghai
Shenzhen|CN|22.5431|114.0579|Asia/Shanghai
Dongguan|CN|23.0207|113.7518|Asia/Shanghai
Suzhou|CN|31.2989|120.5853|Asia/Shanghai
Wuxi|CN|31.4912|120.3119|Asia/Shanghai
Qingdao|CN|36.0671|120.3826|Asia/Shanghai
Haiphong|VN|20.8449|106.6881|Asia/Ho_Chi_Minh
Nagoya|JP|35.1815|136.9066|Asia/Tokyo
Taichung|TW|24.1477|120.6736|Asia/Taipei
Singapore|SG|1.3521|103.8198|Asia/Singapore
Milwaukee|US|43.0389|-87.9065|America/Chicago
Charlotte|US|35.2271|-80.8431|America/New_York
Memphis|US|35.1495|-90.0490|America/Chicago
Cleveland|US|41.4993|-81.6944|America/New_York
Grand Rapids|US|42.9634|-85.6681|America/Detroit
Monterrey|MX|25.6866|-100.3161|America/Monterrey
Puebla|MX|19.0414|-98.2063|America/Mexico_City
Queretaro|MX|20.5888|-100.3899|America/Mexico_City
Saltillo|MX|25.4232|-101.0053|America/Monterrey
"""

PLACES: dict[str, Place] = {
    city: Place(city, country, float(latitude), float(longitude), timezone)
    for city, country, latitude, longitude, timezone in (row.split("|") for row in _PLACES.split("\n") if row)
}

CURRENCY_OF = {"US": "USD", "VN": "USD", "JP": "USD", "TW": "USD", "SG": "USD", "CN": "CNY", "PL": "PLN", "MX": "MXN"}
CONTINENT_OF = {"CN": "AS", "VN": "AS", "JP": "AS", "TW": "AS", "SG": "AS", "US": "AM", "MX": "AM"}

EUR_PER_UNIT = {"USD": 0.92, "CNY": 0.128, "PLN": 0.232, "MXN": 0.051}
"""Where each currency's history starts; the walk from there is drawn."""

LUNAR_NEW_YEAR = {
    date(year, month, day).year: date(year, month, day)
    for year, month, day in (
        (2019, 2, 5), (2020, 1, 25), (2021, 2, 12), (2022, 2, 1), (2023, 1, 22), (2024, 2, 10), (2025, 1, 29),
        (2026, 2, 17), (2027, 2, 6), (2028, 1, 26), (2029, 2, 13), (2030, 2, 3), (2031, 1, 23), (2032, 2, 11),
        (2033, 1, 31), (2034, 2, 19), (2035, 2, 8), (2036, 1, 28),
    )
}  # fmt: skip

_FIXED = {
    "DE": "01-01 New Year|05-01 Labour Day|10-03 German Unity Day|12-25 Christmas Day|12-26 Boxing Day",
    "AT": "01-01 New Year|01-06 Epiphany|05-01 National Holiday|10-26 National Day"
    "|12-25 Christmas Day|12-26 St Stephen",
    "CZ": "01-01 New Year|05-01 Labour Day|05-08 Liberation Day|07-05 Cyril and Methodius|09-28 Statehood Day"
    "|10-28 Independence Day|12-25 Christmas Day|12-26 St Stephen",
    "PL": "01-01 New Year|01-06 Epiphany|05-01 Labour Day|05-03 Constitution Day|08-15 Assumption|11-01 All Saints"
    "|11-11 Independence Day|12-25 Christmas Day|12-26 Boxing Day",
    "IT": "01-01 New Year|01-06 Epiphany|04-25 Liberation Day|05-01 Labour Day|06-02 Republic Day|08-15 Ferragosto"
    "|12-08 Immaculate Conception|12-25 Christmas Day|12-26 St Stephen",
    "ES": "01-01 New Year|01-06 Epiphany|05-01 Labour Day|08-15 Assumption|10-12 National Day|11-01 All Saints"
    "|12-06 Constitution Day|12-08 Immaculate Conception|12-25 Christmas Day",
    "SE": "01-01 New Year|01-06 Epiphany|05-01 Labour Day|06-06 National Day|12-25 Christmas Day|12-26 Boxing Day",
    "NL": "01-01 New Year|04-27 King's Day|12-25 Christmas Day|12-26 Boxing Day",
    "CN": "01-01 New Year|05-01 Labour Day",
    "VN": "01-01 New Year|04-30 Reunification Day|05-01 Labour Day|09-02 National Day",
    "JP": "01-01 New Year|01-02 New Year|01-03 New Year|02-11 Foundation Day|05-03 Constitution Day|05-04 Greenery Day"
    "|05-05 Children's Day|11-03 Culture Day",
    "TW": "01-01 New Year|02-28 Peace Day|10-10 National Day",
    "SG": "01-01 New Year|05-01 Labour Day|08-09 National Day|12-25 Christmas Day",
    "US": "01-01 New Year|07-04 Independence Day|11-11 Veterans Day|12-25 Christmas Day",
    "MX": "01-01 New Year|05-01 Labour Day|09-16 Independence Day|12-25 Christmas Day",
}
_EASTER = ("DE", "AT", "CZ", "PL", "IT", "ES", "SE", "NL")
_LUNAR_DAYS = {"CN": 8, "VN": 6, "TW": 6, "SG": 2}
_SUMMER_SHUTDOWN = {"IT": 14, "ES": 14, "SE": 21}


def easter(year: int) -> date:
    """Easter Sunday by the anonymous Gregorian rule: ``easter(2024) == date(2024, 3, 31)``."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def closures(country: str, first_year: int, last_year: int) -> dict[date, str]:
    """Every closed working day of a country's calendar, named, in order of date."""
    found: dict[date, str] = {}
    for year in range(first_year, last_year + 1):
        for entry in _FIXED[country].split("|"):
            day, name = entry.split(" ", 1)
            found[date.fromisoformat(f"{year}-{day}")] = name
        if country in _EASTER:
            found[easter(year) + timedelta(1)] = "Easter Monday"
        if country in _LUNAR_DAYS:
            eve = LUNAR_NEW_YEAR[year] - timedelta(1)
            found |= {eve + timedelta(day): "Lunar New Year" for day in range(_LUNAR_DAYS[country])}
        if country == "CN":
            found |= {date(year, 10, day): "National Day week" for day in range(1, 8)}
        if country == "US":
            november = date(year, 11, 1)
            thursday = november + timedelta((3 - november.weekday()) % 7 + 21)
            found[thursday] = "Thanksgiving"
        if country in _SUMMER_SHUTDOWN:
            start = date(year, 8, 5) if country != "SE" else date(year, 7, 8)
            found |= {start + timedelta(day): "Summer shutdown" for day in range(_SUMMER_SHUTDOWN[country])}
    return {day: found[day] for day in sorted(found) if day.weekday() < 5}
