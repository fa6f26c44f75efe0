"""From the text of an ECL expression to its tree: a subset of the language, anything else refused by name."""

from __future__ import annotations

from .ecl_syntax import Combined, EclError, MemberOf, Node, Reference, Token, Walk, Wildcard, words_of
from .systems import canonical_system

_OBO_SYSTEMS = {"HP": "HPO", "MONDO": "Mondo", "DOID": "DOID"}
MAX_DEPTH = 100
"""Parentheses and operators inside one another; more is a mistake."""


def parse(text: str) -> Node:
    """The tree of an expression. Raises EclError with the place and the remedy.

    >>> parse("<< 404684003 |Clinical finding| MINUS 64572001")
    ... # doctest: +NORMALIZE_WHITESPACE
    Combined(word='MINUS', parts=(Walk(operator='<<', operand=Reference(code='404684003', system='SNOMED', position=3)),
    Reference(code='64572001', system='SNOMED', position=38)))
    """
    reader = _Reader(text, list(words_of(text, _OBO_SYSTEMS)))
    node = reader.expression(0)
    reader.finish()
    return node


class _Reader:
    """Recursive descent over the words, one method a rule of the grammar."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.place = 0

    def expression(self, depth: int) -> Node:
        """sub-expression, or several joined by one of AND, OR, MINUS."""
        parts = [self._sub(depth)]
        first = self._joining()
        if first is None:
            return parts[0]
        while (token := self._joining()) is not None:
            if token.text != first.text:
                raise EclError(
                    f"{first.text} and {token.text} stand side by side", self.text, token.position,
                    "say with parentheses which belongs together, as in (A AND B) OR C",
                )  # fmt: skip
            if token.text == "MINUS" and len(parts) == 2:
                raise EclError(
                    "MINUS joins two expressions only", self.text, token.position,
                    "say with parentheses which belongs together, as in (A MINUS B) MINUS C",
                )  # fmt: skip
            self.place += 1
            parts.append(self._sub(depth))
        return Combined(first.text, tuple(parts))

    def finish(self) -> None:
        token = self._peek()
        if token is None:
            return
        if token.kind == ")":
            raise EclError("a closing parenthesis without an opening one", self.text, token.position, "remove it")
        raise EclError(
            "two expressions without a word between them", self.text, token.position, "join them by AND, OR or MINUS"
        )

    def _sub(self, depth: int) -> Node:
        """[operator] [^] (code | * | "(" expression ")")."""
        token = self._next(depth)
        if token.kind == "operator":
            following = self._peek()
            if following is not None and following.kind == "operator":
                raise EclError(
                    f"{token.text} and {following.text} one after the other", self.text, following.position,
                    f"use parentheses, as in {token.text} ({following.text} A)",
                )  # fmt: skip
            return Walk(token.text, self._sub(depth + 1))
        if token.kind == "member":
            return MemberOf(self._focus(self._next(depth), depth))
        return self._focus(token, depth)

    def _focus(self, token: Token, depth: int) -> Node:
        if token.kind == "(":
            node = self.expression(depth + 1)
            closing = self._peek()
            if closing is None:
                raise EclError("the parenthesis is not closed", self.text, token.position, "add )")
            if closing.kind != ")":
                raise EclError(
                    "two expressions without a word between them", self.text, closing.position,
                    "join them by AND, OR or MINUS",
                )  # fmt: skip
            self.place += 1
            self._refuse_foreign()
            return node
        if token.kind == "any":
            node = Wildcard(canonical_system(token.system) if token.system else None, token.position)
        elif token.kind == "code":
            node = Reference(token.text, canonical_system(token.system), token.position)
        else:
            raise EclError(
                f"{token.text!r} stands where a code, * or ( should", self.text, token.position,
                "give the code that it is about",
            )  # fmt: skip
        self._refuse_foreign()
        return node

    def _joining(self) -> Token | None:
        token = self._peek()
        return token if token is not None and token.kind == "word" else None

    def _peek(self) -> Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def _next(self, depth: int) -> Token:
        if depth > MAX_DEPTH:
            place = self.tokens[self.place - 1].position
            raise EclError("too many parentheses inside one another", self.text, place, "take the expression apart")
        self._refuse_foreign()
        token = self._peek()
        if token is None:
            problem = "the expression ends too early" if self.tokens else "the expression is empty"
            raise EclError(problem, self.text, len(self.text.rstrip()), "give a code, as in << 404684003")
        self.place += 1
        return token

    def _refuse_foreign(self) -> None:
        token = self._peek()
        if token is not None and token.kind == "foreign":
            raise EclError(
                f"{token.text} is not supported", self.text, token.position,
                "use hierarchy operators, ^, AND, OR and MINUS, or expand the expression on a terminology server",
            )  # fmt: skip
