"""Writes keras_tokens.json: what Keras' Tokenizer and pad_sequences make of some texts.

Not run by the tests: python keras_tokens.py, where keras is installed. Keras ranks equally frequent
words by first appearance; here every word appears first in the order of the words themselves.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

TEXTS = [
    "The cat sat on the mat.",
    "The DOG (a big one!) chased the cat;\tthe cat ran...",
    "don't panic -- it's only a dog",
    "",
    "?!",
    "Ünïcode: Σίσυφος ΟΔΥΣΣΕΥΣ, straße STRASSE\nİstanbul",
    "e-mail me@example.org 3.14 times, [please]",
    "a\u00a0b a\rb a\u2028b",
    "the the the the the the the",
]
NEW = [*TEXTS, "an unknown word and the cat", "nothing"]
OPTIONS: list[dict[str, Any]] = [
    {"max_words": words, "oov": oov, "length": length, "pad": pad}
    for words in (10_000, 8, 3)
    for oov in (None, "<oov>")
    for length in (None, 4, 12)
    for pad in ("pre", "post")
]


def _case(options: dict[str, Any]) -> dict[str, Any]:
    from keras.src.legacy.preprocessing.text import Tokenizer, text_to_word_sequence
    from keras.utils import pad_sequences

    words = sorted({word for text in TEXTS for word in text_to_word_sequence(text)})
    tokenizer = Tokenizer(num_words=options["max_words"], oov_token=options["oov"])
    tokenizer.fit_on_texts([words, *TEXTS])
    longest = max(len(text_to_word_sequence(text)) for text in TEXTS)
    length = options["length"] or longest
    codes = pad_sequences(
        tokenizer.texts_to_sequences(NEW),
        maxlen=length,
        padding=options["pad"],
        truncating=options["pad"],
    )
    return {"options": options, "length": length, "codes": codes.tolist()}


if __name__ == "__main__":
    document = {
        "made by": f"keras {version('keras')}",
        "texts": TEXTS,
        "new": NEW,
        "cases": [_case(options) for options in OPTIONS],
    }
    target = Path(__file__).with_suffix(".json")
    target.write_text(json.dumps(document, indent=None) + "\n", encoding="utf-8")
