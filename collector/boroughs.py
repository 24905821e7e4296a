"""The 32 boroughs the Metropolitan Police Service covers; the City of London has a police of its own."""

BOROUGHS = (
    "Barking and Dagenham",
    "Barnet",
    "Bexley",
    "Brent",
    "Bromley",
    "Camden",
    "Croydon",
    "Ealing",
    "Enfield",
    "Greenwich",
    "Hackney",
    "Hammersmith and Fulham",
    "Haringey",
    "Harrow",
    "Havering",
    "Hillingdon",
    "Hounslow",
    "Islington",
    "Kensington and Chelsea",
    "Kingston upon Thames",
    "Lambeth",
    "Lewisham",
    "Merton",
    "Newham",
    "Redbridge",
    "Richmond upon Thames",
    "Southwark",
    "Sutton",
    "Tower Hamlets",
    "Waltham Forest",
    "Wandsworth",
    "Westminster",
)

# What a source may be said to cover besides boroughs: all of them together, and our neighbour.
WHOLE = "London"
NEIGHBOUR = "City of London"
COVERABLE = frozenset({*BOROUGHS, WHOLE, NEIGHBOUR})
