"""What a result's id stands for while this process lives: the words that asked for it. Standard library only."""

from collections import OrderedDict

MAX_RESULTS = 10_000


class Memory:
    """Result id → the one TARGET word that repeats it."""

    def __init__(self) -> None:
        self._words: OrderedDict[str, str] = OrderedDict()

    def keep(self, id: str, word: str) -> None:
        self._words[id] = word
        while len(self._words) > MAX_RESULTS:
            self._words.popitem(last=False)

    def word(self, id: str) -> str | None:
        return self._words.get(id)
