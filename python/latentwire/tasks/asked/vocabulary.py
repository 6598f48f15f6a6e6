"""Words that are no content: what questions about a text are not asked of."""

from __future__ import annotations

_CALENDAR = (
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May "
    "June July August September October November December"
)
CALENDAR = frozenset(_CALENDAR.split())
"""Days and months: capitalized, but no names."""

_FUNCTION_WORDS = (
    "about above after again against all also although always among and another any are around "
    "away back because been before being below between both but can cannot could did does doing "
    "done down during each either else even ever every for from further had has have having her "
    "here hers him his how however into its itself just less like made make many may might more "
    "most much must neither never none nor not off often once one only onto other our out over own "
    "per quite rather same she should since some still such than that the their them then there "
    "these they this those though through thus too toward towards under until upon very was were "
    "what when where whether which while who whom whose why will with within without would yet you "
    "your"
)
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""English words that say little by themselves."""

NUMBER_WORDS = {
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
    "eleven": "11",
    "twelve": "12",
}
"""Number words and their digits."""
