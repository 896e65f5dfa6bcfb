"""What people say to a house, by meaning: a small grammar, and the words that the network knows."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

ROOMS = ("kitchen", "bedroom", "bathroom", "garage", "hall")
MEANINGS: dict[str, tuple[str, ...]] = {
    "lights on": (
        "turn the {room} lights on",
        "turn on the {room} lights",
        "turn on the light in the {room}",
        "switch the {room} lamp on",
        "lights on in the {room}",
        "it is dark in the {room}",
        "it is too dark in the {room}",
        "i can not see in the {room}",
        "make the {room} bright",
        "i want light in the {room}",
    ),
    "lights off": (
        "turn the {room} lights off",
        "turn off the {room} lights",
        "turn off the light in the {room}",
        "switch the {room} lamp off",
        "lights off in the {room}",
        "it is bright in the {room}",
        "it is too bright in the {room}",
        "make the {room} dark",
        "i want no light in the {room}",
    ),
    "warmer": (
        "the {room} is too cold",
        "it is cold in the {room}",
        "it is too cold in the {room}",
        "make the {room} warm",
        "make it warmer in the {room}",
        "i am freezing in the {room}",
        "turn the heating on in the {room}",
        "turn on the {room} heating",
    ),
    "cooler": (
        "the {room} is too warm",
        "it is warm in the {room}",
        "it is too hot in the {room}",
        "make the {room} cold",
        "make it cooler in the {room}",
        "i am sweating in the {room}",
        "turn the heating off in the {room}",
        "turn off the {room} heating",
    ),
    "music": (
        "turn the {room} radio on",
        "play some music in the {room}",
        "play a song in the {room}",
        "i want to hear music in the {room}",
        "i want music in the {room}",
        "turn on the radio in the {room}",
        "turn the music on in the {room}",
        "it is too quiet in the {room}",
    ),
    "silence": (
        "turn the {room} radio off",
        "stop the music in the {room}",
        "stop the song in the {room}",
        "no more music in the {room}",
        "i want no music in the {room}",
        "turn off the radio in the {room}",
        "turn the music off in the {room}",
        "it is too loud in the {room}",
    ),
    "blinds up": (
        "raise the {room} blinds",
        "open the {room} blinds",
        "open the blinds in the {room}",
        "raise the blinds in the {room}",
        "let the sun into the {room}",
        "i want sun in the {room}",
    ),
    "blinds down": (
        "lower the {room} blinds",
        "close the {room} blinds",
        "close the blinds in the {room}",
        "lower the blinds in the {room}",
        "keep the sun out of the {room}",
        "i want no sun in the {room}",
    ),
}
POLITE = ("", "", "", "please", "could you please", "hey house", "now", "i think")
LENGTH = 16
PAD, UNKNOWN = 0, 1


def words_of(text: str) -> list[str]:
    """A sentence's words, in small letters."""
    return re.findall(r"[a-z]+", text.lower())


def vocabulary() -> list[str]:
    """Every word of the grammar; the numbers of words are their places here."""
    said = {word for phrases in MEANINGS.values() for phrase in phrases for word in words_of(phrase.format(room=""))}
    said |= {word for phrase in (*POLITE, *ROOMS) for word in words_of(phrase)}
    return ["", "?", *sorted(said)]


def tokens(texts: Sequence[str]) -> np.ndarray:
    """Sentences as numbers of words, int32 (sentences, LENGTH); words that nobody taught it are UNKNOWN."""
    number = {word: k for k, word in enumerate(vocabulary())}
    rows = np.full((len(texts), LENGTH), PAD, np.int32)
    for row, text in zip(rows, texts, strict=True):
        found = [number.get(word, UNKNOWN) for word in words_of(text)][:LENGTH]
        row[: len(found)] = found
    return rows


def say(meaning: str, room: str, rng: np.random.Generator, left_out: int | None = None) -> str:
    """One way to say it; the phrase whose number is left out is kept for the test."""
    phrases = MEANINGS[meaning]
    numbers = [k for k in range(len(phrases)) if k != left_out]
    text = f"{rng.choice(POLITE)} {phrases[rng.choice(numbers)].format(room=room)}".split()
    if rng.random() < 0.3:
        text[rng.integers(len(text))] = "um"  # a word that nobody knows
    return " ".join(text)
