"""Text as fastText and Vowpal Wabbit want it: lower case, no punctuation, one space between words."""
import re

NO_WORD = re.compile(r"[^\w\s]+")


def words_only(text: str) -> str:
    return " ".join(NO_WORD.sub(" ", text.lower()).split())
