"""Make and body of a car, cut out of its class name in Stanford Cars ("Audi S4 Sedan 2012")."""

from __future__ import annotations

OTHER = "other"  # where the name does not tell
MAKES = (
    "AM General", "Acura", "Aston Martin", "Audi", "BMW", "Bentley", "Bugatti", "Buick", "Cadillac", "Chevrolet",
    "Chrysler", "Daewoo", "Dodge", "Eagle", "FIAT", "Ferrari", "Fisker", "Ford", "GMC", "Geo", "HUMMER", "Honda",
    "Hyundai", "Infiniti", "Isuzu", "Jaguar", "Jeep", "Lamborghini", "Land Rover", "Lincoln", "MINI", "Maybach",
    "Mazda", "McLaren", "Mercedes-Benz", "Mitsubishi", "Nissan", "Plymouth", "Porsche", "Ram", "Rolls-Royce", "Scion",
    "Spyker", "Suzuki", "Tesla", "Toyota", "Volkswagen", "Volvo", "smart",
)  # fmt: skip
BODIES = {
    **{body: body for body in ("Sedan", "SUV", "Coupe", "Convertible", "Hatchback", "Wagon", "Van", "Minivan", "Cab")},
    "SuperCab": "Cab",
}


def car_path(name: str) -> tuple[str, str, str]:
    """(body, make, the whole name): the body is the last word before the year, the make the words at the start."""
    words = name.split()
    last = words[-2] if len(words) > 1 and words[-1].isdecimal() else ""
    make = next((make for make in MAKES if name.startswith(f"{make} ")), OTHER)
    return BODIES.get(last, OTHER), make, name
