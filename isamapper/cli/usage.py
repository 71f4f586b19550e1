"""What argparse complains of, as diagnostics located on the command line."""

from __future__ import annotations

import argparse
import re

from isamapper.cli.words import CommandLine, did_you_mean
from isamapper.diagnostics.source import SourceError

_CHOICE = re.compile(
    r"(?:argument (?P<of>.+?): )?invalid choice: (?P<quote>['\"])(?P<word>.*)(?P=quote) \(choose from (?P<known>.*)\)"
)
_VALUE = re.compile(
    r"argument (?P<of>.+?): (?P<what>invalid .+ value: (?P<quote>['\"])(?P<word>.*)(?P=quote))", re.DOTALL
)
_FOUND = re.compile(r"argument (?P<of>.+?): (?P<what>must .*, found '(?P<word>.*)')", re.DOTALL)
_ARGUMENT = re.compile(r"argument (?P<of>\S+?)(?:/\S+)*: (?P<what>.*)", re.DOTALL)
_UNKNOWN = "unrecognized arguments: "
_MISSING = "the following arguments are required: "


class UsageError(Exception):
    """argparse's sentence about a wrong command line."""


def usage_error(message: str, line: CommandLine, parser: argparse.ArgumentParser) -> SourceError:
    """``message`` of argparse with its place, in the words of the other diagnostics."""
    if choice := _CHOICE.match(message):
        choices = re.findall(r"[\w-]+", choice["known"])
        noun = "command" if choice["of"] in ("COMMAND", "command") else f"value for '{choice['of']}'"
        hint = did_you_mean(choice["word"], choices)
        return line.error("CLI001", f"unknown {noun} '{choice['word']}'", choice["word"], hint)
    known = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", parser.format_help())) - {"-h", "--help"}
    if message.startswith(_UNKNOWN):
        return _unexpected(message.removeprefix(_UNKNOWN).split(" ")[0], known, line)
    if message.startswith(_MISSING):
        misspelt = (word for word in line.words if word.startswith("--") and word.split("=")[0] not in known)
        if known and (word := next(misspelt, None)):
            return _unexpected(word, known, line)
        return line.error("CLI003", f"missing {message.removeprefix(_MISSING)}", None, "see --help")
    if value := _VALUE.match(message):
        return line.error("CLI004", f"'{value['of']}': {value['what'].split(': ')[0]} '{value['word']}'", value["word"])
    if found := _FOUND.match(message):
        return line.error("CLI004", f"'{found['of']}' {found['what']}", found["word"])
    if argument := _ARGUMENT.match(message):
        return line.error("CLI005", f"'{argument['of']}' {argument['what']}", argument["of"])
    return line.error("CLI005", message)


def _unexpected(word: str, known: set[str], line: CommandLine) -> SourceError:
    hint = did_you_mean(word.split("=")[0], known) if word.startswith("-") and known else "see --help"
    return line.error("CLI002", f"unexpected argument '{word}'", word, hint)
