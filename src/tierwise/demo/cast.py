"""Names of the demo's companies, all invented: suppliers, customers and our own sites."""

from __future__ import annotations

OWN_SITES = """
P100|Kesselhain Kassel, coffee machines|plant|Kassel
P200|Kesselhain Brno, cooking and washing|plant|Brno
P300|Kesselhain Puebla, cooling|plant|Puebla
W500|Kesselhain distribution centre Rotterdam|warehouse|Rotterdam
W600|Kesselhain distribution centre Memphis|warehouse|Memphis
W700|Kesselhain distribution centre Singapore|warehouse|Singapore
T900|Rheinlager third-party store Duisburg|third_party|Duisburg
"""

SUPPLIERS = """
S001|Varnholt Elektronik GmbH|manufacturer|Dresden|electronics
S002|Lumohai Thermal Components Co.|manufacturer|Ningbo|heating
S003|Drozdecka Blachy Sp. z o.o.|manufacturer|Wroclaw|sheet metal
S004|Tallgrass Valve Works Inc.|manufacturer|Milwaukee|valves
S005|Fundidora Cerro Azulino S.A. de C.V.|manufacturer|Monterrey|castings
S006|Brixenthaler Pumpentechnik GmbH|manufacturer|Linz|pumps
S007|Morrlunda Glasbruk AB|manufacturer|Kalmar|glass
S008|Takamori Seigyo Motors K.K.|manufacturer|Nagoya|motors
S009|Kronwied Dichtungen GmbH|manufacturer|Bielefeld|seals
S010|Kronwied Seals America LLC|manufacturer|Charlotte|seals
S011|Kronwied Holding SE|service|Stuttgart|
S012|Noordvaart Components Distribution B.V.|distributor|Eindhoven|displays,cables
S013|Hradnik Montage s.r.o.|contract_manufacturer|Olomouc|
S014|Yunshan Fastening Systems Ltd.|manufacturer|Suzhou|fasteners
S015|Bialkowski Kable S.A.|manufacturer|Poznan|cables,electronics
S016|Costabruna Compressori S.p.A.|manufacturer|Treviso|compressors
S017|Shenlanhu Display Technology Co.|manufacturer|Shenzhen|displays
S018|Quanfengda Wire and Cable Co.|manufacturer|Dongguan|cables
S019|Ostravit Obaly s.r.o.|manufacturer|Ostrava|packaging
S020|Aquaferra Filtros S.L.|manufacturer|Zaragoza|filters,accessories
S021|Haiphong Bright Harness JSC|manufacturer|Haiphong|cables
S022|Lakehurst Stamping Corp.|manufacturer|Grand Rapids|sheet metal
S023|Acero Mirasol S.A. de C.V.|manufacturer|Queretaro|sheet metal
S024|Vetrano Vetri Tecnici S.r.l.|manufacturer|Bergamo|glass
S025|Wuxi Tidewheel Pump Co.|manufacturer|Wuxi|pumps
S026|Gestra Norte Valvulas S.L.|manufacturer|Bilbao|valves
S027|Elzweiler Heiztechnik GmbH|manufacturer|Nuremberg|heating
S028|Rzeszowska Odlewnia Sp. z o.o.|manufacturer|Rzeszow|castings
S029|Formosa Quietmotion Inc.|manufacturer|Taichung|motors
S030|Blue Heron Controls LLC|manufacturer|Cleveland|electronics
S031|Qingdao Frostline Compressor Co.|manufacturer|Qingdao|compressors
S032|Papelera Tres Volcanes S.A. de C.V.|manufacturer|Puebla|packaging
S033|Schraubenkontor Lippetal GmbH|manufacturer|Bielefeld|fasteners
S034|Ravenna Guarnizioni Minori S.r.l.|manufacturer|Brescia|seals
S035|Lodzki Plastik Sp. z o.o.|manufacturer|Lodz|plastics
S036|Saltillo Moldes y Plasticos S.A. de C.V.|manufacturer|Saltillo|plastics
S037|Dongguan Clearform Plastics Co.|manufacturer|Dongguan|plastics
S038|Cuyahoga Filter House Inc.|manufacturer|Cleveland|filters
S039|Suzhou Everpour Accessories Co.|manufacturer|Suzhou|accessories
S040|Brnostav Kovo a.s.|manufacturer|Brno|sheet metal
S041|Memphis Packaging Partners LLC|manufacturer|Memphis|packaging
S042|Holzach Zubehoer GmbH|manufacturer|Stuttgart|accessories
S043|Ningbo Brightcast Foundry Co.|manufacturer|Ningbo|castings
S044|Valtellano Resistenze S.r.l.|manufacturer|Bergamo|heating
S045|Smaland Precision AB|manufacturer|Kalmar|valves
"""

PARENT_OF = {"S009": "S011", "S010": "S011"}
DISTRIBUTED = ("S017", "S018", "S021")
"""Who makes what the distributor S012 sells."""

CUSTOMERS = """
HOTELS|direct|DE|Hotelgruppe Silberahorn|H01
COFFEE-BARS|direct|US|Copper Finch Coffee Bars|H02
QUICK-SERVICE|direct|US|Prairie Griddle Restaurants|H03
CANTEENS|direct|DE|Mittagsrunde Betriebsgastronomie|
BAKERIES|dealer|DE|Backhausring Einkauf|H04
HOSPITALS|direct|NL|Zorgkeuken Verbond|
DEALERS|dealer|PL|Gastromax Wyposazenie|
DEALERS|dealer|IT|Attrezzature Fiorano|
SERVICE|dealer|CZ|Servis Varna Technika|
WEBSHOP|online|DE|Kuechenprofi24 Versand|
LEISURE|direct|SG|Straits Lantern Cruises|H05
OEM|direct|MX|Cocinas Industriales Sierra Clara|
RETAIL|online|US|Harvest Lane Markets|H06
HOTELS|direct|SG|Monsoon Palm Resorts|H01
COFFEE-BARS|direct|CN|Bamboo Kettle Coffee|H02
QUICK-SERVICE|direct|CN|Red Lantern Noodle Bars|
DEALERS|dealer|US|Great Plains Foodservice Supply|H07
DEALERS|dealer|MX|Distribuidora Gastro Norte|H07
SERVICE|dealer|US|Blue Wrench Kitchen Service|
WEBSHOP|online|US|Chefcrate Online|
BAKERIES|dealer|AT|Alpenkruste Baecker|H04
HOSPITALS|direct|US|Meadowbrook Care Kitchens|
CANTEENS|direct|SE|Nordlunch Skolmat|
RETAIL|online|JP|Asahina Home and Bar|H06
LEISURE|direct|ES|Costa Serena Parques|H05
OEM|direct|DE|Vendomat Automatenbau|
HOTELS|direct|AT|Gasthofverbund Tauernblick|
COFFEE-BARS|direct|PL|Czarna Filizanka|
QUICK-SERVICE|direct|ES|Bocado Rapido|
DEALERS|dealer|SE|Storkok Malaren|
DEALERS|dealer|SG|Equator Kitchen Trading|H08
SERVICE|dealer|DE|Kuechendienst Rheinland|
WEBSHOP|online|NL|Horecabazaar|
BAKERIES|direct|CZ|Pekarny Zlate Zrno|
HOSPITALS|direct|DE|Klinikverbund Auental|
CANTEENS|direct|US|Campus Table Dining|
RETAIL|online|ES|Casa Tostada|
LEISURE|direct|US|Pinecrest Ski Lodges|
HOTELS|direct|MX|Hoteles Bahia Turquesa|H01
COFFEE-BARS|direct|DE|Roesterei Lindenhof|
COFFEE-BARS|direct|JP|Kissaten Hoshimi|H02
QUICK-SERVICE|direct|DE|Currybude Nord|H03
DEALERS|dealer|CN|Jade River Kitchen Equipment|H08
DEALERS|dealer|DE|Grosskuechen Bergmannshof|
DEALERS|dealer|ES|Hosteleria Ebro|
SERVICE|dealer|IT|Assistenza Cucina Lario|
SERVICE|dealer|SG|Merlion Kitchen Care|
WEBSHOP|online|PL|Kuchnia Online24|
BAKERIES|dealer|IT|Forni Riuniti Padani|
HOSPITALS|direct|PL|Szpitale Dolina Odry|
CANTEENS|direct|CN|Lotus Court Catering|
RETAIL|online|IT|Moka e Casa|
LEISURE|direct|NL|Duinrust Vakantieparken|
OEM|direct|US|Snackwell Vending Works|
HOTELS|direct|IT|Alberghi Colle Dorato|
COFFEE-BARS|direct|NL|Grachtenkoffie|
QUICK-SERVICE|direct|MX|Taqueria La Comalera|H03
DEALERS|dealer|JP|Tokiwa Chubo Shokai|
RETAIL|online|SG|Orchard Kitchen Studio|
SERVICE|dealer|PL|Serwis Gastro Wisla|
"""

REGION_OF = {"US": "AMER", "MX": "AMER", "CN": "APAC", "JP": "APAC", "SG": "APAC"}
CENTRE_OF = {"EMEA": "W500", "AMER": "W600", "APAC": "W700"}

SERVICE_REQUIREMENT = {
    "HOTELS": 0.95, "COFFEE-BARS": 0.97, "QUICK-SERVICE": 0.98, "CANTEENS": 0.93, "BAKERIES": 0.93,
    "HOSPITALS": 0.98, "DEALERS": 0.92, "SERVICE": 0.95, "WEBSHOP": 0.90, "LEISURE": 0.90, "OEM": 0.96,
    "RETAIL": 0.90,
}  # fmt: skip


def rows(text: str) -> list[list[str]]:
    return [line.split("|") for line in text.split("\n") if line]
