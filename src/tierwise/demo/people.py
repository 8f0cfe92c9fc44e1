"""Who signs in to the demo: people of the buying company and of some suppliers. No passwords live here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """One sign-in; ``supplier`` is empty for people of the buying company."""

    name: str
    email: str
    role: str
    supplier: str = ""
    language: str = "en"
    timezone: str = "Europe/Berlin"


BUYER_PEOPLE: tuple[Person, ...] = (
    Person("Ines Rautner", "ines.rautner@kesselhain.example.com", "administrator"),
    Person("Pavel Dworzak", "pavel.dworzak@kesselhain.example.com", "planner", timezone="Europe/Prague"),
    Person("Lucia Ferrandez", "lucia.ferrandez@kesselhain.example.com", "planner", "", "es", "America/Mexico_City"),
    Person("Maren Holtkamp", "maren.holtkamp@kesselhain.example.com", "category_manager", "", "de"),
    Person("Tobias Erlwein", "tobias.erlwein@kesselhain.example.com", "quality", "", "de"),
    Person("Agnes Okonjo", "agnes.okonjo@kesselhain.example.com", "viewer"),
)

SUPPLIER_PEOPLE: tuple[Person, ...] = (
    Person("Henning Varn", "henning.varn@varnholt.example.com", "supplier_administrator", "S001", "de"),
    Person("Silke Brandeis", "silke.brandeis@varnholt.example.com", "supplier_planner", "S001", "de"),
    Person("Ole Quandt", "ole.quandt@varnholt.example.com", "supplier_viewer", "S001", "de"),
    Person("Lin Meifang", "lin.meifang@lumohai.example.com", "supplier_administrator", "S002", "en", "Asia/Shanghai"),
    Person("Guo Anping", "guo.anping@lumohai.example.com", "supplier_planner", "S002", "en", "Asia/Shanghai"),
    Person("Xu Ruolan", "xu.ruolan@lumohai.example.com", "supplier_viewer", "S002", "en", "Asia/Shanghai"),
    Person("Marek Drozdecki", "marek.drozdecki@drozdecka.example.com", "supplier_administrator", "S003", "en",
           "Europe/Warsaw"),
    Person("Kinga Sowa", "kinga.sowa@drozdecka.example.com", "supplier_planner", "S003", "en", "Europe/Warsaw"),
    Person("Rafael Montejano", "rafael.montejano@cerroazul.example.com", "supplier_administrator", "S005", "es",
           "America/Monterrey"),
    Person("Ximena Arce", "ximena.arce@cerroazul.example.com", "supplier_planner", "S005", "es", "America/Monterrey"),
    Person("Noriko Takamori", "noriko.takamori@takamori.example.com", "supplier_administrator", "S008", "en",
           "Asia/Tokyo"),
    Person("Jiri Hradnik", "jiri.hradnik@hradnik.example.com", "supplier_administrator", "S013", "en",
           "Europe/Prague"),
)  # fmt: skip

PEOPLE: tuple[Person, ...] = BUYER_PEOPLE + SUPPLIER_PEOPLE
