"""Lists of words that patterns of any domain may draw from: people, places, letters and digits."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


LISTS: dict[str, tuple[str, ...]] = {
    "first_name": _words(
        "Ada Amir Beatrix Bruno Carla Chen Dara Dilip Edith Emeka Farah Felix Greta Hana Hugo Ines Ivor Jonas Kavya "
        "Leila Luca Marta Milo Nadia Noor Olga Omar Pia Quentin Rosa Ruben Saskia Silas Tamar Tomas Ursula Vera "
        "Wanda Yusuf Zoe"
    ),
    "last_name": _words(
        "Abbott Baptiste Carver Dahl Eriksen Fontaine Garrick Hollis Iqbal Jansen Kowalski Lindqvist Marlow Nakata "
        "Okafor Petrov Quigley Rahman Santos Thorne Ulrich Vance Whitlock Xanthos Yardley Zeller Ashdown Bexley "
        "Crane Draper"
    ),
    "town": _words(
        "Ashford Brackley Calder Dunmore Eastwick Fairholm Granton Harlow Inverley Kestrel Langford Merrow Norwood "
        "Oakham Penrith Quarndon Redcliff Selby Thornbury Upton Wexcombe Yarrow"
    ),
    "street": _words(
        "Acorn Bishop Castle Dover Elm Forge Garden Hill Ivy Junction King Lime Mill North Orchard Park Quay River "
        "Station Temple"
    ),
    "letter": tuple("ABCDEFGHJKLMNPRSTUVWXYZ"),
    "digit": tuple("0123456789"),
    "colour": _words("amber blue crimson green grey ivory navy olive red silver teal white"),
    "weekday": _words("Monday Tuesday Wednesday Thursday Friday Saturday"),
}
"""Name of the list -> its words."""
